"""``/api/actors`` and all that belongs to them, on the conventions of ``accounts.rest``."""
