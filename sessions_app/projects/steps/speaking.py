"""``speak``: lines are translated where they need it, spoken, and made to fit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction

from accounts.orm_thread import in_orm_thread
from pipeline.batch.checking import clipped_share, marks_of, missing_terms
from pipeline.batch.speaking import SpokenLine, speak
from pipeline.bounds import BATCH_LINE_S, PART_ATTEMPTS_MAX, PROJECT_TEXT_MAX
from pipeline.plan import Engines
from pipeline.ports import EngineError, TranslationRequest
from pipeline.speaking.making import in_time
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice
from sessions_app.glossaries.selectors import terms_for
from sessions_app.projects import worker_loop
from sessions_app.projects.actors import lasting_voice
from sessions_app.projects.files import flac_of, read_sound, store_bytes
from sessions_app.projects.inputs import (
    best_of,
    digest,
    inputs_of,
    is_fresh,
    may_be_heard,
    needs_translation,
    place_of,
    style_of,
    voice_of,
)
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import LineSound, ProjectLine, StoredStretch
from sessions_app.projects.running import Work
from sessions_app.projects.selectors import lines_of
from sessions_app.projects.withdrawing import WITHDRAWN, still_usable
from voices.files import keep

log = logging.getLogger(__name__)
LINES_A_PART = 6
_ROWS_AT_ONCE = 500
_CONTEXT = 3
_COMPARED_S = 5.0
"""More of a line does not make its voice more certain, and costs as much as speaking it."""
_UNREPEATED = frozenset(
    # Of these the line is to blame, and the next one may well be spoken.
    "nothing_to_speak text_too_long voice_unknown language_unsupported translation_failed".split()
)


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    """Of the lines that are not fresh, neighbours together."""
    project = job.project
    stale = [
        line.number
        for line in lines_of(project).iterator(_ROWS_AT_ONCE)
        if not is_fresh(line, project, line.next_start_s)  # type: ignore[attr-defined]  # annotated
    ]
    return [
        {"lines": stale[begin : begin + LINES_A_PART]}
        for begin in range(0, len(stale), LINES_A_PART)
    ]


def do(work: Work) -> None:
    worker_loop.run(_speak_all(work), check=work.check)
    work.finish()


@dataclass
class Speaker:
    """What the lines of one part share."""

    work: Work
    engines: Engines
    terms: Mapping[str, str]
    voices: dict[str, Voice | None] = field(default_factory=dict)
    clones: dict[str, uuid.UUID] = field(default_factory=dict)
    """Voice's id → whose clone it is, of those that are one."""
    stretch: tuple[int, Pcm] | None = None
    """Id and sound of the one that was looked into last: neighbours are in the same."""


async def _speak_all(work: Work) -> None:
    project = work.project
    async with worker_loop.engines_of(project.owner_id, work.meter) as engines:
        await engines.synthesizer.prepare(project.target_language)
        terms = await in_orm_thread(
            terms_for,
            project.owner_id,
            sources=[] if project.source_language == "auto" else [project.source_language],
            target=project.target_language,
        )
        speaker = Speaker(work, engines, terms)
        for number in work.part.payload["lines"]:
            work.check()
            await _speak(speaker, number)


async def _speak(ours: Speaker, number: int) -> None:
    """One line, unless it is fresh: a worker that died may have had it done already."""
    work = ours.work
    found = await in_orm_thread(_read, work, number)
    if found is None:
        return
    line, previous = found
    project = work.project
    project.engines = {**project.engines, **ours.engines.names()}
    try:
        if needs_translation(line):
            line.target_text = await _translated(ours, line, previous)
            line.translated_from = digest(line.source_text)
        if not line.target_text.strip():
            await in_orm_thread(_write, line, None, "")
            return
        # Before what was spoken once: a voice may be taken back.
        voice = await in_orm_thread(_voice, ours, line)
        place = place_of(line, project, line.next_start_s)  # type: ignore[attr-defined]  # annotated
        sounds = await in_orm_thread(_sounds, line, inputs_of(line, project))
        if (known := best_of(sounds, place)) is not None:
            await in_orm_thread(_write, line, known, "")
            return
        spoken = await speak(
            ours.engines.synthesizer,
            text=line.target_text,
            language=project.target_language,
            voice=voice,
            style=style_of(line),
            place=place,
            translator=ours.engines.translator,
            request=_request(ours, line, previous),
        )
    except EngineError as error:
        if _is_worth_it(work, error):
            raise EngineError(error.code, str(error), recoverable=True) from error
        log.info("line not spoken", extra={"line": number, "code": error.code})
        await in_orm_thread(_write, line, None, error.code)
        return
    original = await in_orm_thread(_original, ours, line)
    similarity = await _similarity(ours.engines, original, spoken)
    await in_orm_thread(_keep, ours, line, spoken, similarity)


def _is_worth_it(work: Work, error: EngineError) -> bool:
    """Whether the part may be tried again for the sake of a line that failed; at the last time
    the line is marked instead, and the others get their due."""
    passing = error.recoverable or error.code == "engine_timeout"
    last = work.part.failures + 1 >= PART_ATTEMPTS_MAX
    return passing and not last and error.code not in _UNREPEATED


def _read(work: Work, number: int) -> tuple[ProjectLine, tuple[str, ...]] | None:
    # With the shape, which lists leave out.
    line = lines_of(work.project).defer(None).filter(number=number).first()
    if line is None or is_fresh(line, work.project, line.next_start_s):  # type: ignore[attr-defined]  # annotated
        return None
    before = ProjectLine.objects.filter(project=work.project, start_s__lt=line.start_s)
    texts = before.order_by("-start_s").values_list("source_text", flat=True)[:_CONTEXT]
    return line, tuple(reversed(texts))


