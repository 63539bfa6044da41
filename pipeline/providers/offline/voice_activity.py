"""Voice activity detection with Silero VAD on onnxruntime, without torch.

The wheel's Python package imports torch, so only its model file is read. The model
is recurrent: every audio stream carries its own state and the last samples of its
previous frame, while all streams share one session.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.bounds import DETECTOR_THREADS
from pipeline.ports import EngineError, SpeechDetectorStream
from pipeline.runtime.onnx_runtime import onnxruntime
from pipeline.types import SAMPLE_RATE_HZ, Pcm

FRAME_SAMPLES = 512
CONTEXT_SAMPLES = 64
"""The 16 kHz model sees the end of the previous frame in front of each new one."""
STATE_SHAPE = (2, 1, 128)
MODEL_FILE = Path("data") / "silero_vad_16k_op15.onnx"

# A frame takes 0.2 ms, so two threads serve many streams; onnxruntime releases the GIL.


class SileroDetector:
    """Fills ``SpeechDetector``. Cheap to make: session and threads are shared."""

    def __init__(self) -> None:
        self._session = _session()

    def open(self) -> SpeechDetectorStream:
        return SileroStream(self._session)


class SileroStream:
    """Voice activity of one audio stream. Calls must not overlap."""

    frame_samples = FRAME_SAMPLES

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._state = np.zeros(STATE_SHAPE, np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._pending = np.zeros(0, np.float32)

    async def push(self, pcm: Pcm) -> Sequence[float]:
        """Probabilities of the frames that ``pcm`` completes; the rest waits for more."""
        if len(self._pending) + len(pcm) < FRAME_SAMPLES:
            self._keep(pcm)
            return ()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_executor(), self.detect, pcm)

    def detect(self, pcm: Pcm) -> list[float]:
        """The blocking form of ``push``, for files and measurements."""
        self._keep(pcm)
        whole = len(self._pending) // FRAME_SAMPLES * FRAME_SAMPLES
        frames = self._pending[:whole].reshape(-1, FRAME_SAMPLES)
        self._pending = self._pending[whole:]
        return [self._probability(frame) for frame in frames]

    def _keep(self, pcm: Pcm) -> None:
        self._pending = np.concatenate([self._pending, pcm.astype(np.float32) / 32768])

    def _probability(self, frame: npt.NDArray[np.float32]) -> float:
        inputs = {
            "input": np.concatenate([self._context, frame])[None, :],
            "state": self._state,
            "sr": np.array(SAMPLE_RATE_HZ, np.int64),
        }
        output, self._state = self._session.run(None, inputs)
        self._context = frame[-CONTEXT_SAMPLES:]
        return float(output[0, 0])


def model_path() -> Path:
    """The model inside the installed wheel, found without importing the package."""
    spec = importlib.util.find_spec("silero_vad")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / MODEL_FILE
        if path.is_file():
            return path
    raise EngineError(
        "engine_missing",
        "Silero VAD is not installed: run `make setup` (wheel silero-vad).",
        recoverable=False,
    )


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(model_path()), sess_options=options, providers=["CPUExecutionProvider"]
    )


@functools.cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(DETECTOR_THREADS, thread_name_prefix="voice-activity")
