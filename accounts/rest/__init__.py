"""What every address below ``/api/`` has in common; apps above build their views on it.

``views.Api`` is the base of every view: who is asking, with which scopes, how often, and in
which form errors are told. ``pages``, ``conditional`` and ``idempotency`` are what lists,
edits and creations share; ``schema`` describes it all in the OpenAPI document.
"""