def _request(ours: Speaker, line: ProjectLine, previous: tuple[str, ...]) -> TranslationRequest:
    return TranslationRequest(
        text=line.source_text,
        source=line.language,
        target=ours.work.project.target_language,
        glossary=ours.terms,
        previous=previous,
    )


async def _translated(ours: Speaker, line: ProjectLine, previous: tuple[str, ...]) -> str:
    target = ours.work.project.target_language
    if line.language == target:
        return line.source_text
    translator = ours.engines.translator
    # Longer than a listener would wait: a busy machine may take its time over a file.
    async with in_time(BATCH_LINE_S, "The translator did not answer in time."):
        await translator.prepare(line.language, target)
        return (await translator.translate(_request(ours, line, previous)))[:PROJECT_TEXT_MAX]


def _voice(ours: Speaker, line: ProjectLine) -> Voice:
    """Raises EngineError where the engine has no such voice any more, or it may not be used."""
    engines, language = ours.engines, ours.work.project.target_language
    wanted = voice_of(line)
    shaped = not line.voice and line.speaker is not None and bool(line.speaker.shape_digest)
    key = f"{wanted} {line.speaker_id if shaped else ''}"
    if key not in ours.voices:
        stock = {one.id: one for one in engines.synthesizer.voices(language)}
        voice = stock.get(wanted) or (None if wanted else next(iter(stock.values()), None))
        if voice is None:
            lasting = lasting_voice(
                ours.work.project,
                wanted,
                engine=engines.synthesizer.name,
                stock=tuple(stock.values()),
            )
            if lasting is not None:
                voice, ours.clones[lasting[0].id] = lasting
        elif shaped and line.speaker is not None:
            content = line.speaker.shape
            voice = (content and engines.cloner.load(voice, bytes(content))) or voice
        ours.voices[key] = voice
    voice = ours.voices[key]
    if voice is None:
        raise EngineError(
            "voice_unknown",
            "The engine has no such voice, or its consent has ended; choose another.",
            recoverable=False,
        )
    return voice


def _sounds(line: ProjectLine, inputs: str) -> list[LineSound]:
    found = LineSound.objects.filter(project=line.project_id, digest=inputs)
    return [one for one in found if may_be_heard(one, line.project)]


def _original(ours: Speaker, line: ProjectLine) -> Pcm:
    """How the original sounds there; empty where it is not kept."""
    start, end = (round(at * SAMPLE_RATE_HZ) for at in (line.start_s, line.end_s))
    stretch = StoredStretch.objects.filter(
        project=line.project_id, start__lte=start, start__gt=start - 61 * SAMPLE_RATE_HZ
    ).last()
    if stretch is None:
        return np.zeros(0, np.int16)
    if ours.stretch is None or ours.stretch[0] != stretch.pk:
        ours.stretch = stretch.pk, read_sound(stretch.audio)[0]
    return ours.stretch[1][start - stretch.start : end - stretch.start]


async def _similarity(engines: Engines, original: Pcm, spoken: SpokenLine) -> float | None:
    """Cosine of the dub's voice to the original's; None where one is too short to tell."""
    if spoken.voice.profile is None or spoken.sample_rate_hz != SAMPLE_RATE_HZ:
        return None
    most = round(_COMPARED_S * SAMPLE_RATE_HZ)
    if min(len(original), len(spoken.pcm)) < 1.5 * SAMPLE_RATE_HZ or not spoken.pcm.any():
        return None
    try:
        first = await engines.encoder.embed(original[:most], brief=True)
        second = await engines.encoder.embed(spoken.pcm[:most], brief=True)
    except (ValueError, EngineError):
        return None
    return round(float(first @ second), 3)


def _keep(ours: Speaker, line: ProjectLine, spoken: SpokenLine, similarity: float | None) -> None:
    project = ours.work.project
    content = flac_of(spoken.pcm, spoken.sample_rate_hz)
    name = store_bytes(content, ".flac")
    missing = missing_terms(line.source_text, line.target_text, ours.terms)
    marks = marks_of(
        overflows=spoken.how == "overflow",
        pcm=spoken.pcm,
        similarity=similarity,
        missing=missing,
    )
    sound = LineSound(
        project=project,
        digest=inputs_of(line, project),
        audio=name,
        size_bytes=len(content),
        sample_rate_hz=spoken.sample_rate_hz,
        duration_s=spoken.duration_s,
        text=spoken.text,
        how=spoken.how,
        speed=spoken.speed,
        engine=spoken.voice.engine,
        voice=spoken.voice.id,
        clone=ours.clones.get(spoken.voice.id),
        marks=list(marks),
        figures={"clipped_share": round(clipped_share(spoken.pcm), 6), "similarity": similarity},
    )
    with transaction.atomic():
        ours.work.check()
        if sound.clone is not None and not still_usable(project, [sound.clone]):
            # Its consent ended while it spoke; the file is deleted as what nobody refers to.
            _write(line, None, WITHDRAWN)
            return
        try:
            with transaction.atomic():
                sound.save()
                keep(name)
        except IntegrityError:
            # Another worker was quicker; ours is deleted as what nobody refers to.
            sound = LineSound.objects.get(project=project, digest=sound.digest, speed=sound.speed)
        _write(line, sound, "")


def _write(line: ProjectLine, sound: LineSound | None, problem: str) -> None:
    """Unless it was edited meanwhile: then it stays stale, and its sound waits to be asked for."""
    changes: dict[str, Any] = {
        "problem": problem,
        "target_text": line.target_text,
        "translated_from": line.translated_from,
    }
    if sound is not None:
        changes["sound"] = sound
    ProjectLine.objects.filter(pk=line.pk, revision=line.revision).update(**changes)
