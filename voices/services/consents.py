"""Consents: written down, revoked, expired; and what becomes of all that rests on them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import ACTOR_CONSENTS_MAX, CONSENT_GRACE_DAYS, EXPIRY_TOLD_S
from voices import files
from voices.cloning.discarding import discard_clone, withdraw
from voices.cloning.notices import actor_changed
from voices.errors import LimitReachedError, VoicesError
from voices.evidence import checked_evidence
from voices.models import (
    Actor,
    ActorCentroid,
    CloneState,
    Consent,
    ConsentUse,
    DecisionKind,
    PinnedVoice,
    VoiceClone,
    Voiceprint,
    VoiceSample,
)
from voices.services.history import record


def give_consent(
    actor: Actor,
    *,
    owner: User | None,
    by: User | None,
    evidence: bytes | None = None,
    evidence_name: str = "",
    **fields: Any,
) -> Consent:
    """Write a consent down. Raises VoicesError, also where neither words nor evidence are given."""
    if not fields.get("statement") and evidence is None:
        raise VoicesError(
            "consent_without_proof",
            "Write down the words in which it was given, or add the signed paper or recording.",
            field="statement",
        )
    now = timezone.now()
    fields.setdefault("given_at", now)
    expires_at = fields.get("expires_at")
    if fields["given_at"] > now + timedelta(minutes=5):
        raise VoicesError("consent_in_future", "It cannot be given later on.", field="given_at")
    if expires_at and expires_at <= max(now, fields["given_at"]):
        raise VoicesError("consent_expired", "It would have expired already.", field="expires_at")
    if kept_of(actor, actor.consents, owner).count() >= ACTOR_CONSENTS_MAX:
        raise LimitReachedError(f"An actor has at most {ACTOR_CONSENTS_MAX} consents.")
    name = media_type = ""
    if evidence is not None:
        content, suffix, media_type = checked_evidence(evidence)
        name = files.store(content, folder="consents", suffix=suffix)
    with transaction.atomic():
        consent = Consent.objects.create(
            actor=actor,
            owner=owner,
            team_id=team_of_child(actor, owner),
            evidence=name,
            evidence_type=media_type,
            evidence_name=evidence_name[:200] if name else "",
            **{**fields, "uses": list(dict.fromkeys(fields["uses"]))},
        )
        files.keep(name)
        record(
            DecisionKind.CONSENT_GIVEN,
            consent,
            by=by,
            actor=actor,
            subject=consent.pk,
            uses=consent.uses,
        )
        _rest_on_others(actor)
        _tell(actor.pk)
    return consent


@transaction.atomic
def revoke_consent(consent: Consent, *, by: User | None, reason: str = "") -> Consent:
    """From this moment nothing of it is used; what rests on it alone is deleted.

    The consent itself stays, with who revoked it and when. Raises VoicesError when it is
    revoked already.
    """
    consent = Consent.objects.select_for_update().get(pk=consent.pk)
    if consent.revoked_at is not None:
        raise VoicesError("consent_revoked", "This consent was revoked before.")
    consent.revoked_at, consent.revoked_by = timezone.now(), by
    consent.revocation_reason = reason.strip()[:500]
    consent.save(update_fields=["revoked_at", "revoked_by", "revocation_reason"])
    told = _settle(consent, at=consent.revoked_at)
    record(
        DecisionKind.CONSENT_REVOKED,
        consent,
        by=by,
        actor=consent.actor,
        subject=consent.pk,
        uses=consent.uses,
        **told,
    )
    return consent


def settle_expired_consents() -> int:
    """Delete what rested on consents that expired long ago and were not renewed."""
    now = timezone.now()
    due = Consent.objects.filter(
        settled_at=None, revoked_at=None, expires_at__lte=now - timedelta(days=CONSENT_GRACE_DAYS)
    )
    done = 0
    for pk in list(due.values_list("pk", flat=True)[:200]):
        with transaction.atomic():
            consent = due.select_for_update(skip_locked=True).filter(pk=pk).first()
            if consent is None:
                continue
            told = _settle(consent, at=now)
            record(
                DecisionKind.CONSENT_EXPIRED,
                consent,
                by=None,
                actor=consent.actor,
                subject=consent.pk,
                uses=consent.uses,
                **told,
            )
            done += 1
    return done


def tell_of_expired_consents() -> None:
    """Sessions in which the actor is heard look again: a consent has just run out. What another
    one covers rests on that before."""
    with transaction.atomic():
        for actor_id in _rest_on_others():
            _tell(actor_id)
    now = timezone.now()
    over = Consent.objects.filter(
        revoked_at=None, expires_at__lte=now, expires_at__gt=now - timedelta(seconds=EXPIRY_TOLD_S)
    )
    for actor_id in set(over.values_list("actor_id", flat=True)[:1000]):
        _tell(actor_id)


def valid_consent(
    actor: Actor, *, owner: User | None, use: ConsentUse, at: datetime | None = None
) -> Consent | None:
    """One that covers what ``owner`` does with the actor's voice: theirs, their team's, or
    the catalogue's."""
    given = Consent.objects.filter(actor=actor)
    given = given.filter(owner=None) if owner is None else given.visible_to(owner)
    found: Consent | None = given.valid(at or timezone.now()).for_use(use).first()
    return found


