"""The documentation that runs."""
