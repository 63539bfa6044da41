"""The dubbing runs of a live session: what they say, what is written down, what can move on."""
