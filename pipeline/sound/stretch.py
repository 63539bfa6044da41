"""Faster or slower speech at its own pitch, by libsonic through ctypes.

libsonic (Bill Cox, Apache-2.0) overlaps and adds single pitch periods (PICOLA, after
Morita and Itakura 1986) and needs some 40 ms of look-ahead.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache

import numpy as np

from pipeline.ports import EngineError
from pipeline.types import Pcm

TEMPO_LIMITS = (0.5, 2.0)
_LIBRARY = "libsonic.so.0"
_SHORTS = ctypes.POINTER(ctypes.c_short)


class TimeStretcher:
    """Streaming: ``push`` audio, get what is ready; ``flush`` gives the rest.

    ``tempo`` above 1 is faster. Raises ValueError for a tempo outside 0.5 to 2 and
    EngineError("engine_missing") where libsonic is not installed.
    """

    def __init__(self, sample_rate_hz: int, tempo: float) -> None:
        low, high = TEMPO_LIMITS
        if not low <= tempo <= high:
            raise ValueError(f"tempo must be between {low} and {high}, not {tempo}")
        self._sonic = _load()
        stream = self._sonic.sonicCreateStream(sample_rate_hz, 1)
        if not stream:
            raise MemoryError("libsonic could not create a stream")
        # The finalizer frees the C memory once, whoever comes first: a user who
        # forgets to close is served by the garbage collector.
        self._free = weakref.finalize(self, self._sonic.sonicDestroyStream, stream)
        self._stream = stream
        self._sonic.sonicSetSpeed(stream, tempo)

    def push(self, pcm: Pcm) -> Pcm:
        self._require_open()
        samples = np.ascontiguousarray(pcm, np.int16)
        if len(samples) and not self._sonic.sonicWriteShortToStream(
            self._stream, samples.ctypes.data_as(_SHORTS), len(samples)
        ):
            raise MemoryError("libsonic could not take more audio")
        return self._read()

    def flush(self) -> Pcm:
        """What is left; the stretcher can be pushed to again afterwards."""
        self._require_open()
        if not self._sonic.sonicFlushStream(self._stream):
            raise MemoryError("libsonic could not finish")
        return self._read()

    def close(self) -> None:
        """Free the C memory now. Idempotent."""
        self._free()

    def _require_open(self) -> None:
        if not self._free.alive:
            raise ValueError("this stretcher is closed")

    def _read(self) -> Pcm:
        ready = int(self._sonic.sonicSamplesAvailable(self._stream))
        out = np.empty(ready, np.int16)
        if ready:
            count = self._sonic.sonicReadShortFromStream(
                self._stream, out.ctypes.data_as(_SHORTS), ready
            )
            out = out[:count]
        return out


def stretch(pcm: Pcm, rate_hz: int, tempo: float) -> Pcm:
    """``pcm`` at ``tempo`` in one go."""
    stretcher = TimeStretcher(rate_hz, tempo)
    try:
        return np.concatenate([stretcher.push(pcm), stretcher.flush()])
    finally:
        stretcher.close()


@cache
def _load() -> ctypes.CDLL:
    try:
        sonic = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise EngineError(
            "engine_missing",
            "libsonic is not installed: run `apt-get install libsonic0`.",
            recoverable=False,
        ) from error
    stream = ctypes.c_void_p
    sonic.sonicCreateStream.restype = stream
    sonic.sonicCreateStream.argtypes = [ctypes.c_int, ctypes.c_int]
    sonic.sonicDestroyStream.restype = None
    sonic.sonicDestroyStream.argtypes = [stream]
    sonic.sonicSetSpeed.restype = None
    sonic.sonicSetSpeed.argtypes = [stream, ctypes.c_float]
    sonic.sonicWriteShortToStream.argtypes = [stream, _SHORTS, ctypes.c_int]
    sonic.sonicReadShortFromStream.argtypes = [stream, _SHORTS, ctypes.c_int]
    sonic.sonicSamplesAvailable.argtypes = [stream]
    sonic.sonicFlushStream.argtypes = [stream]
    return sonic
