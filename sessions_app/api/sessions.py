"""``/api/sessions``: made, listed, searched, renamed, shared and deleted."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from accounts.rest.views import Api
from accounts.selectors import editing_teams_of
from pipeline.bounds import SEARCH_MAX_CHARACTERS, SESSION_TITLE_MAX
from sessions_app import holding, selectors, services
from sessions_app.api.usage import UsedSerializer, shown
from sessions_app.models import DubbingSession, SessionState
from sessions_app.usage import report as usage

EDITABLE = ("title", "team")


class SessionSerializer(serializers.ModelSerializer[DubbingSession]):
    owner = serializers.PrimaryKeyRelatedField[Any](read_only=True, help_text="Whose it is: an id.")
    team = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, allow_null=True, help_text="With which team it is shared, if with one."
    )
    content = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, allow_null=True, help_text="What it dubs: an id of `/api/titles`."
    )
    follows = serializers.PrimaryKeyRelatedField[Any](
        read_only=True,
        allow_null=True,
        help_text="The session whose lines it spoke in its last run, instead of hearing any.",
    )
    engines = serializers.DictField(child=serializers.CharField(), read_only=True)
    summary = serializers.DictField(read_only=True, help_text="Figures of all its runs.")
    speaker_names = serializers.DictField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Speaker, as in the lines → what people call them.",
    )

    class Meta:
        model = DubbingSession
        fields: tuple[str, ...] = (
            "id",
            "title",
            "content",
            "owner",
            "team",
            "state",
            "source_language",
            "target_language",
            "preserve_voice",
            "follows",
            "engines",
            "summary",
            "speaker_names",
            "media_s",
            "lost_lines",
            "created_at",
            "started_at",
            "ended_at",
        )
        read_only_fields: tuple[str, ...] = fields


class SessionDetailSerializer(SessionSerializer):
    usage = UsedSerializer(many=True)
    currency = serializers.CharField()

    class Meta(SessionSerializer.Meta):
        fields: tuple[str, ...] = (*SessionSerializer.Meta.fields, "usage", "currency")
        read_only_fields: tuple[str, ...] = fields


class NewSessionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=SESSION_TITLE_MAX, default="", allow_blank=True)
    content_url = serializers.URLField(
        max_length=2000,
        default="",
        allow_blank=True,
        help_text="The address of what is dubbed: sessions of one film know each other by it, "
        "and who was heard in it is looked for first.",
    )
    source_language = serializers.RegexField(
        r"^(auto|[a-z]{2,3})$", default="auto", help_text="A code such as `en`, or `auto`."
    )
    target_language = serializers.RegexField(r"^[a-z]{2,3}$", help_text="A code such as `es`.")
    preserve_voice = serializers.BooleanField(default=True)
    team = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        default=None,
        help_text="A team in which you edit, to share it with.",
    )


class MadeSessionSerializer(SessionSerializer):
    websocket_path = serializers.CharField(help_text="Where it is dubbed, on this server.")

    class Meta(SessionSerializer.Meta):
        fields: tuple[str, ...] = (*SessionSerializer.Meta.fields, "websocket_path")
        read_only_fields: tuple[str, ...] = fields


class EditedSessionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=SESSION_TITLE_MAX, allow_blank=True, required=False)
    team = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        required=False,
        help_text="A team in which you edit; `null` shares it no longer. The owner decides.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change: title, team.")
        return attrs


class SessionFilters(FilterSet):
    state = django_filters.MultipleChoiceFilter(
        choices=SessionState.choices, help_text="May be given several times."
    )
    source_language = django_filters.CharFilter(max_length=8)
    target_language = django_filters.CharFilter(max_length=8)
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    team = django_filters.NumberFilter(
        method="of_team", min_value=1, max_value=2**63 - 1, help_text="Shared with this team."
    )
    q = django_filters.CharFilter(
        method="search",
        max_length=SEARCH_MAX_CHARACTERS,
        help_text="Beginnings of words that are all in the title, a speaker's name or the lines, "
        "in either language; case and accents do not count.",
    )

    class Meta:
        model = DubbingSession
        fields: ClassVar[list[str]] = []

    def of_team(
        self,
        rows: QuerySet[DubbingSession],
        name: str,  # noqa: ARG002 - the library's signature
        value: int,
    ) -> QuerySet[DubbingSession]:
        if value != int(value):
            return rows.none()
        return rows.filter(team=int(value))

    def search(
        self,
        rows: QuerySet[DubbingSession],
        name: str,  # noqa: ARG002 - the library's signature
        value: str,
    ) -> QuerySet[DubbingSession]:
        return selectors.found(rows, value)


class SessionsView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions", "POST": "write:sessions"}
    serializer_class = SessionSerializer
    queryset = DubbingSession.objects.none()
    filter_backends = (Filters,)
    filterset_class = SessionFilters
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_sessions", responses=SessionSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your sessions and those of your teams, newest first."""
        return self.page_of(self.filter_queryset(selectors.sessions_of(self.person)))

    @extend_schema(
        operation_id="create_session",
        request=NewSessionSerializer,
        responses={201: MadeSessionSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a session. What is said in it is dubbed over its socket."""
        given = NewSessionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        team = team_of(self, wanted.pop("team"))
        session = services.create_session(self.person, team=team, **wanted)
        path = f"/ws/{uuid.uuid4().hex}/{session.pk}"
        return tagged(
            request,
            {**SessionSerializer(session).data, "websocket_path": path},
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/sessions/{session.pk}"},
        )


class LiveSessionSerializer(serializers.ModelSerializer[DubbingSession]):
    owner = serializers.CharField(source="owner.email", help_text="Whose it is.")
    team = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    engines = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = DubbingSession
        fields: tuple[str, ...] = (
            "id",
            "title",
            "owner",
            "team",
            "source_language",
            "target_language",
            "engines",
            "started_at",
        )
        read_only_fields: tuple[str, ...] = fields


class LiveSessionsView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {"GET": "read:sessions"}
    serializer_class = LiveSessionSerializer
    queryset = DubbingSession.objects.none()
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_live_sessions", responses=LiveSessionSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Sessions that are dubbed now and that you may follow, yours and your teams'."""
        return self.page_of(selectors.followable_by(self.person))


class SessionView(Api):
    tag = "sessions"
    scopes: ClassVar[dict[str, str]] = {
        "GET": "read:sessions",
        "PATCH": "write:sessions",
        "DELETE": "write:sessions",
    }
    serializer_class = SessionDetailSerializer

    @extend_schema(operation_id="read_session")
    @with_tag
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """One session, its summary and what it used of its engines."""
        session = found(self, session_id)
        return tagged(request, _detail(session), EDITABLE)

    @extend_schema(operation_id="edit_session", request=EditedSessionSerializer)
    @edits
    def patch(self, request: Request, session_id: uuid.UUID) -> Response:
        """Give it a title, or share it with a team."""
        given = EditedSessionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        with transaction.atomic():
            session = self._editable(session_id)
            check_match(request, SessionSerializer(session).data, EDITABLE)
            if "team" in wanted:
                if session.owner_id != self.person.pk:
                    raise Problem("forbidden", "Only its owner shares a session.")
                wanted["team"] = team_of(self, wanted["team"])
            services.edit_session(session, **wanted)
        return tagged(request, _detail(session), EDITABLE)

    @extend_schema(operation_id="delete_session", responses={204: None})
    @edits
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        """Delete a session and its lines; what it used still counts."""
        with transaction.atomic():
            session = self._editable(session_id)
            check_match(request, SessionSerializer(session).data, EDITABLE, required=False)
            if session.owner_id != self.person.pk:
                raise Problem("forbidden", "Only its owner deletes a session.")
            try:
                services.delete_session(session)
            except holding.SessionBusyError:
                raise Problem("session_live") from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _editable(self, session_id: uuid.UUID) -> DubbingSession:
        """Locked. Raises NotFound, and Problem for somebody who may only look."""
        session = selectors.editable_session(self.person, session_id)
        if session is None:
            found(self, session_id)
            raise Problem("forbidden", "Viewers of a team do not edit what it shares.")
        return session


def found(view: Api, session_id: uuid.UUID) -> DubbingSession:
    """The session that the view's person may see. Raises NotFound."""
    session = selectors.session_of(view.person, session_id)
    if session is None:
        raise NotFound
    return session


def team_of(view: Api, team_id: int | None) -> Team | None:
    """A team in which the view's person edits. Raises ValidationError."""
    if team_id is None:
        return None
    team = editing_teams_of(view.person).filter(pk=team_id).first()
    if team is None:
        raise serializers.ValidationError({"team": "You edit in no team of this id."})
    return team


def _detail(session: DubbingSession) -> dict[str, Any]:
    return {
        **SessionSerializer(session).data,
        "usage": [shown(row) for row in usage.usage_of_session(session)],
        "currency": settings.PRICE_CURRENCY,
    }
