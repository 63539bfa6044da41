"""Voices that have to leave their vendors: written down first, tried until they are gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import (
    CLONE_CLAIM_S,
    CLONE_DISCARD_PAUSE_S,
    CLONE_UNNOTED_S,
    CLONES_DISCARDED_AT_ONCE,
)
from pipeline.ports import EngineError
from pipeline.providers.settings import EngineSettings
from voices.cloning.engines import bank_of
from voices.cloning.made_with import settings_now, settings_then
from voices.cloning.notices import clones_ending, clones_withdrawn
from voices.models import CloneState, DecisionKind, DiscardedClone, VoiceClone
from voices.services.history import record

log = logging.getLogger(__name__)
DISCARD = "voices.delete_discarded_clones"
_FIRST_PAUSE_S = 10
_KEY_GONE = frozenset({"key_missing", "key_refused"})


def discard_clone(clone: VoiceClone, *, owner_stays: bool = True) -> None:
    """Write down that the vendor's copy has to go, with the key that opens it; it goes soon
    after the transaction."""
    if not clone.vendor_id:
        return
    _note(
        clone,
        {"sealed_key": clone.sealed_key, "key_purpose": clone.key_purpose},
        owner_stays=owner_stays,
        vendor_id=clone.vendor_id,
    )
    delete_soon()


def withdraw(clones: Iterable[VoiceClone]) -> None:
    """These may not be spoken with any more: what was made with them goes in this transaction,
    and sessions are told once it is committed."""
    made = [one for one in clones if one.vendor_id]
    # Whoever is about to write what it made with one of them has done so by now, or sees it gone.
    ids = sorted(one.pk for one in made)
    list(VoiceClone.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"))
    voices = [(one.engine, one.vendor_id) for one in made]
    if voices:
        clones_ending.send(VoiceClone, clones=made)
        transaction.on_commit(lambda: clones_withdrawn.send(VoiceClone, voices=voices), robust=True)


def note_before(clone: VoiceClone, key: Mapping[str, str]) -> None:
    """A voice is about to be made, with ``made_with.key_in_use``: unless its id is written down
    soon, it is to go."""
    _note(clone, key, due_at=timezone.now() + timedelta(seconds=CLONE_UNNOTED_S))


def noted(clone: VoiceClone) -> None:
    """Its id is written down, in this transaction."""
    DiscardedClone.objects.filter(engine=clone.engine, mark=clone.mark, vendor_id="").delete()


def look_for_now(clone: VoiceClone) -> None:
    """The clone has gone while its voice was made: whatever carries its mark is to go."""
    DiscardedClone.objects.filter(engine=clone.engine, mark=clone.mark).update(
        due_at=timezone.now()
    )
    delete_soon()


def discard_now(rows: QuerySet[DiscardedClone]) -> int:
    """Try these again without waiting for their turn; how many."""
    count = rows.update(due_at=timezone.now())
    delete_soon()
    return count


def delete_soon() -> None:
    # Without Redis the periodic task does it later.
    transaction.on_commit(lambda: current_app.send_task(DISCARD), robust=True)


def _note(
    clone: VoiceClone, key: Mapping[str, str], *, owner_stays: bool = True, **fields: Any
) -> None:
    owner = User.objects.filter(pk=clone.owner_id).first() if clone.owner_id else None
    row = DiscardedClone(
        engine=clone.engine,
        mark=clone.mark,
        owner=owner if owner_stays else None,
        **key,
        **fields,
    )
    DiscardedClone.objects.bulk_create([row], ignore_conflicts=True)


# For the worker -----------------------------------------------------------------------


def delete_discarded_clones() -> tuple[int, int]:
    """Delete at their vendors what is due; how many are gone, and how many have to wait."""
    gone = waiting = 0
    for row in _claimed():
        try:
            _delete(row)
        except EngineError as error:
            _put_off(row, error.code)
            waiting += 1
        except Exception:
            log.exception("a voice could not be deleted at its vendor")
            _put_off(row, "internal_error")
            waiting += 1
        else:
            _gone(row)
            gone += 1
    return gone, waiting


def _claimed() -> Iterable[DiscardedClone]:
    """Rows that are due, each taken by one worker at a time: it is not due again for a while."""
    for _ in range(CLONES_DISCARDED_AT_ONCE):
        with transaction.atomic():
            row = (
                DiscardedClone.objects.select_for_update(skip_locked=True)
                .filter(due_at__lte=timezone.now())
                .order_by("due_at")
                .first()
            )
            if row is None:
                return
            row.due_at = timezone.now() + timedelta(seconds=CLONE_CLAIM_S)
            row.attempts += 1
            row.save(update_fields=["due_at", "attempts"])
        yield row


def _delete(row: DiscardedClone) -> None:
    """Raises EngineError."""
    then = settings_then(row)
    refused = EngineError("key_missing", "Nothing opens the key that the voice was made with.")
    if then is not None:
        try:
            asyncio.run(_delete_with(row, then))
        except EngineError as error:
            if error.code not in _KEY_GONE:
                raise
            refused = error
        else:
            return
    # The owner's newer key may be one of the same account: only what carries the mark there
    # tells that.
    if not row.owner_id or not asyncio.run(_delete_marked(row, settings_now(row))):
        raise refused


async def _delete_with(row: DiscardedClone, settings: EngineSettings) -> None:
    async with bank_of(row.engine, settings) as bank:
        if row.vendor_id:
            await bank.delete(row.vendor_id)
        else:
            await bank.delete_marked(row.mark)


async def _delete_marked(row: DiscardedClone, settings: EngineSettings) -> int:
    async with bank_of(row.engine, settings) as bank:
        return await bank.delete_marked(row.mark)


@transaction.atomic
def _gone(row: DiscardedClone) -> None:
    clones = VoiceClone.objects.filter(
        engine=row.engine, vendor_id=row.vendor_id, state=CloneState.REVOKED
    )
    for clone in clones.select_for_update() if row.vendor_id else ():
        clone.state = CloneState.DELETED
        clone.save(update_fields=["state", "updated_at"])
        record(
            DecisionKind.CLONE_GONE, clone, by=None, actor=clone.actor_id, subject=clone.pk,
            engine=clone.engine,
        )  # fmt: skip
    row.delete()
    log.info("voice deleted at its vendor", extra={"engine": row.engine})


def _put_off(row: DiscardedClone, code: str) -> None:
    pause_s = min(_FIRST_PAUSE_S * 2 ** min(row.attempts - 1, 20), CLONE_DISCARD_PAUSE_S)
    DiscardedClone.objects.filter(pk=row.pk).update(
        due_at=timezone.now() + timedelta(seconds=pause_s), problem=code[:64]
    )
    log.info("voice not deleted yet", extra={"engine": row.engine, "code": code})
