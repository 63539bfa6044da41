"""``recognise``: what is said in each stretch, or how lines that are given sound."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings

from pipeline.batch.hearing import GivenLine, HeardLine, hear, measured
from pipeline.plan import DubbingPlan
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.engines.languages import resolve_source
from sessions_app.projects import worker_loop
from sessions_app.projects.files import read_sound
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import ProjectLine, StoredStretch
from sessions_app.projects.running import Work


class Heard(msgspec.Struct, frozen=True):
    line: HeardLine
    number: int | None = None
    """Of the project's line, where it was given."""


def plan(job: Job) -> Sequence[Mapping[str, Any]]:
    stretches = job.project.stretches.order_by("number")
    if not job.options.get("given"):
        return [{"stretch": one.number} for one in stretches if one.has_speech]
    starts = [
        round(one * SAMPLE_RATE_HZ)
        for one in job.project.lines.order_by("start_s").values_list("start_s", flat=True)
    ]
    return [
        {"stretch": one.number}
        for one in stretches
        if bisect_left(starts, one.start) < bisect_left(starts, one.start + one.samples)
    ]


def do(work: Work) -> None:
    stretch = StoredStretch.objects.get(project=work.project, number=work.part.payload["stretch"])
    pcm, _ = read_sound(stretch.audio)
    given = None
    if work.job.options.get("given"):
        # A little more than it may be: the clocks are of seconds here, and of samples there.
        near = work.project.lines.filter(
            start_s__gt=stretch.start / SAMPLE_RATE_HZ - 1,
            start_s__lt=(stretch.start + stretch.samples) / SAMPLE_RATE_HZ + 1,
        )
        given = [one for one in near if _begins_in(one.start_s, stretch)]
    heard = worker_loop.run(_hear(work, pcm, stretch, given), check=work.check)
    work.finish(result=msgspec.msgpack.encode(heard))


async def _hear(
    work: Work, pcm: Pcm, stretch: StoredStretch, given: list[ProjectLine] | None
) -> list[Heard]:
    project, start = work.project, stretch.start
    async with worker_loop.engines_of(project.owner_id, work.meter) as engines:
        if given is not None:
            return [
                Heard(
                    await measured(
                        GivenLine(one.start_s, one.end_s, one.source_text or one.target_text),
                        pcm,
                        start,
                        engines,
                        language=one.language,
                    ),
                    one.number,
                )
                for one in given
            ]
        language, among = resolve_source(
            engines,
            project.source_language,
            project.target_language,
            usual=tuple(settings.SOURCE_CANDIDATES),
        )
        run = DubbingPlan(
            session_id=str(project.pk),
            source_language=language,
            target_language=project.target_language,
            candidates=among,
        )
        engines.refuse_unsupported(run)
        heard = await hear(
            pcm,
            start,
            engines,
            run.recognition,
            language=language,
            probabilities=[one / 255 for one in bytes(stretch.speech)],
        )
        return [Heard(one) for one in heard]


def _begins_in(start_s: float, stretch: StoredStretch) -> bool:
    at = round(start_s * SAMPLE_RATE_HZ)
    return stretch.start <= at < stretch.start + stretch.samples
