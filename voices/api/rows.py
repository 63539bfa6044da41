"""What the views of this package share: finding a row, and what may be done with it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.models import Team, User
from accounts.ownership import Owned
from accounts.rest.problems import Problem
from accounts.rest.views import Api
from voices import selectors
from voices.models import Actor

READ, WRITE = "read:voices", "write:voices"
Row = TypeVar("Row", bound=Owned)


class VoicesApi(Api):
    """Reading needs the scope ``read:voices``, everything else ``write:voices``."""

    scopes: ClassVar[dict[str, str]] = {
        "GET": READ,
        **dict.fromkeys(("POST", "PUT", "PATCH", "DELETE"), WRITE),
    }

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "standing": Standing(self.request)}


class Standing:
    """Of who is asking, towards rows: asked of the database once a request."""

    def __init__(self, request: Request | HttpRequest) -> None:
        self._user = request.user if isinstance(request.user, User) else None
        self._teams: set[int] | None = None

    def whose(self, row: Owned) -> str:
        """``own``, ``team`` or ``catalogue``."""
        if row.owner_id is None:
            return "catalogue"
        return "own" if self._user and row.owner_id == self._user.pk else "team"

    def may_edit(self, row: Owned) -> bool:
        if self._user is None or row.owner_id is None:
            return False
        if row.owner_id == self._user.pk:
            return True
        if self._teams is None:
            self._teams = selectors.editing_teams(self._user)
        return row.team_id in self._teams


class OwnedSerializer(serializers.ModelSerializer[Any]):
    """What every row says of whose it is, and whether who is asking may change it."""

    whose = serializers.SerializerMethodField(
        help_text="`own`, `team`: shared with a team of yours, or `catalogue`: kept by staff."
    )
    editable = serializers.SerializerMethodField(help_text="Whether you may change it.")

    def get_whose(self, row: Owned) -> str:
        return str(self._standing().whose(row))

    def get_editable(self, row: Owned) -> bool:
        return bool(self._standing().may_edit(row))

    def _standing(self) -> Standing:
        standing: Standing = self.context["standing"]
        return standing


class OfActorSerializer(OwnedSerializer):
    """Of what belongs to an actor, who is named only to those who may see them."""

    actor = serializers.SerializerMethodField(
        help_text="Id of the actor; null where you may not see that one."
    )

    def get_actor(self, row: Any) -> uuid.UUID | None:
        return row.actor_id if row.actor_shown else None


def found(rows: QuerySet[Row], pk: uuid.UUID) -> Row:
    """The row among those that may be seen. Raises NotFound."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def editable(view: VoicesApi, rows: QuerySet[Row], pk: uuid.UUID) -> Row:
    """The row, which may be changed. Raises NotFound, and Problem for who may only look."""
    row = found(rows, pk)
    if not Standing(view.request).may_edit(row):
        if row.owner_id is None:
            raise Problem("forbidden", "The shared catalogue is kept by staff.")
        raise Problem("forbidden", "Viewers of a team do not edit what it shares.")
    return row


def chosen_actor(view: VoicesApi, pk: uuid.UUID, field: str = "actor") -> Actor:
    """An actor named in a body. Raises ValidationError where there is none that may be seen."""
    actor = selectors.actors_of(view.person).filter(pk=pk).first()
    if actor is None:
        raise serializers.ValidationError({field: "There is no actor of this id."})
    return actor


def actor_to_add_to(view: VoicesApi, pk: uuid.UUID) -> Actor:
    """One to whom the view's person may add something: an actor they edit, or of the
    catalogue, to which everyone adds for themselves."""
    actor = chosen_actor(view, pk)
    if actor.owner_id is not None and not Standing(view.request).may_edit(actor):
        raise Problem("forbidden", "Viewers of a team do not edit what it shares.")
    return actor


def chosen_rows(rows: QuerySet[Row], ids: list[uuid.UUID], field: str) -> list[Row]:
    """Rows named in a body, all of them. Raises ValidationError."""
    chosen = list(rows.filter(pk__in=ids))
    if len(chosen) != len(set(ids)):
        raise serializers.ValidationError({field: "There is nothing of one of these ids."})
    return chosen


def team_to_share_with(view: VoicesApi, team_id: int | None) -> Team | None:
    """Raises ValidationError for a team in which the view's person does not edit."""
    if team_id is None:
        return None
    team = selectors.editing_team(view.person, team_id)
    if team is None:
        raise serializers.ValidationError({"team": "You edit in no team of this id."})
    return team


def team_field(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        help_text="A team in which you edit, to share it with; `null`: with none.",
        **options,
    )
