"""``/api/sessions``, ``/api/languages`` and ``/api/voices``."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.conf import settings
from django.db.models import Model
from django.forms.models import model_to_dict
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import User
from pipeline.bounds import PAGE_MAX
from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.types import Voice
from sessions_app import selectors, services, usage, wiring
from sessions_app.api_usage import shown
from sessions_app.languages import available_pairs
from sessions_app.models import DubbingSession, Line


class NewSession(serializers.Serializer[Any]):
    source_language = serializers.RegexField(r"^(auto|[a-z]{2,3})$", default="auto")
    target_language = serializers.RegexField(r"^[a-z]{2,3}$")
    preserve_voice = serializers.BooleanField(default=True)
    team = serializers.IntegerField(min_value=1, max_value=2**63 - 1, default=None, allow_null=True)


class Page(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=PAGE_MAX, default=100)
    offset = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)
    after = serializers.IntegerField(min_value=-1, max_value=2**31 - 1, default=-1)


class SessionsView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """The user's sessions, newest first; ``limit`` and ``offset`` page through them."""
        page = _page(request)
        sessions = selectors.sessions_of(_user(request))
        shown = sessions[page["offset"] : page["offset"] + page["limit"]]
        return Response(
            {"count": sessions.count(), "sessions": [_session(session) for session in shown]}
        )

    def post(self, request: Request) -> Response:
        wanted = NewSession(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            session = services.create_session(_user(request), **wanted.validated_data)
        except services.TeamUnknownError:
            raise serializers.ValidationError(
                {"team": ["You are in no team with this number."]}
            ) from None
        return Response(
            {**_session(session), "websocket_path": f"/ws/{uuid.uuid4().hex}/{session.id}"},
            status=status.HTTP_201_CREATED,
        )


class LiveSessionsView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """Sessions that are dubbed now and that the user may follow, their own and their
        teams', newest first; ``limit`` and ``offset`` page through them."""
        page, user = _page(request), _user(request)
        sessions = selectors.followable_by(user)
        shown = sessions[page["offset"] : page["offset"] + page["limit"]]
        return Response(
            {
                "count": sessions.count(),
                "sessions": [
                    {
                        "id": session.pk,
                        "owner": session.owner.email,
                        "team": session.team_id,
                        "source_language": session.source_language,
                        "target_language": session.target_language,
                        "engines": session.engines,
                        "started_at": session.started_at,
                    }
                    for session in shown
                ],
            }
        )


class SessionView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """One session with its use, and its lines: ``after`` (a sequence) and ``limit`` page
        through those."""
        session = selectors.session_of(_user(request), session_id)
        if session is None:
            return Response({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
        page = _page(request)
        lines = selectors.lines_of(session, after=page["after"], limit=page["limit"] + 1)
        more = len(lines) > page["limit"]
        lines = lines[: page["limit"]]
        return Response(
            {
                **_session(session),
                "usage": [shown(row) for row in usage.usage_of_session(session)],
                "currency": settings.PRICE_CURRENCY,
                "lines": [_line(line) for line in lines],
                "next_after": lines[-1].sequence if more else None,
            }
        )


class LanguagesView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """Pairs that can be heard, translated and spoken with the user's engines."""
        try:
            pairs = wiring.ask(_user(request).pk, available_pairs)
        except EngineError as error:
            return _unavailable(error)
        return Response({"pairs": [{"source": source, "target": to} for source, to in pairs]})


class VoicesView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """Stock voices of ``?language=``, best first, of the user's synthesiser."""
        language = request.query_params.get("language", "")

        def found(engines: Engines) -> tuple[frozenset[str], tuple[Voice, ...]]:
            known = engines.synthesizer.languages()
            return known, engines.synthesizer.voices(language) if language in known else ()

        try:
            known, voices = wiring.ask(_user(request).pk, found)
        except EngineError as error:
            return _unavailable(error)
        if language not in known:
            raise serializers.ValidationError(
                {"language": f"Choose one of: {', '.join(sorted(known))}."}
            )
        return Response(
            {
                "voices": [
                    {
                        "id": voice.id,
                        "engine": voice.engine,
                        "name": voice.name,
                        "register": voice.register,
                        "pitch_hz": voice.pitch_hz,
                    }
                    for voice in voices
                ]
            }
        )


def _user(request: Request) -> User:
    return cast(User, request.user)


def _page(request: Request) -> dict[str, int]:
    page = Page(data=request.query_params)
    page.is_valid(raise_exception=True)
    return cast(dict[str, int], page.validated_data)


def _unavailable(error: EngineError) -> Response:
    body = {"code": error.code, "message": str(error)}
    return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE)


def _session(session: DubbingSession) -> dict[str, Any]:
    hidden = ["owner", "held_by", "held_at"]
    return {
        "id": session.pk,
        **_fields(session, hidden),
        "created_at": session.created_at,
    }


def _line(line: Line) -> dict[str, Any]:
    return _fields(line, ["id", "session"])


def _fields(row: Model, hidden: list[str]) -> dict[str, Any]:
    return model_to_dict(row, exclude=hidden)
