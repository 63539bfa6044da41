"""espeak-ng in a process of its own: text in, trimmed 16 kHz speech out.

espeak-ng is licensed under the GPL (version 3 or later), this product under MIT.
So that neither licence reaches over, the library is loaded here and nowhere else:
this module runs only as a separate program (``python -m``) that exchanges plain
messages with the rest over pipes. It also keeps the library's global state, which
allows one utterance at a time a process, out of the server.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys

import msgspec
import numpy as np
import numpy.typing as npt
import soxr

from pipeline.providers.offline.loudness import trim_silence
from pipeline.runtime.worker import ParentPipe
from pipeline.types import SAMPLE_RATE_HZ
from pipeline.voices.delivery import FIT, fitted_rate

NATURAL_WPM = 175

_SYNCHRONOUS = 2
_BUFFER_MS = 60
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_LIBRARY = "libespeak-ng.so.1"

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SpeakJob(msgspec.Struct, frozen=True, kw_only=True):
    """One clause to be spoken. Neither SSML nor phoneme markup is interpreted."""

    text: str
    voice: str
    """espeak's name of language and variant, such as ``es+f2``."""
    pitch: int = 50
    """espeak's pitch parameter, 0 to 100."""
    pitch_range: int = 50
    rate: float = 1.0
    """Wanted ratio to the natural speaking rate where ``fit_s`` does not decide."""
    fit_s: float | None = None
    tempo: float = 1.0


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """The job's speech: 16 kHz mono PCM16, silence at both ends trimmed."""

    pcm: bytes = b""
    rate: float = 1.0
    error: str = ""
    """Stable code; empty when all went well."""


class Espeak:
    """The library, initialised once, speaking synchronously."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_LIBRARY)
        data = os.environ.get("ESPEAK_DATA_PATH")
        rate_hz = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, data.encode() if data else None, 0
        )
        if rate_hz <= 0:
            raise OSError("espeak-ng could not read its data")
        self._rate_hz = int(rate_hz)
        self._blocks: list[npt.NDArray[np.int16]] = []
        self._callback = _Callback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _: int | None) -> int:
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def speak(self, job: SpeakJob, ratio: float) -> npt.NDArray[np.int16]:
        """Speech at ``ratio`` of the natural rate, 16 kHz; raises LookupError, ValueError."""
        if self._library.espeak_SetVoiceByName(job.voice.encode()) != 0:
            raise LookupError(job.voice)
        for parameter, value in (
            (_RATE, round(NATURAL_WPM * ratio)),
            # The default of 100 clips some of the variants.
            (_VOLUME, 70),
            (_PITCH, job.pitch),
            (_RANGE, job.pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = job.text.encode() + b"\0"
        self._blocks.clear()
        status = self._library.espeak_Synth(
            text, ctypes.c_size_t(len(text)), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        if status != 0 or not self._blocks:
            raise ValueError("espeak-ng made no sound")
        resampled = soxr.resample(np.concatenate(self._blocks), self._rate_hz, SAMPLE_RATE_HZ)
        trimmed = trim_silence(resampled)
        if not len(trimmed):
            raise ValueError("espeak-ng made silence")
        return trimmed


def perform(espeak: Espeak, job: SpeakJob) -> Spoken:
    low, high = FIT
    if job.fit_s is None:
        ratio = min(max(job.rate, low), high)
        return _spoken(espeak.speak(job, ratio * job.tempo), ratio * job.tempo)
    natural = espeak.speak(job, 1.0)
    ratio = fitted_rate(len(natural) / SAMPLE_RATE_HZ, job.fit_s, job.rate) * job.tempo
    if abs(ratio - 1.0) < 0.01:
        return _spoken(natural, 1.0)
    pcm = espeak.speak(job, ratio)
    # espeak's pauses do not scale quite with the rate; one correction lands within a percent.
    reached = len(natural) / len(pcm)
    corrected = min(max(ratio * ratio / reached, low * job.tempo), high * job.tempo)
    if abs(reached / ratio - 1.0) > 0.015 and corrected != ratio:
        ratio, pcm = corrected, espeak.speak(job, corrected)
    return _spoken(pcm, ratio)


def _spoken(pcm: npt.NDArray[np.int16], ratio: float) -> Spoken:
    return Spoken(pcm=pcm.tobytes(), rate=ratio)


def main() -> None:
    pipe: ParentPipe[SpeakJob, Spoken] = ParentPipe(SpeakJob)
    try:
        espeak = Espeak()
    except OSError:
        pipe.reply(Spoken(error="engine_missing"))
        sys.exit(1)
    pipe.reply(Spoken())
    for job in pipe:
        try:
            pipe.reply(perform(espeak, job))
        except LookupError:
            pipe.reply(Spoken(error="language_unsupported"))
        except ValueError:
            pipe.reply(Spoken(error="nothing_to_speak"))


if __name__ == "__main__":
    main()
