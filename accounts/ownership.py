"""Who may see and who may change a thing: its owner, the team it is shared with, or everyone.

Everything that people make is ``Owned`` and reached through ``visible_to`` or
``editable_by``, so that what is somebody else's looks like what does not exist.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from accounts.models import Membership, Role, Team, User

EDITING_ROLES = (Role.OWNER, Role.EDITOR)


class OwnedQuerySet(models.QuerySet[Any]):
    """Rows by whose they are. Someone who is not logged in sees and changes nothing."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Their own, their teams', and the shared catalogue."""
        if not isinstance(user, User):
            return self.none()
        teams = Membership.objects.filter(user=user).values("team")
        return self.filter(Q(owner=user) | Q(team__in=teams) | Q(owner=None))

    def editable_by(self, user: User | AnonymousUser) -> Self:
        """Their own, and what is shared with a team in which they edit.

        The shared catalogue is kept in the admin pages only.
        """
        if not isinstance(user, User):
            return self.none()
        teams = Membership.objects.filter(user=user, role__in=EDITING_ROLES).values("team")
        return self.filter(Q(owner=user) | Q(team__in=teams))


class Owned(models.Model):
    """What somebody made: theirs, and their team's if they share it.

    Nobody's, it is part of the shared catalogue, which staff keep and everyone may use.
    """

    owner = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )

    objects: Any = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=True),
                name="%(app_label)s_%(class)s_catalogue_has_no_team",
            ),
        )
