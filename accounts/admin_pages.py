"""What admin pages of every app may not do with their rows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


class NotAdded:
    """Rows come into being elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


class Unchanging(NotAdded):
    """Pages to look at: nothing is added or changed on them."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - the framework's signature
        return False


class DeletedWithParent:
    """Not deleted on its own pages; with what it belongs to, or an account, it goes."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = f"{self.opts.app_label}_{self.opts.model_name}_"  # type: ignore[attr-defined]  # the page's
        here = (request.resolver_match and request.resolver_match.url_name) or own
        return not here.startswith(own) and super().has_delete_permission(request, obj)  # type: ignore[misc]  # the page's
