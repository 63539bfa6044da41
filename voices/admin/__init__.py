"""The catalogue and everybody's actors in the admin pages: staff see all, and keep order.

What people decide goes through the services, as everywhere: it stands in the history.
"""

from voices.admin import actors, clones, consents, history, samples, speakers

__all__ = ["actors", "clones", "consents", "history", "samples", "speakers"]
