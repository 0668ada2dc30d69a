"""A florist's own package: one tool, one agent, one pipeline, and nothing of Callsheet is edited."""
