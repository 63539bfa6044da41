"""Receivers of signals: what changes elsewhere reaches the sessions that are open."""
