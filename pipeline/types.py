"""What flows through the pipeline, in order of becoming.

``AudioChunk → SpeechPiece → Hypothesis → Clause → Line → Cue``. All of it is
immutable. Positions on the media clock are whole samples at 16 kHz where
exactness matters (``start``, ``end``) and seconds where it does not (``*_s``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000
"""Rate of all source audio inside the pipeline; the rim resamples to it."""

Pcm = npt.NDArray[np.int16]
"""Mono 16-bit audio, shape (samples,)."""

Embedding = npt.NDArray[np.float32]
"""A voiceprint: shape (256,), L2 norm 1."""

Register = Literal["low", "mid", "high"]
"""Coarse pitch of a voice; what casting matches when nothing better is known."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of source audio as it came from the client, at 16 kHz."""

    sequence: int
    start: int
    """First sample's position on the media clock."""
    pcm: Pcm

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """Audio that belongs to one utterance, cut out of the stream by the segmenter.

    The pieces of an utterance are contiguous; the first carries the pre-roll.
    The last one (``ends=True``) may be empty and may end later than ``speech_end``.
    """

    utterance: int
    start: int
    pcm: Pcm
    ends: bool = False
    speech_end: int | None = None
    """Where the last speech frame ended, set on the last piece only."""

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0


_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: words of these are not set apart by spaces."""


def joined(words: Iterable[Word]) -> str:
    """The words as they are written in a row."""
    text = ""
    for word in words:
        tight = text and word.text and _UNSPACED.match(text[-1]) and _UNSPACED.match(word.text[0])
        text += word.text if not text or tight else f" {word.text}"
    return text


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a recogniser believes an utterance says so far. Words are in order."""

    utterance: int
    words: tuple[Word, ...]
    decoded_s: float
    """Media time up to which audio has been decoded."""
    is_final: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """Words frozen by the committer: spoken audio cannot be taken back."""

    utterance: int
    words: tuple[Word, ...]
    ends_utterance: bool
    language: str = ""
    """As the recogniser found it out; "" where it was not to, or has not yet."""
    written: bool = False
    """Its text is the client's, as somebody wrote it, and is not mended."""

    @property
    def text(self) -> str:
        return joined(self.words)

    @property
    def start_s(self) -> float:
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        return self.words[-1].end_s


@dataclass(frozen=True, slots=True)
class Style:
    """How a clause was said, relative to how that speaker usually speaks."""

    energy_db: float = 0.0
    pitch_semitones: float = 0.0
    pitch_range: float = 1.0
    """Ratio of the clause's log-F0 spread to the speaker's usual spread."""
    rate: float = 1.0
    """Ratio of the clause's words per second to the speaker's usual rate."""
    pauses: float = 0.0
    """Share of the clause spent in pauses, less the speaker's usual share; -0.3 to 0.3."""
    arousal: float = 0.0
    """From -1 (subdued) to 1 (excited): everything above in one coarse number."""


NEUTRAL_STYLE = Style()


@dataclass(frozen=True, slots=True)
class VoiceTuning:
    """How one voice is to be spoken with, found out for that voice; None: as for any other.

    Engines read what they have of it: ElevenLabs all but ``base``, shaping all but ``style``.
    """

    stability: float | None = None
    """0 to 1: how little it varies."""
    similarity: float | None = None
    """0 to 1: ElevenLabs' similarity boost; of shaping the strength."""
    style: float | None = None
    """0 to 1: exaggeration of a neutral clause."""
    speed: float | None = None
    """Ratio to the engine's natural pace, 0.7 to 1.2."""
    base: str = ""
    """Of shaping: key of the stock voice that is shaped; "": the usual one."""


NO_TUNING = VoiceTuning()


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that a synthesiser can speak with."""

    id: str
    """Unique within the engine, stable over versions: sessions store it."""
    engine: str
    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes; empty means every language of the engine."""
    register: Register = "mid"
    pitch_hz: float = 0.0
    """Median F0 of the voice as the engine speaks it; 0 where unknown."""
    profile: object | None = field(default=None, compare=False, repr=False)
    """What the engine's cloner learned of a person; opaque to everyone else."""
    stand_ins: tuple[Voice, ...] = field(default=(), compare=False, repr=False)
    """Voices of other engines that speak for the same person while this one's cannot."""
    tuning: VoiceTuning = field(default=NO_TUNING, compare=False, repr=False)
    lasting: str = ""
    """Of a clone that was made to outlast the run the bank's own id of it: nobody reshapes such
    a voice, and it may be withdrawn."""
    stands_on: Voice | None = field(default=None, compare=False, repr=False)
    """The stock voice that speaks instead once a lasting one is withdrawn."""


@dataclass(frozen=True, slots=True)
class SpeakerMatch:
    """Who said a clause. ``speaker`` is None while nobody is known yet."""

    speaker: str | None
    similarity: float
    """Cosine to the speaker's centroid, -1 to 1; 0 where nothing was compared."""
    is_new: bool = False
    certain: bool = True
    """False when the clause was too short and the last speaker was assumed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A clause with everything that is decided before it is spoken."""

    sequence: int
    clause: Clause
    source_language: str
    target_language: str
    source_text: str
    speaker: SpeakerMatch
    voice: Voice
    style: Style
    level_dbfs: float | None = None
    """Loudness of the speech, decibels below full scale; None where it was not measured."""
    snr_db: float | None = None
    """Speech to noise, decibels, 0 to 60."""
