"""Dashboards, alerts and the configuration of what collects: typed sources, and the files that they write."""
