"""The pipelines that ship with Callsheet."""
