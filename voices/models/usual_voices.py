"""Which stock voices have spoken for actors: remembered, not chosen."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import User
from voices.models.actors import Actor
from voices.models.fields import LANGUAGE


class UsualVoice(models.Model):
    """The engine's voice that spoke for an actor first, in one user's sessions.

    So the same actor sounds the same in the next session. A ``PinnedVoice`` goes before it.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="usual_voices")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=8, validators=[LANGUAGE])
    engine = models.CharField(max_length=64)
    voice = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["actor", "user", "language", "engine"], name="one_usual_voice"
            )
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.voice}"
