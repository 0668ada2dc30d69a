"""Renders and measures real images, offline."""
