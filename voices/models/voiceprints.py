"""How voices sound, as vectors that pgvector searches."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField, HnswIndex, VectorField

from accounts.ownership import Owned
from voices.models.actors import Actor
from voices.models.samples import VoiceSample
from voices.models.speakers import Speaker

EMBEDDING_SIZE = 256


def _nearest(name: str, condition: Q) -> HnswIndex:
    """Half precision finds the same neighbours in half the space. Only what can be a result is
    in the index, and the catalogue has its own: rows that a search has to leave out cost it
    both time and neighbours. See ``manage.py benchmark_voice_search``."""
    vector = Cast("vector", HalfVectorField(dimensions=EMBEDDING_SIZE))
    return HnswIndex(
        OpClass(vector, name="halfvec_cosine_ops"),
        name=name,
        condition=condition,
        m=16,
        ef_construction=64,
    )


class Voiceprint(Owned):
    """How one stretch of speech sounds. ``owner`` and ``team`` are its speaker's or sample's.

    They and ``actor`` repeat what the speaker or sample says, so that one index answers
    "the nearest known actors that this user may see"; ``services`` keep them true. Vectors of
    different encoders, or of different versions of one, are never compared.
    """

    speaker = models.ForeignKey(
        Speaker, on_delete=models.CASCADE, null=True, blank=True, related_name="voiceprints"
    )
    sample = models.ForeignKey(
        VoiceSample, on_delete=models.CASCADE, null=True, blank=True, related_name="voiceprints"
    )
    actor = models.ForeignKey(
        Actor, on_delete=models.SET_NULL, null=True, blank=True, related_name="voiceprints"
    )
    """Whose it is known to be: the sample's actor, or that of a *confirmed* speaker."""
    encoder = models.CharField(max_length=64)
    """Name of the encoder, such as ``resemblyzer``."""
    encoder_version = models.CharField(max_length=64)
    """Release or digest of its weights."""
    vector = VectorField(dimensions=EMBEDDING_SIZE)
    """L2 norm 1."""
    weight_s = models.FloatField()
    """Seconds of clean speech that it was made of."""
    quality = models.FloatField(default=1.0)
    """0 to 1: how far the sound can be trusted."""
    language = models.CharField(max_length=8, blank=True)
    at_s = models.FloatField(null=True, blank=True)
    """Where its speech begins: media seconds of the session, or seconds into the sample."""
    duration_s = models.FloatField(default=0.0)
    """From there to the end of that speech, pauses included."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(Owned.Meta):
        abstract = False
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "encoder"], name="voiceprint_owner"),
            models.Index(fields=["team", "encoder"], name="voiceprint_team"),
            models.Index(fields=["actor", "encoder"], name="voiceprint_actor"),
            _nearest("voiceprint_nearest", Q(actor__isnull=False, owner__isnull=False)),
            _nearest("voiceprint_nearest_catalogue", Q(actor__isnull=False, owner=None)),
        ]
        constraints = (
            *Owned.Meta.constraints,
            models.CheckConstraint(
                condition=Q(speaker=None, sample__isnull=False)
                | Q(speaker__isnull=False, sample=None),
                name="voiceprint_of_one_source",
            ),
            models.CheckConstraint(condition=Q(weight_s__gt=0), name="voiceprint_has_weight"),
        )

    def __str__(self) -> str:
        return f"{self.encoder} {self.pk}"


class ActorCentroid(Owned):
    """An actor's mean voiceprint, weighted by clean speech, of what one owner or team has.

    Per owner, not per actor alone: what one user heard of an actor of the catalogue must not
    change, nor tell, what another one's matches look like. Rows are made anew from
    ``Voiceprint`` at any time; ``services`` delete those that a decision has made stale.
    """

    actor = models.ForeignKey(Actor, on_delete=models.CASCADE, related_name="centroids")
    encoder = models.CharField(max_length=64)
    encoder_version = models.CharField(max_length=64)
    vector = VectorField(dimensions=EMBEDDING_SIZE)
    """L2 norm 1."""
    weight_s = models.FloatField()
    count = models.PositiveIntegerField()
    """Voiceprints that are in it."""
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Owned.Meta):
        abstract = False
        constraints = (
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["actor", "encoder", "encoder_version", "owner", "team"],
                nulls_distinct=False,
                name="one_centroid_an_owner",
            ),
        )

    def __str__(self) -> str:
        return f"{self.actor_id} {self.encoder}"
