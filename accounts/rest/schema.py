"""How the OpenAPI document is made of the views: what they all share is told here once."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from accounts.rest.problems import MEDIA_TYPE
from accounts.rest.rates import RateLimit
from accounts.rest.scopes import ANY, EVERYTHING, HasScope


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457). Decide by `code`; `/api/problems` explains each."""

    type = serializers.CharField(help_text="Where the code is explained.")
    title = serializers.CharField(help_text="What the code means, always the same.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="What is wrong this time, for people.")
    instance = serializers.CharField(
        help_text="This occurrence: the request's id, as in `X-Request-Id`."
    )
    code = serializers.CharField(help_text="Stable, for programs.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field, not the property
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Path of a field → what is wrong with it.",
    )


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped
    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of yours, as `Authorization: Bearer …` or `Token …`. It may "
            "do what its scopes say; each operation names the one that it needs.",
        }


_IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Of your choice, 1 to 255 printable ASCII characters: within a day the same "
    "request with the same key is done once, and answered as at first.",
)
_IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag that you read, or `*`. Editing needs one; deleting may have one.",
)
_IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="An ETag that you have: 304 without a body when nothing has changed.",
)


class Description(AutoSchema):
    """One operation. Views mark methods: ``idempotent`` does, ``edits`` and ``tagged`` below."""

    def get_override_parameters(self) -> list[Any]:
        method = self._handler()
        return [
            *super().get_override_parameters(),
            *([_IDEMPOTENCY] if getattr(method, "idempotent", False) else []),
            *([_IF_MATCH] if getattr(method, "edits", False) else []),
            *([_IF_NONE_MATCH] if getattr(method, "tagged", False) else []),
        ]

    def get_description(self) -> str:  # type: ignore[override]  # as the library has it
        said = super().get_description()
        text = " ".join(said.split("\n")) if said else ""
        scope = self._scope()
        if scope not in {None, ANY}:
            needed = "every scope" if scope == EVERYTHING else f"the scope `{scope}`"
            text = f"{text}\n\nA token needs {needed}.".strip()
        return text

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", None) or super().get_tags()[0]]

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction != "response":
            return bodies
        for code in self._problems():
            if code not in bodies:
                bodies[code] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    ProblemSerializer, code, media_types=[MEDIA_TYPE]
                )
        if getattr(self._handler(), "tagged", False):
            bodies["304"] = {"description": "You have it already."}
        return bodies

    def _problems(self) -> list[str]:
        method = self._handler()
        public = AllowAny in self.view.permission_classes
        codes = {"400", "406"}
        if not public or self.view.authentication_classes:
            codes |= {"401", "403", "503"}
        if "{" in self.path:
            codes.add("404")
        if self.method in {"POST", "PUT", "PATCH", "DELETE"}:
            codes |= {"409", "413", "415"}
        if getattr(method, "edits", False):
            codes |= {"412", "428"} if self.method != "DELETE" else {"412"}
        if RateLimit in self.view.throttle_classes:
            codes.add("429")
        codes |= set(getattr(method, "problems", ()))
        return sorted(codes)

    def _scope(self) -> str | None:
        if HasScope not in self.view.permission_classes:
            return None
        scopes: dict[str, str] = getattr(self.view, "scopes", {})
        return scopes.get(self.method, EVERYTHING)

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower(), None)


def edits(method: Any) -> Any:
    """Mark a method that looks at ``If-Match``."""
    method.edits = True
    return method


def with_tag(method: Any) -> Any:
    """Mark a method that answers with an ETag, and looks at ``If-None-Match``."""
    method.tagged = True
    return method
