"""The detector and the encoder with which a worker measures samples, loaded once."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from django.conf import settings

from pipeline.cloning.material import Material, gather
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.sample_quality import Analysis, Recording, StretchPrint, analyse
from pipeline.speakers.identification import Band, Rules
from pipeline.speakers.speech_quality import is_narrow, narrowed
from pipeline.speakers.voiceprinting import blended, in_noise_of
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

ENCODER = "resemblyzer"


def encoder_version() -> str:
    """Which weights: prints of others are never compared with these."""
    return "0.1.4"


def measure(recording: Recording) -> Analysis:
    """Raises EngineError where the models are missing."""
    return analyse(recording, detect=_detect, embed=_encoder().embed_now)


Kept = list[tuple[Band, Embedding]]


def kept_prints(recording: Recording, found: Analysis) -> list[Kept]:
    """What is to be kept of each of the analysis's prints, as of live speech
    (``pipeline.speakers.voiceprinting``): of a telephone's recording there is no wide band."""
    telephone = is_narrow(recording.speech_rate[: 60 * SAMPLE_RATE_HZ])
    snr_db = found.measures.snr_db
    clean = snr_db is not None and snr_db >= Rules().suppress_below_db
    return [
        [("narrow", one.embedding)] if telephone else _in_both_bands(recording, one, clean=clean)
        for one in found.prints
    ]


def _in_both_bands(recording: Recording, one: StretchPrint, *, clean: bool) -> Kept:
    start = int(one.at_s * SAMPLE_RATE_HZ)
    part = recording.speech_rate[start : start + int(one.duration_s * SAMPLE_RATE_HZ)]
    wide = one.embedding
    try:
        if clean:
            wide = blended(wide, _encoder().embed_now(in_noise_of(part)))
        return [("wide", wide), ("narrow", _encoder().embed_now(narrowed(part)))]
    except ValueError:
        # Too short by itself, without what it was averaged with.
        return [("wide", wide)]


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
