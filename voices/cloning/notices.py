"""What apps above are told of clones; ids and states, never names or sound."""

from __future__ import annotations

from django.dispatch import Signal

clone_moved = Signal()
"""A clone has come one step further, is ready or has failed; carries ``clone``. Sent when that
is committed, from whichever process it happened in."""

clones_ending = Signal()
"""Clones end, or are deleted: carries ``clones``, whose rows are locked. Sent in the transaction
of that, before the rows go: what receivers write is written with it or not at all."""

clones_withdrawn = Signal()
"""Clones may not be spoken with any more; carries ``voices``, pairs of (engine, vendor's id).
Sent when that is committed."""

actor_changed = Signal()
"""A consent to an actor's voice was given or has ended, or the actor is gone; carries
``actor_id``. Sent when that is committed."""
