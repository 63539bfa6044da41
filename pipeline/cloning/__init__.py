"""Voices made to last: what they are made of, how good they are, and how they are best spoken.

Blocking code and engines together: for a worker, never for a server's event loop.
"""
