"""Webhooks: what happens here is told to people's own servers, signed, until they have it.

An app says what its events are in ``event_types`` and calls ``events.emit`` in the transaction
of what happened. ``delivering`` sends them from the worker, ``sending`` is one request, and
``addresses`` says where none may go.
"""
