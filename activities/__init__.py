"""Touches: implements the ports of the workflows."""
