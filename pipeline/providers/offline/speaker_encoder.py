"""Voiceprints by Resemblyzer's network, through onnxruntime and numpy only.

The mel front-end repeats what the original gets from librosa 0.11, and utterances are cut
into overlapping partials as in ``VoiceEncoder.embed_utterance``. Silence is not trimmed
here: the segmenter has done that.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from pipeline.bounds import ENCODER_MAX_S as MAX_S
from pipeline.ports import EngineError
from pipeline.providers.offline.speaker_encoder_export import N_MELS, model_file
from pipeline.runtime.beside import beside
from pipeline.runtime.onnx_runtime import onnxruntime
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

Floats = npt.NDArray[np.float32]
Precision = Literal["fp32", "int8"]

RELEASE = "0.1.4"
"""Of the wheel that brings the weights; int8 and fp32 give the same voiceprints (cosine 0.999)."""
MIN_S = 0.4

FFT_SAMPLES = 400
HOP_SAMPLES = 160
PARTIAL_FRAMES = 160
PARTIAL_STEP_FRAMES = 77
"""1.3 partials a second, in frames of 10 ms."""
LONG_S = 5.0
"""From here on partials that do not overlap tell people apart as well, for half the work: equal
error rate 0.0 against 0.2 % in pieces of 5 s, of 3 s 0.9 against 0.3 % (six LibriSpeech people)."""
MIN_COVERAGE = 0.75
TARGET_DBFS = -30.0
_INT16_MAX = 32_767


class ResemblyzerEncoder:
    """Port SpeakerEncoder on an exported model (see ``speaker_encoder_export``).

    One instance serves a whole process: what is urgent runs on ``workers`` threads of its own,
    and onnxruntime releases the GIL. Raises EngineError("speaker_model_missing") when the
    model file is absent or unreadable.
    """

    name = "resemblyzer"
    version = RELEASE

    def __init__(self, model: Path, *, workers: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Errors only: the optimiser's remarks about its own graph help nobody.
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base class
            raise EngineError(
                "speaker_model_missing",
                f"the speaker encoder's model {model.name} is missing or damaged; run: "
                f"python -m pipeline.providers.offline.speaker_encoder_export --out {model.parent}",
                recoverable=False,
            ) from error
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="speaker-encoder")

    @classmethod
    def from_folder(
        cls, folder: Path, precision: Precision = "int8", *, workers: int = 1
    ) -> ResemblyzerEncoder:
        """The encoder whose models were exported into ``folder``.

        int8 errs as rarely as fp32 and is faster (``pipeline.benchmarks.speakers``).
        """
        return cls(folder / model_file(precision), workers=workers)

    async def embed(self, pcm: Pcm, *, urgent: bool = True, brief: bool = False) -> Embedding:
        """Voiceprint of at least 0.4 s of 16 kHz speech, shape (256,), L2 norm 1.

        Raises ValueError when the audio is shorter, or silent.
        """
        is_brief = brief and len(pcm) >= LONG_S * SAMPLE_RATE_HZ
        step = PARTIAL_FRAMES if is_brief else PARTIAL_STEP_FRAMES
        if not urgent:
            return await beside(self.embed_now, pcm, step)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.embed_now, pcm, step)

    def embed_now(self, pcm: Pcm, step: int = PARTIAL_STEP_FRAMES) -> Embedding:
        """``embed`` on the calling thread; partials begin every ``step`` frames of 10 ms."""
        if len(pcm) < MIN_S * SAMPLE_RATE_HZ:
            raise ValueError(f"a voiceprint needs at least {MIN_S} s of speech")
        wav = pcm[: int(MAX_S * SAMPLE_RATE_HZ)].astype(np.float32) / np.float32(32_768)
        mels = partial_mels(normalize_volume(wav), step)
        partials = self._session.run(["embedding"], {"mels": mels})
        mean = cast("Floats", partials[0]).mean(axis=0)
        return cast("Embedding", mean / np.linalg.norm(mean))

    async def aclose(self) -> None:
        """Let the threads end; calls already waiting are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def normalize_volume(wav: Floats) -> Floats:
    """``wav`` raised to -30 dBFS; louder audio stays as it is. Raises ValueError on silence."""
    rms = float(np.sqrt(np.mean(np.square(wav * np.float32(_INT16_MAX))))) / _INT16_MAX
    if rms == 0.0:
        raise ValueError("a voiceprint needs speech, not silence")
    gain_db = TARGET_DBFS - 20 * np.log10(rms)
    return wav if gain_db < 0 else wav * np.float32(10 ** (gain_db / 20))


def partial_mels(wav: Floats, step: int = PARTIAL_STEP_FRAMES) -> Floats:
    """Partials of ``wav`` as mel spectrograms, shape (partials, 160, 40)."""
    starts = partial_starts(len(wav), step)
    padding = (starts[-1] + PARTIAL_FRAMES) * HOP_SAMPLES - len(wav)
    mels = mel_spectrogram(np.pad(wav, (0, padding)) if padding > 0 else wav)
    return np.stack([mels[start : start + PARTIAL_FRAMES] for start in starts])


def partial_starts(samples: int, step: int) -> list[int]:
    """First mel frame of every partial; a last one that is mostly padding is left out."""
    frames = -(-(samples + 1) // HOP_SAMPLES)
    starts = list(range(0, max(1, frames - PARTIAL_FRAMES + step + 1), step))
    coverage = (samples - starts[-1] * HOP_SAMPLES) / (PARTIAL_FRAMES * HOP_SAMPLES)
    return starts[:-1] if coverage < MIN_COVERAGE and len(starts) > 1 else starts


def mel_spectrogram(wav: Floats) -> Floats:
    """Mel powers (not logarithms), shape (1 + samples // 160, 40).

    Equals ``librosa.feature.melspectrogram(y=wav, sr=16000, n_fft=400, hop_length=160,
    n_mels=40).T``: frames are centred, the edges padded with zeros.
    """
    padded = np.pad(wav, FFT_SAMPLES // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(frames * _hann_window(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return (power.astype(np.float32) @ _mel_filters().T).astype(np.float32)


@cache
def _hann_window() -> Floats:
    n = np.arange(FFT_SAMPLES)
    return (0.5 - 0.5 * np.cos(2 * np.pi * n / FFT_SAMPLES)).astype(np.float32)


@cache
def _mel_filters() -> Floats:
    """Triangles of equal area on Slaney's mel scale, 0 to 8 kHz, shape (40, 201)."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE_HZ / 2), N_MELS + 2))
    bins = np.fft.rfftfreq(FFT_SAMPLES, 1 / SAMPLE_RATE_HZ)
    widths = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    areas = 2.0 / (edges[2:] - edges[:-2])
    return (triangles * areas[:, None]).astype(np.float32)


# Slaney, "Auditory Toolbox" (1998): linear below 1 kHz, logarithmic above.
_HZ_PER_MEL = 200.0 / 3
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _HZ_PER_MEL
    return float(_LOG_FROM_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel < _LOG_FROM_MEL, mel * _HZ_PER_MEL, logarithmic)
