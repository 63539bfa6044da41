"""Sound between the storage and the engines: recordings that are read, speech that is kept."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import soundfile
from django.utils import timezone

from pipeline.files.disclosure import Disclosure, disclose
from pipeline.ports import EngineError
from pipeline.sample_quality import Recording, read_recording
from pipeline.sound.media import MediaError
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from voices import files
from voices.models import VoiceSample


def recording_of_sample(sample: VoiceSample, folder: Path, *, most_s: float) -> Recording:
    """The sample's sound, at most ``most_s`` of it. Raises EngineError."""
    path = folder / sample.pk.hex
    try:
        files.fetch(sample.audio.name or "", path)
        whole = read_recording(path)
    except (MediaError, OSError) as error:
        raise EngineError("sample_unreadable", "A recording can no longer be read.") from error
    finally:
        path.unlink(missing_ok=True)
    return Recording(
        whole.samples[: round(most_s * whole.rate_hz)],
        whole.rate_hz,
        whole.speech_rate[: round(most_s * SAMPLE_RATE_HZ)],
    )


def flac_of(pcm: Pcm, *, engine: str) -> io.BytesIO:
    """Synthetic speech as a FLAC file that says what it is."""
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        path = Path(folder) / "speech.flac"
        soundfile.write(path, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        disclose(path, Disclosure(timezone.now(), engine=engine))
        return io.BytesIO(path.read_bytes())
