"""The default clip of the demo: two people talking, spoken by flite's `rms` and `slt`.

    python -m pipeline.sound.demo_clip [--out var/demo/dialogue.wav]

flite's English is understood by the offline recogniser as well as a person's (word error
rates of 0.06 and 0.13); no recording has to be shipped.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

SAMPLE_RATE_HZ = 16_000
LEAD_IN_S = 0.6
PEAK = 0.7
"""Of full scale; both voices are brought to it, for flite's differ in loudness."""

MAN, WOMAN = "rms", "slt"

DIALOGUE: tuple[tuple[str, str, float], ...] = (
    (MAN, "Good morning. Did you have a good trip from the city?", 0.9),
    (WOMAN, "Yes, thank you. The train was late, but the weather was very good.", 0.8),
    (MAN, "I am glad to hear that. Would you like some coffee before we start?", 0.9),
    (WOMAN, "Yes, I would like a cup of coffee. I have not eaten since last night.", 0.8),
    (MAN, "Then we should go to the small restaurant near the river.", 0.7),
    (WOMAN, "That is a good idea. We can talk about the new house on the way.", 1.0),
    (MAN, "The house has four rooms, and the garden is full of old trees.", 0.8),
    (WOMAN, "My children want to see the garden first. When can we visit it?", 0.9),
)
"""Voice, sentence, and the seconds of silence after it."""


class DemoClipError(RuntimeError):
    """The clip cannot be made; the text says what to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo's two-speaker dialogue.")
    parser.add_argument("--out", type=Path, default=Path("var/demo/dialogue.wav"))
    parser.add_argument("--force", action="store_true", help="make it anew if it is there")
    arguments = parser.parse_args()
    if arguments.out.exists() and not arguments.force:
        return
    try:
        write_clip(arguments.out)
    except DemoClipError as error:
        raise SystemExit(str(error)) from None


def write_clip(file: Path) -> None:
    """Writes 16 kHz mono PCM16, whole or not at all. Raises DemoClipError without flite."""
    parts = [_silence(LEAD_IN_S)]
    for voice, sentence, pause_s in DIALOGUE:
        parts += [_speak(voice, sentence), _silence(pause_s)]
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new.wav")
    soundfile.write(aside, np.concatenate(parts), SAMPLE_RATE_HZ, subtype="PCM_16")
    aside.rename(file)


def _speak(voice: str, sentence: str) -> npt.NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sentence.wav"
        command = ["flite", "-voice", voice, "-t", sentence, "-o", str(file)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError) as error:
            raise DemoClipError(f"flite could not speak (run `make setup`): {error}") from None
        samples, rate = soundfile.read(file, dtype="float32")
    if rate != SAMPLE_RATE_HZ or samples.ndim != 1 or not samples.size:
        raise DemoClipError(f"flite gave {samples.shape} samples at {rate} Hz, not 16 kHz mono.")
    scaled: npt.NDArray[np.float32] = samples * (PEAK / max(float(np.abs(samples).max()), 1e-6))
    return scaled


def _silence(seconds: float) -> npt.NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.float32)


if __name__ == "__main__":
    main()
