"""The detector and the encoder with which a worker measures samples, loaded once."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from django.conf import settings

from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.voice_activity import SileroDetector, SileroStream
from pipeline.sample_quality import Analysis, Recording, analyse
from pipeline.types import Pcm

ENCODER = "resemblyzer"


def encoder_version() -> str:
    """Which weights: prints of others are never compared with these."""
    return "0.1.4"


def measure(recording: Recording) -> Analysis:
    """Raises EngineError where the models are missing."""
    return analyse(recording, detect=_detect, embed=_encoder().embed_now)


def _detect(pcm: Pcm) -> Sequence[float]:
    stream = SileroDetector().open()
    assert isinstance(stream, SileroStream)
    return stream.detect(pcm)


@functools.cache
def _encoder() -> ResemblyzerEncoder:
    return ResemblyzerEncoder.from_folder(settings.DUBBING_MODELS)
