"""The tools that agents may use."""
