"""Documents that strangers hand in: read apart from everything else, quoted word for word, redacted with a map back."""
