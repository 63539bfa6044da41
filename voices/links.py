"""Links to one private file, for one person and some minutes: what a player can open.

A link does not replace the right to see: whoever has lost that meanwhile gets nothing.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.models import User
from accounts.rest.problems import Problem
from pipeline.bounds import SAMPLE_LINK_S

PARAMETER = "link"
_signer = signing.TimestampSigner(salt="voices.links")


def signed_path(path: str, *, user: User, subject: uuid.UUID) -> str:
    """``path`` with a signature that opens ``subject`` for ``user``."""
    return f"{path}?{urlencode({PARAMETER: _signer.sign(f'{subject}.{user.pk}')})}"


class LinkAuthentication(BaseAuthentication):
    """Who a link was made for, at the address that it was made for."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        signed = request.query_params.get(PARAMETER)
        if signed is None:
            return None
        try:
            subject, user_id = _signer.unsign(signed, max_age=SAMPLE_LINK_S).split(".")
        except (signing.BadSignature, ValueError):
            raise Problem("link_invalid") from None
        view = (request.parser_context or {}).get("view")
        asked = str(view.kwargs[view.subject]) if isinstance(view, Linked) else ""
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None or subject != asked or request.method not in {"GET", "HEAD"}:
            raise Problem("link_invalid")
        return user, PARAMETER

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's signature
        """What a visitor without a link should send instead."""
        return "Token"


class Linked:
    """Of a view that a link opens too; ``subject`` names the id in its address."""

    subject: str
    kwargs: dict[str, Any]

    def get_authenticators(self) -> list[BaseAuthentication]:
        usual: list[BaseAuthentication] = super().get_authenticators()  # type: ignore[misc]  # the view's
        return [LinkAuthentication(), *usual]


class LinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = LinkAuthentication
    name = "link"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        return {
            "type": "apiKey",
            "in": "query",
            "name": PARAMETER,
            "description": "From `GET /api/samples/{sample_id}/link`: opens one file for minutes.",
        }
