"""Lines that were committed elsewhere, made of what was told of them."""

from __future__ import annotations

import asyncio

from pipeline.handover.snapshot import PendingLine
from pipeline.speaking.making import Translation
from pipeline.types import Clause, Line, Voice, Word


def clause_of(text: str, start_s: float, end_s: float) -> Clause:
    """A clause of which no more is known than its text and its span, as one word."""
    return Clause(-1, (Word(text, start_s, end_s),), ends_utterance=True)


def line_again(pending: PendingLine, target_language: str, voice: Voice) -> Line:
    return Line(
        sequence=pending.line,
        clause=clause_of(pending.source_text, pending.start_s, pending.end_s),
        source_language=pending.source_language,
        target_language=target_language,
        source_text=pending.source_text,
        speaker=pending.speaker,
        voice=voice,
        style=pending.style,
        level_dbfs=pending.level_dbfs,
        snr_db=pending.snr_db,
    )


def known(text: str) -> asyncio.Future[Translation]:
    """A translation that somebody has waited for before."""
    done: asyncio.Future[Translation] = asyncio.get_running_loop().create_future()
    done.set_result(Translation(text, 0.0))
    return done
