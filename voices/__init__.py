"""Actors, the speakers they are recognised as, their samples, consents and voices."""
