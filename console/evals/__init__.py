"""Evals: cases run against a pipeline, again and again, and what can be said of it with which confidence."""
