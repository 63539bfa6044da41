"""The detector and the encoder with which a worker measures samples, loaded once."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from django.conf import settings

from pipeline.cloning.material import Material, gather
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.sample_quality import Analysis, Recording, analyse
from pipeline.speech_quality import is_narrow, narrowed
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

ENCODER = "resemblyzer"


def encoder_version() -> str:
    """Which weights: prints of others are never compared with these."""
    return "0.1.4"


def measure(recording: Recording) -> Analysis:
    """Raises EngineError where the models are missing."""
    return analyse(recording, detect=_detect, embed=_encoder().embed_now)


def narrow_prints(recording: Recording, found: Analysis) -> list[Embedding | None]:
    """Of each of the analysis's prints, how it would sound on a telephone; None where that
    cannot be told."""
    made: list[Embedding | None] = []
    for one in found.prints:
        start = int(one.at_s * SAMPLE_RATE_HZ)
        part = recording.speech_rate[start : start + int(one.duration_s * SAMPLE_RATE_HZ)]
        try:
            made.append(_encoder().embed_now(narrowed(part)))
        except ValueError:
            made.append(None)
    return made


def is_telephone(recording: Recording) -> bool:
    """Whether the recording itself ends where a telephone does."""
    return is_narrow(recording.speech_rate[: 60 * SAMPLE_RATE_HZ])


def gather_material(recordings: Sequence[Recording]) -> Material:
    """What a clone is made of and compared with. Raises EngineError."""
    return gather(recordings, detect=_detect, embed=embed)


def embed(pcm: Pcm) -> Embedding:
    """Voiceprint of speech. Raises ValueError where it is too short."""
    return _encoder().embed_now(pcm)


def _detect(pcm: Pcm) -> Sequence[float]:
    stream = SileroDetector().open()
    assert isinstance(stream, SileroStream)
    return stream.detect(pcm)


@functools.cache
def _encoder() -> ResemblyzerEncoder:
    return ResemblyzerEncoder.from_folder(settings.DUBBING_MODELS)
