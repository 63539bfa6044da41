"""The contracts that engines fill: one Protocol per role.

An engine is one folder under ``providers/`` and one row in its registry. Every
method may be called from the event loop and must not block it: blocking work
belongs in a worker process or in a thread that releases the GIL.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from pipeline.bounds import DETAIL_MAX_CHARS
from pipeline.types import (
    NEUTRAL_STYLE,
    Embedding,
    Hypothesis,
    Pcm,
    SpeechPiece,
    Style,
    Voice,
    VoiceTuning,
)

if TYPE_CHECKING:
    from pipeline.sample_quality import Recording

Endpointing = Literal["standard", "short", "supershort"]


class EngineError(Exception):
    """An engine could not do what was asked.

    ``recoverable`` says whether the same call may succeed later; ``code`` is
    stable and counted; the message is plain words for the user. ``detail`` is what a
    vendor said beside that, for the log and never for a user: bounded, without keys.
    ``taken``: whether the vendor had the request when it failed, and bills for it; None where
    the code tells.

    Engines that are reached over a network share these codes:

    ==================  =================================================================
    key_missing         no key or credentials were given
    key_refused         the vendor does not accept the key, or it may not do this
    plan_too_small      the vendor's plan does not include this
    quota_used_up       what was bought at the vendor is used up
    vendor_busy         too many requests at once or a minute; later may do
    vendor_unreachable  no connection, or it broke
    vendor_failed       the vendor says that the fault is its own
    vendor_refused      the vendor takes the request for wrong
    vendor_malformed    the answer is not what the vendor's documents say
    engine_timeout      no answer in time
    voice_gone          the vendor has no such voice (any more)
    voices_full         the vendor stores no more voices
    ==================  =================================================================
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        recoverable: bool = True,
        detail: str = "",
        taken: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.recoverable = recoverable
        self.detail = detail[:DETAIL_MAX_CHARS]
        self.taken = taken


class SpeechDetectorStream(Protocol):
    """Voice activity of one audio stream; keeps state between calls."""

    frame_samples: int

    async def push(self, pcm: Pcm) -> Sequence[float]:
        """Speech probability of every frame completed by ``pcm``, in order, 0 to 1."""


class SpeechDetector(Protocol):
    def open(self) -> SpeechDetectorStream: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionOptions:
    """How one source stream is to be recognised."""

    languages: tuple[str, ...]
    """ISO 639-1 codes of what may be spoken, likeliest first. One: it is known. Several: the
    engine tells which. None: any language of the engine."""
    model: str = ""
    """The engine's own name of a model; "" is the engine's choice. Ignored by engines that
    have one only."""
    region: str = ""
    """The vendor's own name of the place that serves; "" is the installation's."""
    endpointing: Endpointing = "short"
    """How soon the engine itself takes a pause for an end, where it has such a setting."""
    whole: bool = False
    """Nobody waits for what is moving: finals are enough, and an engine may search every
    utterance at once when it has ended."""


class RecognizerStream(Protocol):
    """One source stream being recognised."""

    async def push(self, piece: SpeechPiece) -> None:
        """Take the next piece; pieces come in order. Waits when the engine is far behind."""

    def __aiter__(self) -> AsyncIterator[Hypothesis]:
        """Hypotheses in order; each utterance closes with one final (perhaps empty).

        A word keeps its times from one hypothesis to the next once it was given: the
        committer tells by them what it has. ``Hypothesis.language`` is set where the engine
        was to find it out, as soon as it has.

        Raises EngineError when the engine failed; ends after ``finish``.
        """

    @property
    def billed_s(self) -> float:
        """Seconds of sound that the engine counts so far, rounded as its vendor does."""

    async def finish(self) -> None:
        """No more pieces will come: deliver what is left, then end."""

    async def aclose(self) -> None:
        """Stop at once and free everything. Idempotent."""


class Recognizer(Protocol):
    name: str
    languages: frozenset[str]
    """ISO 639-1 codes that can be recognised."""
    punctuates: bool
    """Whether words come with capitals and marks; otherwise they are restored."""
    candidates_max: int
    """Among how many languages the engine can tell which is spoken; 1: it must be told."""
    finds_any: bool
    """Whether the engine can find the language out with no candidates given."""

    async def connect(self) -> None:
        """Load and dial what the next ``open`` needs, so that it is quick. Idempotent."""

    async def open(self, options: RecognitionOptions) -> RecognizerStream: ...

    async def aclose(self) -> None: ...


Attempt = Callable[[int], AbstractContextManager[None]]
"""Made with a number of characters, entered around one call of the vendor. An EngineError that
leaves it says by its code, or by ``taken``, whether the vendor bills for the call."""


def unmetered(_characters: int) -> AbstractContextManager[None]:
    """The ``Attempt`` of a request that nobody counts."""
    return nullcontext()


def ignored(_name: str) -> None:
    """For what nobody wants to be told."""


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    text: str
    source: str
    """ISO 639-1 code; "" only for an engine that ``detects``."""
    target: str
    glossary: Mapping[str, str] = field(default_factory=dict)
    """Source term → required target term; equal strings mean do-not-translate."""
    previous: tuple[str, ...] = ()
    """Preceding source clauses, oldest first, for engines that use context."""
    attempt: Attempt = field(default=unmetered, compare=False, repr=False)
    """An engine enters it for every call that it makes for this request, repeated ones too:
    what the vendor bills is known to the engine alone."""
    made_by: Callable[[str], object] = field(default=ignored, compare=False, repr=False)
    """Told the name of the engine whose translation is given, by what may ask another one."""


