"""Who speaks: the speakers of one session, and whether one of them is a known actor.

``clustering`` and ``identification`` are pure; ``acquaintance`` does the slow part beside the
live path and asks whoever remembers through the port in ``memory``.
"""