def kept_of(actor: Actor, rows: Any, owner: User | None) -> Any:
    """Of ``rows`` of the actor those that count for what ``owner`` may still add. To the
    catalogue's everyone adds for themselves, and nobody is in another one's way."""
    return rows.filter(owner=owner) if actor.owner_id is None else rows.all()


def team_of_child(actor: Actor, owner: User | None) -> Any:
    """What belongs to a team's actor is the team's, if its owner belongs to that team."""
    if owner is None or actor.team_id is None:
        return None
    if actor.owner_id == owner.pk or owner.memberships.filter(team=actor.team_id).exists():
        return actor.team_id
    return None


def _settle(consent: Consent, *, at: datetime) -> dict[str, Any]:
    """Let what rests on the consent rest on another one, or end. Returns how much ended."""
    samples = clones = prints = 0
    for sample in VoiceSample.objects.filter(consent=consent).select_related("owner"):
        if not _rests_on_another(sample, ConsentUse.SAMPLE, at):
            sample.delete()
            samples += 1
    for clone in VoiceClone.objects.filter(consent=consent).select_related("owner").order_by("pk"):
        if not _rests_on_another(clone, ConsentUse.CLONE, at):
            clones += end_clone(clone)
    recognised = valid_consent(consent.actor, owner=consent.owner, use=ConsentUse.RECOGNISE, at=at)
    if ConsentUse.RECOGNISE in consent.uses and recognised is None:
        # Prints of samples as well: they know the voice as those of speakers do.
        prints, _ = Voiceprint.objects.filter(_same_owners(consent), actor=consent.actor).delete()
        ActorCentroid.objects.filter(_same_owners(consent), actor=consent.actor).delete()
    _tell(consent.actor_id)
    consent.settled_at = at
    consent.save(update_fields=["settled_at"])
    return {"samples": samples, "clones": clones, "voiceprints": prints}


def _rest_on_others(actor: Actor | None = None) -> set[uuid.UUID]:
    """What rests on a consent that has run out rests on one that holds, where there is one: of
    ``actor`` or of everybody. Returns whose something was."""
    now = timezone.now()
    found: set[uuid.UUID] = set()
    kinds: tuple[tuple[Any, ConsentUse], ...] = (
        (VoiceSample, ConsentUse.SAMPLE),
        (VoiceClone, ConsentUse.CLONE),
    )
    for kind, use in kinds:
        holding = Consent.objects.valid(now).for_use(use).filter(actor=OuterRef("actor"))
        rows = kind.objects.filter(
            Exists(holding), consent__revoked_at=None, consent__expires_at__lte=now
        )
        if actor is not None:
            rows = rows.filter(actor=actor)
        if kind is VoiceClone:
            rows = rows.exclude(state__in=[CloneState.REVOKED, CloneState.DELETED])
        for child in rows.select_related("owner", "actor"):
            if _rests_on_another(child, use, now):
                found.add(child.actor_id)
    return found


def _tell(actor_id: uuid.UUID) -> None:
    transaction.on_commit(lambda: actor_changed.send(Consent, actor_id=actor_id), robust=True)


def _rests_on_another(child: VoiceSample | VoiceClone, use: ConsentUse, at: datetime) -> bool:
    other = valid_consent(child.actor, owner=child.owner, use=use, at=at)
    if other is None:
        return False
    child.consent = other
    child.save(update_fields=["consent"])
    return True


def end_clone(clone: VoiceClone) -> int:
    """It may not be used any more: gone here at once, at the vendor soon. How many ended."""
    if clone.state in {CloneState.REVOKED, CloneState.DELETED}:
        return 0
    clone.state, clone.optimise = CloneState.REVOKED, False
    files.discard([clone.profile.name or "", clone.preview.name or ""])
    clone.profile.name = clone.preview.name = ""
    clone.save(update_fields=["state", "optimise", "profile", "preview", "updated_at"])
    for preview in clone.previews.all():
        preview.delete()
    if clone.vendor_id:
        PinnedVoice.objects.filter(
            actor=clone.actor, engine=clone.engine, voice=clone.vendor_id
        ).delete()
    discard_clone(clone)
    withdraw([clone])
    return 1


def _same_owners(consent: Consent) -> Q:
    if consent.owner_id is None:
        return Q(owner=None)
    mine = Q(owner=consent.owner_id)
    return mine | Q(team=consent.team_id) if consent.team_id else mine
