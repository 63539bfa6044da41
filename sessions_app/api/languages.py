"""``/api/languages`` and ``/api/voices``: what a person's engines can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.fields import choose_one_of
from accounts.rest.pages import Pages
from accounts.rest.scopes import ANY, TokenAccess
from accounts.rest.views import Api
from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.providers.catalogue import NAMED_ROLES, providers_of
from pipeline.providers.choice import refuse_unknown
from pipeline.types import Voice
from sessions_app.engines import loaded
from sessions_app.engines.languages import available_pairs
from sessions_app.engines.offered_voices import ClonedVoice, StockVoice, cloned_voices

ROLE_PARAMETERS = [
    OpenApiParameter(
        role,
        enum=providers_of(NAMED_ROLES[role]),
        description=f"What its answer would be with this {role}, of `GET /api/engines`.",
    )
    for role in NAMED_ROLES
]


class PairSerializer(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]  # a field, not the argument
    target = serializers.CharField()


class LanguagesSerializer(serializers.Serializer[Any]):
    pairs = PairSerializer(
        many=True, help_text="What can be heard, translated and spoken: what can be dubbed."
    )
    recognizes = serializers.ListField(child=serializers.CharField())
    translates = PairSerializer(many=True)
    speaks = serializers.ListField(child=serializers.CharField())
    detects = serializers.BooleanField(
        help_text="Whether a source of `auto` is found out while people speak."
    )
    engines = serializers.DictField(
        child=serializers.CharField(), help_text="Role → the engine that it is said of."
    )


class VoiceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    engine = serializers.CharField()
    name = serializers.CharField()
    register = serializers.CharField()
    pitch_hz = serializers.FloatField(allow_null=True)
    whose = serializers.CharField(
        help_text="`stock`: the engine's; or a clone's: `own`, `team`, `catalogue`."
    )
    actor = serializers.UUIDField(allow_null=True, help_text="After whom a clone was made.")
    clone = serializers.UUIDField(
        allow_null=True, help_text="Of a clone: its id in `GET /api/clones`."
    )
    score = serializers.FloatField(
        allow_null=True, help_text="Of a clone: how good it is, 0 to 1; null unless measured."
    )


class VoicesSerializer(serializers.Serializer[Any]):
    voices = VoiceSerializer(many=True)
    next = serializers.URLField(
        allow_null=True, help_text="More clones; the stock voices are on the first page."
    )
    previous = serializers.URLField(allow_null=True)


class LanguagesView(Api):
    tag = "engines"
    scopes: ClassVar[dict[str, str]] = {"GET": ANY}
    serializer_class = LanguagesSerializer
    pagination_class = None

    @extend_schema(operation_id="list_languages", parameters=ROLE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """What your engines can do: which languages they hear, translate and speak."""

        def found(engines: Engines) -> dict[str, Any]:
            recognizer = engines.recognizer
            return {
                "pairs": _shown(available_pairs(engines)),
                "recognizes": sorted(recognizer.languages),
                "translates": _shown(sorted(engines.translator.pairs())),
                "speaks": sorted(engines.synthesizer.languages()),
                "detects": recognizer.finds_any or recognizer.candidates_max > 1,
                "engines": engines.names(),
            }

        return Response(loaded.ask(self.person.pk, found, wish=_wish(request)))


class VoicesView(Api):
    tag = "engines"
    scopes: ClassVar[dict[str, str]] = {"GET": ANY}
    serializer_class = VoicesSerializer
    ordering = ("place",)

    @extend_schema(
        operation_id="list_voices",
        parameters=[
            OpenApiParameter("language", required=True, description="A code such as `es`."),
            OpenApiParameter(
                "synthesis", description="Whose stock voices instead: `offline`, `elevenlabs`."
            ),
            OpenApiParameter(
                "whose", enum=["stock"], description="`stock`: the engine's voices alone."
            ),
            OpenApiParameter("limit", int, description=Pages.page_size_query_description),
            OpenApiParameter("cursor", description=Pages.cursor_query_description),
        ],
    )
    def get(self, request: Request) -> Response:
        """Voices that speak a language: clones of actors, first yours, then your teams' and the
        catalogue's, each under a consent that holds; behind the first page's clones your
        synthesiser's stock voices, best first. Of clones there may be more pages."""
        language = request.query_params.get("language", "")
        whose = request.query_params.get("whose", "")
        if whose not in ("", "stock"):
            raise serializers.ValidationError({"whose": "Leave it out, or say `stock`."})

        def found(engines: Engines) -> tuple[frozenset[str], tuple[Voice, ...]]:
            known = engines.synthesizer.languages()
            return known, engines.synthesizer.voices(language) if language in known else ()

        known, voices = loaded.ask(self.person.pk, found, wish=_wish(request))
        if language not in known:
            raise serializers.ValidationError({"language": choose_one_of(sorted(known))})
        access = request.auth
        # A token that may only dub learns nothing of whose voices there are.
        told = not isinstance(access, TokenAccess) or access.allows("read:voices")
        told = told and not whose
        clones = cloned_voices(self.person)
        if not told:
            clones = clones.none()
        listed: list[ClonedVoice | StockVoice] = [
            ClonedVoice(clone, self.person) for clone in self.paginate_queryset(clones) or ()
        ]
        if not request.query_params.get("cursor"):
            listed += map(StockVoice, voices)
        response = self.get_paginated_response(VoiceSerializer(listed, many=True).data)
        response.data = {"voices": response.data.pop("results"), **response.data}
        return response


def _wish(request: Request) -> Mapping[str, str] | None:
    """Role → engine, as the query names them; those that there are not are refused by name."""
    wish = {
        role: request.query_params[role] for role in NAMED_ROLES if request.query_params.get(role)
    }
    for role, name in wish.items():
        try:
            refuse_unknown({role: name})
        except EngineError as error:
            raise serializers.ValidationError({role: str(error)}) from None
    return wish or None


def _shown(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"source": source, "target": target} for source, target in pairs]
