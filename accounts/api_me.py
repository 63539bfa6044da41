"""``/api/me``: who a token speaks for, and what it may do."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Membership, Role, SpeakersPolicy, User
from accounts.rest.fields import ChoiceField
from accounts.rest.scopes import ANY, EVERYTHING, TokenAccess
from accounts.rest.views import Api


class MyTeamSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.IntegerField(source="team_id")
    name = serializers.CharField(source="team.name")
    role = serializers.ChoiceField(choices=Role.choices)

    class Meta:
        model = Membership
        fields: tuple[str, ...] = ("id", "name", "role")


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    is_staff = serializers.BooleanField()
    scopes = serializers.ListField(
        child=serializers.CharField(), help_text="What this token may do; `*` is everything."
    )
    teams = MyTeamSerializer(many=True)
    speakers = ChoiceField(
        choices=SpeakersPolicy.choices,
        help_text="What is done about those who speak in your sessions, where one does not say.",
    )


class PreferencesSerializer(serializers.ModelSerializer[User]):
    serializer_choice_field = ChoiceField

    class Meta:
        model = User
        fields = ("speakers",)


class MeView(Api):
    tag = "tokens"
    scopes: ClassVar[dict[str, str]] = {"GET": ANY, "PATCH": "write:voices"}
    serializer_class = MeSerializer
    pagination_class = None

    @extend_schema(operation_id="read_me")
    def get(self, request: Request) -> Response:
        """Who you are here, your teams, what is set, and what this token may do."""
        return self._told(request)

    @extend_schema(operation_id="change_me", request=PreferencesSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change what is done about those who speak in your sessions."""
        change = PreferencesSerializer(self.person, data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        change.save()
        return self._told(request)

    def _told(self, request: Request) -> Response:
        access = request.auth
        scopes = access.scopes if isinstance(access, TokenAccess) else {EVERYTHING}
        teams = self.person.memberships.select_related("team").order_by("team__name", "pk")
        return Response(
            {
                "id": self.person.pk,
                "email": self.person.email,
                "is_staff": self.person.is_staff,
                "scopes": sorted(scopes),
                "speakers": self.person.speakers,
                "teams": MyTeamSerializer(teams, many=True).data,
            }
        )
