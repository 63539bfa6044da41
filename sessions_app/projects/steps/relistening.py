"""``check``: a recogniser listens to the dub, and what it hears is compared with the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import soxr

from pipeline.batch.checking import letter_errors, misheard_above, word_errors
from pipeline.batch.hearing import hear
from pipeline.ports import EngineError, RecognitionOptions
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.projects import worker_loop
from sessions_app.projects.files import read_sound
from sessions_app.projects.inputs import may_be_heard
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import LineSound
from sessions_app.projects.running import Work
from sessions_app.projects.steps.speaking import LINES_A_PART

MARK = "misheard"
_HEARD = "letter_errors"
"""Figure that says that a sound was listened to."""


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    used = LineSound.objects.filter(project=job.project, lines__isnull=False).distinct()
    unheard = [
        one.pk
        for one in used.order_by("pk")
        if _HEARD not in one.figures and may_be_heard(one, job.project)
    ]
    return [
        {"sounds": unheard[begin : begin + LINES_A_PART]}
        for begin in range(0, len(unheard), LINES_A_PART)
    ]


def do(work: Work) -> None:
    sounds = list(LineSound.objects.filter(pk__in=work.part.payload["sounds"]))
    heard = worker_loop.run(_listen(work, sounds), check=work.check)

    def write() -> None:
        for sound in sounds:
            text, limit = heard[sound.pk]
            rate = letter_errors(sound.text, text)
            words = word_errors(sound.text, text)
            sound.figures |= {_HEARD: round(rate, 3), "word_errors": round(words, 3)}
            marks = [one for one in sound.marks if one != MARK]
            sound.marks = [*marks, MARK] if rate > limit else marks
            sound.save(update_fields=["figures", "marks"])

    work.finish(write=write)


async def _listen(work: Work, sounds: Sequence[LineSound]) -> dict[int, tuple[str, float]]:
    """Id of a sound → what is heard in it, and which share of that may be otherwise."""
    language = work.project.target_language
    async with worker_loop.engines_of(work.project.owner_id, work.meter) as engines:
        if language not in engines.recognizer.languages:
            raise EngineError(
                "source_language_unsupported",
                f"{engines.recognizer.name} does not recognise “{language}”, so the dub cannot be "
                "listened to again.",
                recoverable=False,
            )
        found = {}
        for sound in sounds:
            pcm, rate_hz = read_sound(sound.audio)
            if rate_hz != SAMPLE_RATE_HZ:
                pcm = soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ)
            options = RecognitionOptions(languages=(language,))
            lines = await hear(pcm, 0, engines, options, language=language)
            limit = misheard_above(engines.recognizer.name, sound.engine, language)
            found[sound.pk] = " ".join(one.text for one in lines), limit
        return found
