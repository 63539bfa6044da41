"""A client's sound on its way into a run: any rate to 16 kHz, numbered, in order."""
