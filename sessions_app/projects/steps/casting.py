"""``speakers``: who says each line, in which voice; the lines come to be."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from accounts.orm_thread import in_orm_thread
from pipeline.batch.hearing import HeardLine
from pipeline.batch.people import (
    REFERENCE_LINE_S,
    REFERENCE_S,
    Cast,
    SaidBy,
    cast,
    who_says,
)
from pipeline.bounds import KEPT_VOICE_MAX_BYTES, PROJECT_LINES_MAX
from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.types import NEUTRAL_STYLE, SAMPLE_RATE_HZ, Pcm, Style
from pipeline.voices.casting import Casting
from sessions_app.projects import jobs, worker_loop
from sessions_app.projects.actors import ActorVoice, Recognised, actor_voice, recognised
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import read_sound
from sessions_app.projects.inputs import digest
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import (
    ActorState,
    Project,
    ProjectLine,
    ProjectSpeaker,
    StoredStretch,
)
from sessions_app.projects.running import Work
from sessions_app.projects.steps.hearing import Heard

log = logging.getLogger(__name__)
_SILENCE: Pcm = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class Shaped:
    cast: Cast
    voice: str
    """Id of the voice that they speak with."""
    shape: bytes | None
    who: Recognised | None = None


def plan(job: Job) -> Sequence[Mapping[str, Any]]:  # noqa: ARG001 - of every plan's form
    return [{}]


def do(work: Work) -> None:
    heard = [
        one
        for result in jobs.results(work.job, "recognise")
        for one in msgspec.msgpack.decode(result, type=list[Heard])
    ]
    given = bool(work.job.options.get("given"))
    if not heard and not given:
        raise ProjectError(
            "nothing_said", "No speech was recognised in this file; is it in the source language?"
        )
    if len(heard) > PROJECT_LINES_MAX:
        raise ProjectError(
            "too_many_lines", f"The file has more than {PROJECT_LINES_MAX} lines; cut it in parts."
        )
    heard.sort(key=lambda one: one.line.start_s)
    lines = [one.line for one in heard]
    said = who_says(lines)
    if given:
        said = _as_labelled(work.project, heard, said)
    shaped, names = worker_loop.run(_cast(work, lines, said), check=work.check)

    def write() -> None:
        project = work.project
        project.engines = {**project.engines, **names}
        project.save(update_fields=["engines", "updated_at"])
        speakers = _write_speakers(project, shaped)
        if given:
            _write_measures(project, heard, said, speakers)
        else:
            project.lines.all().delete()
            ProjectLine.objects.bulk_create(
                ProjectLine(
                    project=project,
                    number=number,
                    start_s=round(line.start_s, 3),
                    end_s=round(line.end_s, 3),
                    speaker=speakers[by.speaker],
                    language=line.language,
                    source_text=line.text,
                    style=_written(by.style),
                    level_dbfs=line.level_dbfs,
                    snr_db=line.snr_db,
                )
                for number, (line, by) in enumerate(zip(lines, said, strict=True))
            )
        # Voiceprints are kept of nobody.
        jobs.forget_results(work.job, "recognise")

    work.finish(write=write)


def _as_labelled(project: Project, heard: Sequence[Heard], said: Sequence[SaidBy]) -> list[SaidBy]:
    """What is known of who speaks goes before what was found out."""
    labels = dict(project.lines.exclude(speaker=None).values_list("number", "speaker__label"))
    return [
        replace(by, speaker=labels[one.number], certain=True) if one.number in labels else by
        for one, by in zip(heard, said, strict=True)
    ]


async def _cast(
    work: Work, lines: Sequence[HeardLine], said: Sequence[SaidBy]
) -> tuple[list[Shaped], dict[str, str]]:
    project = work.project
    async with worker_loop.engines_of(project.owner_id, work.meter) as engines:
        engines.refuse_unspoken(project.target_language)
        voices = engines.synthesizer.voices(project.target_language)
        everybody = cast(lines, said, voices)
        labels = {one.speaker for one in everybody}
        speech: dict[str, Pcm] = {}
        # Speakers of lines that were not heard by this job.
        casting = Casting(voices)
        for other in await in_orm_thread(_others, project, labels):
            voice = casting.assign(other.label or None, other.pitch_hz)
            everybody.append(Cast(other.label, other.pitch_hz, voice, ()))
            if not other.voice:
                speech[other.label] = await in_orm_thread(_speech_of, other)
        for one in everybody:
            if one.reference:
                chosen = [lines[i] for i in one.reference]
                speech[one.speaker] = await in_orm_thread(_reference, project, chosen)
        actors = await recognised(project, engines, speech)
        shaped = []
        for one in everybody:
            work.check()
            who = actors.get(one.speaker)
            sure = who.actor if who and who.confirmed else None
            own = await in_orm_thread(_voice_of, project, engines, sure) if sure else None
            shape = None
            shapes = project.preserve_voice and not (own and own.as_it_is)
            if shapes and len(pcm := speech.get(one.speaker, _SILENCE)):
                shape = await _shape(engines, one, pcm)
            shaped.append(Shaped(one, own.voice if own else one.voice.id, shape, who))
        return shaped, engines.names()


def _voice_of(project: Project, engines: Engines, actor: uuid.UUID) -> ActorVoice | None:
    synthesizer = engines.synthesizer
    stock = synthesizer.voices(project.target_language)
    return actor_voice(project, actor, engine=synthesizer.name, stock=stock)


def _others(project: Project, labels: set[str]) -> list[ProjectSpeaker]:
    return list(project.speakers.exclude(label__in=labels).defer("shape"))


def _speech_of(speaker: ProjectSpeaker) -> Pcm:
    """Of their lines those that their voice may be shaped after, the clearest first."""
    chosen: list[ProjectLine] = []
    speech_s = 0.0
    for line in speaker.lines.exclude(snr_db=None).order_by("-snr_db"):
        length_s = line.end_s - line.start_s
        if speaker.label and length_s >= REFERENCE_LINE_S and speech_s < REFERENCE_S:
            chosen.append(line)
            speech_s += length_s
    return _reference(speaker.project, chosen)


async def _shape(engines: Engines, one: Cast, pcm: Pcm) -> bytes | None:
    """What the cloner learns of them; None where nothing may be kept, or it cannot."""
    if engines.cloner.needs_consent:
        # Their speech would leave this machine for a voice that does not outlast the part.
        return None
    try:
        voice = await engines.cloner.clone(pcm, one.voice)
    except EngineError as error:
        log.info("voice not shaped", extra={"speaker": one.speaker, "code": error.code})
        return None
    try:
        content = engines.cloner.dump(voice)
    finally:
        await engines.cloner.forget(voice)
    return content if content is not None and len(content) <= KEPT_VOICE_MAX_BYTES else None


def _reference(project: Project, lines: Sequence[HeardLine | ProjectLine]) -> Pcm:
    pieces = []
    for line in lines:
        start, end = (round(at * SAMPLE_RATE_HZ) for at in (line.start_s, line.end_s))
        one = StoredStretch.objects.filter(project=project, start__lte=start).last()
        if one is not None:
            pcm, _ = read_sound(one.audio)
            pieces.append(pcm[start - one.start : end - one.start])
    return np.concatenate(pieces) if pieces else _SILENCE


def _write_speakers(project: Project, shaped: Sequence[Shaped]) -> dict[str, ProjectSpeaker]:
    """By label. A voice that a person chose stays."""
    found = {one.label: one for one in project.speakers.all()}
    for one in shaped:
        speaker = found.get(one.cast.speaker) or ProjectSpeaker(
            project=project, label=one.cast.speaker
        )
        if one.cast.reference or not speaker.voice:
            speaker.pitch_hz = one.cast.pitch_hz
            speaker.shape = one.shape
            speaker.shape_digest = digest(one.shape.hex()) if one.shape else ""
        speaker.voice = speaker.voice or one.voice
        if one.who is not None and speaker.actor_state != ActorState.CONFIRMED:
            sure = one.who.confirmed
            speaker.actor_id, speaker.actor_confidence = one.who.actor, one.who.confidence
            speaker.actor_state = ActorState.CONFIRMED if sure else ActorState.SUGGESTED
        speaker.save()
        found[speaker.label] = speaker
    return found


def _write_measures(
    project: Project,
    heard: Sequence[Heard],
    said: Sequence[SaidBy],
    speakers: Mapping[str, ProjectSpeaker],
) -> None:
    by_number = {one.number: one for one in project.lines.select_for_update(of=("self",))}
    for one, by in zip(heard, said, strict=True):
        line = by_number.get(one.number or 0) if one.number is not None else None
        if line is None:
            continue
        line.style = _written(by.style)
        line.level_dbfs, line.snr_db = one.line.level_dbfs, one.line.snr_db
        if line.speaker_id is None:
            line.speaker = speakers[by.speaker]
        line.save(update_fields=["style", "level_dbfs", "snr_db", "speaker"])
    # Of those whose place has no sound at all.
    if unsaid := by_number.keys() - {one.number for one in heard}:
        narrator = speakers.get("") or next(iter(speakers.values()), None)
        project.lines.filter(number__in=unsaid, speaker=None).update(speaker=narrator)


def _written(style: Style) -> dict[str, float]:
    given = msgspec.to_builtins(style)
    neutral = msgspec.to_builtins(NEUTRAL_STYLE)
    return {
        name: round(value, 3) for name, value in given.items() if abs(value - neutral[name]) > 1e-3
    }
