"""Pure functions from what has happened so far to a ruling."""
