"""Tracks as loud as broadcasts are (EBU R128), by FFmpeg's ``loudnorm`` in two passes.

The first pass measures, the second applies one gain to the whole track where that does not
exceed the true peak: dynamics stay as they are. Blocking; FFmpeg streams.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.bounds import FFMPEG_S, KILL_S
from pipeline.sound.media import MediaError

TARGET_LUFS = -23.0
"""EBU R128 programme loudness."""
TRUE_PEAK_DBTP = -1.0
RANGE_LU = 20.0
_SILENT_LUFS = -70.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Loudness:
    """As EBU R128 measures: integrated (LUFS), true peak (dBTP), range (LU)."""

    integrated: float
    peak: float
    range: float
    threshold: float
    offset: float


def measure(path: Path, *, check: Callable[[], None] = lambda: None) -> Loudness | None:
    """None for a track that is silent. Raises MediaError."""
    said = ffmpeg(
        [
            "-i",
            str(path),
            "-map",
            "0:a:0",
            "-af",
            f"{_target()}:print_format=json",
            "-f",
            "null",
            "-",
        ],
        verbosity="info",
        check=check,
    )
    try:
        found = json.loads(said[said.rindex("{") : said.rindex("}") + 1])
        loudness = Loudness(
            *(
                float(found[name])
                for name in ("input_i", "input_tp", "input_lra", "input_thresh", "target_offset")
            )
        )
    except (ValueError, KeyError) as error:
        raise MediaError("ffmpeg_failed", "The loudness could not be measured.") from error
    return loudness if loudness.integrated > _SILENT_LUFS else None


def normalise(
    path: Path,
    out: Path,
    *,
    metadata: Mapping[str, str],
    rate_hz: int,
    check: Callable[[], None] = lambda: None,
) -> None:
    """``out`` is ``path`` at the target's loudness, with ``metadata``. Raises MediaError."""
    found = measure(path, check=check)
    filters = []
    if found is not None:
        filters = [
            "-af",
            f"{_target()}:measured_I={found.integrated}:measured_TP={found.peak}"
            f":measured_LRA={found.range}:measured_thresh={found.threshold}"
            f":offset={found.offset}:linear=true",
        ]
    command = ["-i", str(path), "-map", "0:a:0", *filters, "-ar", str(rate_hz)]
    command += ["-sample_fmt", "s16"] if out.suffix == ".flac" else []
    for name, value in metadata.items():
        command += ["-metadata", f"{name}={value}"]
    ffmpeg([*command, str(out)], check=check)


def ffmpeg(
    arguments: Sequence[str],
    *,
    verbosity: str = "error",
    timeout_s: float = FFMPEG_S,
    check: Callable[[], None] = lambda: None,
) -> str:
    """Run it and give what it said; ``check`` is called meanwhile and may raise, which ends it.

    Raises MediaError: ffmpeg_missing, ffmpeg_timeout, ffmpeg_failed.
    """
    try:
        process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-v", verbosity, "-y", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise MediaError("ffmpeg_missing", "The ffmpeg program is not installed.") from None
    said: list[bytes] = []
    # Read beside the waiting: a pipe that is full would stop it.
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()), daemon=True)  # type: ignore[union-attr]  # piped
    reader.start()
    waited_s = 0.0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
                break
            waited_s += _LOOK_S
            if waited_s > timeout_s:
                raise MediaError("ffmpeg_timeout", "FFmpeg took too long over the file.")
            check()
    finally:
        if process.poll() is None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(KILL_S)
        reader.join(5)
        if process.stderr is not None:
            process.stderr.close()
    text = b"".join(said).decode(errors="replace")
    if process.returncode != 0:
        last = text.strip().splitlines()
        raise MediaError("ffmpeg_failed", last[-1][:300] if last else "FFmpeg failed.")
    return text


def _target() -> str:
    return f"loudnorm=I={TARGET_LUFS}:TP={TRUE_PEAK_DBTP}:LRA={RANGE_LU}"
