"""A client of the live socket in Python, for the demo, tests and measurements."""