class Translator(Protocol):
    name: str
    detects: bool
    """Whether a request may leave its source language open."""
    uses_context: bool
    """Whether the previous clauses change what comes out."""

    async def connect(self) -> None:
        """Load and dial what every pair needs. Idempotent."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        """(source, target) ISO 639-1 pairs that this installation can translate."""

    async def prepare(self, source: str, target: str) -> None:
        """Warm whatever the pair needs, so that the first clause is not slower."""

    async def translate(self, request: TranslationRequest) -> str:
        """Raises EngineError. Whatever goes to the vendor goes inside ``request.attempt``."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    text: str
    language: str
    voice: Voice
    style: Style = NEUTRAL_STYLE
    fit_s: float | None = None
    """Duration to aim at through the engine's own rate; None: natural."""
    tempo: float = 1.0
    """Wanted tempo on top of the fit, 0.85 to 1.2, from the backlog rules."""
    whole: bool = False
    """Nobody waits for the first block: an engine may make all of it at once."""


class SpeechStream(Protocol):
    """Speech being made: iterate once for blocks of PCM."""

    sample_rate_hz: int
    rate: float
    """Speaking rate used, as a ratio to the engine's natural one."""
    tempo_left: float
    """Of the fit and tempo asked for, the ratio that the engine's own limits left to time
    stretching; 1 for nothing."""
    voice: Voice
    """The voice that speaks: another one than was asked for where one stood in for it."""

    @property
    def expected_s(self) -> float:
        """Duration of the whole clip; asked for once the first block has come, and exact
        where the engine knows it by then."""

    def __aiter__(self) -> AsyncIterator[Pcm]: ...

    async def aclose(self) -> None: ...


class Synthesizer(Protocol):
    name: str

    @property
    def at_once(self) -> int | None:
        """How many clauses the vendor speaks at once, as far as it has said; None: as many as
        the machine can."""

    async def connect(self) -> None:
        """Load and dial what every language needs; ``voices`` is complete from then on.
        Idempotent."""

    def languages(self) -> frozenset[str]: ...

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Stock voices for a language, best first, audibly distinct from one another."""

    async def prepare(self, language: str) -> None:
        """Warm whatever the language needs, so that the first clause is not slower."""

    async def warm(self, voice: Voice, language: str) -> None:
        """``voice`` is about to be spoken with: dial what it needs. Idempotent; raises
        EngineError where that cannot be done, and ``synthesize`` will then try again."""

    async def synthesize(self, request: SpeechRequest) -> SpeechStream: ...

    async def aclose(self) -> None: ...


class SpeakerEncoder(Protocol):
    """Voiceprints of different encoders, or versions of one, are never compared."""

    name: str
    """Such as ``resemblyzer``; kept beside every voiceprint."""
    version: str
    """Release or digest of its weights."""

    async def embed(self, pcm: Pcm, *, urgent: bool = True, brief: bool = False) -> Embedding:
        """Voiceprint of at least 0.4 s of speech; raises ValueError when shorter.

        What is not ``urgent`` may not delay what is. ``brief``: long speech may be looked at
        with less care, for what is compared and not kept.
        """


class VoiceCloner(Protocol):
    """Makes a synthesiser's voice resemble a person."""

    needs_s: float
    """Clean speech needed before the first clone."""
    enough_s: float
    """Clean speech beyond which a clone no longer improves."""
    needs_consent: bool
    """Whether a person's speech leaves this machine for it: not without their consent."""

    async def clone(self, pcm: Pcm, base: Voice) -> Voice:
        """``base`` reshaped after the one person heard in ``pcm`` (16 kHz).

        Raises EngineError("speech_unusable") when the sample cannot serve.
        """

    def dump(self, voice: Voice) -> bytes | None:
        """What ``load`` needs of a voice made by ``clone``; None where nothing may outlast
        the run. Quick; never raises."""

    def load(self, base: Voice, content: bytes) -> Voice | None:
        """``base`` shaped as ``dump`` was told; None when that is of no use any more. Quick;
        never raises."""

    async def forget(self, voice: Voice) -> None:
        """A voice made by ``clone`` is not needed any more: free what it takes at the
        vendor. Idempotent; what fails is tried again later by the engine itself."""

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


@dataclass(frozen=True, slots=True)
class BankedVoice:
    """A voice that was made to last."""

    voice_id: str
    """The engine's own id."""
    content: bytes = field(default=b"", repr=False)
    """What has to be kept beside the id; nothing where the vendor keeps it all."""


class VoiceBank(Protocol):
    """Makes voices of people that outlast a run, and speaks with them.

    A vendor's slots are few and a process may be killed at any moment: every voice is made
    under a *mark*, a name of no meaning, under which the vendor's copy is found again.
    """

    name: str
    """The synthesiser's that speaks with them."""
    needs_s: float
    """Clean speech without which there is no use in trying."""

    async def make(self, recordings: Sequence[Recording], *, mark: str) -> BankedVoice:
        """A voice after the one person heard in ``recordings``, best first. Asked again with
        the same mark it gives the voice that is there already.

        Raises EngineError: ``speech_unusable``, ``voices_full``, those of the port's table.
        """

    async def delete(self, voice_id: str) -> None:
        """Free what the voice takes at the vendor. Idempotent; raises EngineError."""

    async def delete_marked(self, mark: str) -> int:
        """Delete whatever was made under the mark, known here or not; how many there were.
        Raises EngineError."""

    @staticmethod
    def voice(banked: BankedVoice, base: Voice, tuning: VoiceTuning) -> Voice | None:
        """``base`` with the sound of ``banked``; None when what was kept is of no use any
        more. Quick; never raises."""

    async def aclose(self) -> None:
        """Free everything here, nothing at the vendor. Idempotent."""
