"""Decides: deterministic, no I/O."""
