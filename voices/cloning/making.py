"""Making one clone: collect, check, create, preview, measure, and tune where that is wished.

A worker claims the clone and says at every step that it is still at it. It may be killed at
any moment: the next one begins again, finds at the vendor what is made already by the clone's
mark, and makes nothing twice. What a failure that may pass has stopped is tried later.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from pipeline.bounds import CLONE_ATTEMPTS_MAX, CLONE_MATERIAL_MAX_S
from pipeline.cloning.material import Material
from pipeline.ports import BankedVoice, EngineError
from pipeline.providers.settings import EngineSettings
from pipeline.sample_quality import Recording
from pipeline.types import Pcm
from voices import files
from voices.analysis_engines import gather_material
from voices.cloning import discarding
from voices.cloning.claims import LostError, advance, claim, still_mine
from voices.cloning.engines import settings_of, voicing
from voices.cloning.judging import measured, tuned
from voices.cloning.made_with import key_in_use
from voices.cloning.notices import clone_moved
from voices.models import (
    CloneState,
    CloneStep,
    ConsentUse,
    DecisionKind,
    SampleState,
    Verdict,
    VoiceClone,
)
from voices.playing import flac_of, recording_of_sample
from voices.services.consents import valid_consent
from voices.services.history import record

log = logging.getLogger(__name__)
MAKE = "voices.make_clone"
_FIRST_PAUSE_S = 5
_LONGEST_PAUSE_S = 900

SENTENCES: Mapping[str, str] = {
    "en": "This is how I sound when somebody else speaks for me.",
    "es": "Así sueno cuando otra persona habla por mí.",
    "fr": "Voilà comment je sonne quand quelqu'un d'autre parle pour moi.",
    "it": "Ecco come suono quando qualcun altro parla per me.",
    "pt": "É assim que eu soo quando outra pessoa fala por mim.",
    "ca": "Així sono quan una altra persona parla per mi.",
    "de": "So klinge ich, wenn jemand anderes für mich spricht.",
}


def make_clone(clone_id: uuid.UUID) -> float | None:
    """Go on with a clone, as far as it goes; seconds after which to try again, None when
    there is nothing left to do."""
    clone = claim(clone_id)
    if clone is None:
        return None
    try:
        _make(clone)
    except LostError:
        # Deleted, revoked, or taken up by another worker: what carries its mark is not left.
        _drop_what_is_nobodys(clone_id, clone)
    except EngineError as error:
        return _failed(clone, error.code, str(error), passing=error.recoverable)
    except Exception:
        log.exception("making a clone failed", extra={"clone": str(clone_id)})
        return _failed(
            clone,
            "internal_error",
            "It could not be made because of a fault in the server. Try it again later.",
            passing=True,
        )
    return None


def _make(clone: VoiceClone) -> None:
    advance(clone, CloneStep.COLLECT)
    recordings = _recordings(clone)
    advance(clone, CloneStep.CHECK)
    _require_consent(clone)
    material = gather_material(recordings)
    settings = settings_of(clone.owner_id)
    banked = _created(clone, material, settings)
    if not clone.preview:
        advance(clone, CloneStep.PREVIEW)
        _keep_preview(clone, asyncio.run(_spoken(clone, banked, settings)))
    if not clone.quality:
        advance(clone, CloneStep.MEASURE)
        quality = asyncio.run(measured(clone, banked, settings, material.held_out))
        told = asdict(quality) | {
            "training_s": material.training_s,
            "held_out_s": material.held_out_s,
            "recordings_alike": material.alike,
        }
        advance(clone, CloneStep.MEASURE, quality=told)
    if clone.optimise:
        advance(clone, CloneStep.TUNE)
        tuned(clone, banked, settings, material.held_out)
    _ready(clone)


# Steps --------------------------------------------------------------------------------


def _recordings(clone: VoiceClone) -> list[Recording]:
    """Of its samples, the best first. Raises EngineError."""
    samples = sorted(
        clone.samples.select_related("consent"),
        key=lambda one: (one.verdict != Verdict.GOOD, -(one.speech_s or 0.0)),
    )
    if any(one.state in {SampleState.WAITING, SampleState.ANALYSING} for one in samples):
        raise EngineError("not_analysed", "Its recordings are still being analysed.")
    now = timezone.now()
    usable = [
        one
        for one in samples
        if one.state == SampleState.READY
        and one.verdict != Verdict.UNUSABLE
        and (one.consent is None or one.consent.is_valid(now))
    ]
    if not usable:
        raise EngineError(
            "speech_unusable",
            "None of its recordings can be used: see what is said of each.",
            recoverable=False,
        )
    found: list[Recording] = []
    left_s = CLONE_MATERIAL_MAX_S
    with tempfile.TemporaryDirectory(prefix="clone-") as folder:
        for sample in usable:
            if left_s <= 0:
                break
            found.append(recording_of_sample(sample, Path(folder), most_s=left_s))
            left_s -= found[-1].duration_s
    return found


def _require_consent(clone: VoiceClone) -> None:
    consent = valid_consent(clone.actor, owner=clone.owner, use=ConsentUse.CLONE)
    if consent is None:
        raise EngineError(
            "consent_missing",
            "There is no valid consent of this actor to a synthetic voice. Write one down first.",
            recoverable=False,
        )
    if consent.pk != clone.consent_id:
        advance(clone, CloneStep.CHECK, consent=consent)


def _created(clone: VoiceClone, material: Material, settings: EngineSettings) -> BankedVoice:
    """The voice, made now or before; its id and content are written down when this returns."""
    advance(clone, CloneStep.CREATE)
    if clone.vendor_id:
        return BankedVoice(clone.vendor_id, files.read(clone.profile.name))
    key = key_in_use(clone)
    discarding.note_before(clone, key)

    async def make() -> BankedVoice:
        async with voicing(clone.engine, settings) as voices:
            if material.training_s < voices.bank.needs_s:
                raise EngineError(
                    "speech_unusable",
                    f"There are {material.training_s:.0f} s of speech to make it of; this engine "
                    f"needs {voices.bank.needs_s:.0f} s. Add recordings.",
                    recoverable=False,
                )
            return await voices.bank.make(material.training, mark=clone.mark)

    try:
        banked = asyncio.run(make())
    except EngineError as error:
        # What waits to be deleted makes room before anything is refused.
        if error.code != "voices_full" or not discarding.delete_discarded_clones()[0]:
            raise
        banked = asyncio.run(make())
    stored = (
        files.store(io.BytesIO(banked.content), folder="clones", suffix=".profile")
        if banked.content
        else ""
    )
    pitches = [
        pitch
        for one in clone.samples.all()
        if (pitch := one.analysis.get("pitch_median_hz")) is not None
    ]
    with transaction.atomic():
        advance(
            clone,
            CloneStep.CREATE,
            vendor_id=banked.voice_id,
            **key,
            profile=stored,
            pitch_hz=round(sum(pitches) / len(pitches), 1) if pitches else None,
        )
        discarding.noted(clone)
        files.keep(stored)
    return banked


async def _spoken(clone: VoiceClone, banked: BankedVoice, settings: EngineSettings) -> Pcm:
    async with voicing(clone.engine, settings) as voices:
        spoken = voices.synthesizer.languages()
        wished = [*clone.actor.languages, "en"]
        language = next((one for one in wished if one in spoken and one in SENTENCES), "en")
        voice = voices.bank.voice(banked, voices.base(language), clone.tuning)
        if voice is None:
            raise EngineError("voice_gone", "What was kept of the voice is damaged.")
        return await voices.say(SENTENCES[language], language, voice)


def _keep_preview(clone: VoiceClone, pcm: Pcm) -> None:
    stored = files.store(flac_of(pcm, engine=clone.engine), folder="previews", suffix=".flac")
    with transaction.atomic():
        advance(clone, CloneStep.PREVIEW, preview=stored)
        files.keep(stored)


@transaction.atomic
def _ready(claimed: VoiceClone) -> None:
    clone = still_mine(claimed)
    tuned_only = clone.state == CloneState.READY
    clone.state, clone.problem, clone.retry_at = CloneState.READY, "", None
    clone.claimed_at = None
    clone.save(update_fields=["state", "problem", "retry_at", "claimed_at", "updated_at"])
    transaction.on_commit(lambda: clone_moved.send(VoiceClone, clone=clone), robust=True)
    if tuned_only:
        return
    record(
        DecisionKind.CLONE_MADE, clone, by=None, actor=clone.actor_id, subject=clone.pk,
        engine=clone.engine, consent=str(clone.consent_id),
    )  # fmt: skip


# When it does not go as it should -----------------------------------------------------


@transaction.atomic
def _failed(claimed: VoiceClone, code: str, problem: str, *, passing: bool) -> float | None:
    """Try again later, or for good: then nothing of it is left at the vendor."""
    try:
        clone = still_mine(claimed)
    except LostError:
        discarding.look_for_now(claimed)
        return None
    log.info("clone not made", extra={"clone": str(clone.pk), "code": code})
    if clone.state == CloneState.READY:
        # Only its settings were looked for: it goes on with those that it has.
        clone.optimise, clone.problem, clone.claimed_at = False, problem[:300], None
        clone.save(update_fields=["optimise", "problem", "claimed_at", "updated_at"])
        transaction.on_commit(lambda: clone_moved.send(VoiceClone, clone=clone), robust=True)
        return None
    again = passing and clone.attempts < CLONE_ATTEMPTS_MAX
    pause_s = min(_FIRST_PAUSE_S * 3 ** (clone.attempts - 1), _LONGEST_PAUSE_S)
    clone.problem = problem[:300]
    if again:
        clone.state = CloneState.WAITING
        clone.retry_at = timezone.now() + timedelta(seconds=pause_s)
    else:
        clone.state = CloneState.FAILED
        _give_up(clone)
    clone.save()
    transaction.on_commit(lambda: clone_moved.send(VoiceClone, clone=clone), robust=True)
    return pause_s if again else None


def _give_up(clone: VoiceClone) -> None:
    if clone.vendor_id:
        discarding.discard_clone(clone)
    else:
        discarding.look_for_now(clone)
    files.discard([clone.profile.name or "", clone.preview.name or ""])
    clone.vendor_id, clone.profile.name, clone.preview.name = "", "", ""


def _drop_what_is_nobodys(clone_id: uuid.UUID, claimed: VoiceClone) -> None:
    """Unless another worker goes on with the clone, a voice that was just made is to go."""
    goes_on = VoiceClone.objects.filter(
        pk=clone_id, state__in=[CloneState.WAITING, CloneState.MAKING, CloneState.READY]
    ).exists()
    if not goes_on:
        discarding.look_for_now(claimed)
