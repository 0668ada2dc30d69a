"""A stand-in for the model API, on loopback. It is rule-based and no language model."""
