"""The command line's rooms: the embedded stack, the demo, and what people see."""
