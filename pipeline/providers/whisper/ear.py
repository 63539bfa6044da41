"""One source stream inside a Whisper process: its audio, its words and its language."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np

from pipeline.bounds import WHISPER_PROMPT_MAX_CHARS
from pipeline.bounds import WHISPER_WINDOW_S as WINDOW_S
from pipeline.providers.speech_messages import Piece
from pipeline.providers.whisper.agreement import LocalAgreement
from pipeline.providers.whisper.decoding import Context, Decoded
from pipeline.providers.whisper.languages import is_found
from pipeline.types import SAMPLE_RATE_HZ, Hypothesis, Pcm

SHORTEST_S = 0.1
"""In less there is no word."""


class Decoder(Protocol):
    def decode(self, pcm: Pcm, start_s: float, context: Context) -> Decoded: ...


class Ear:
    """Pieces in, hypotheses out. An utterance's end is decoded before the next one begins."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self._languages = languages
        self._waiting: deque[Piece] = deque()
        self._utterance: Utterance | None = None
        self._previous = languages[0] if len(languages) == 1 else ""
        self._said = ""
        """The end of what was said in the language ``_previous``."""

    @property
    def waiting(self) -> int:
        """Pieces behind an end that is not decoded."""
        return len(self._waiting)

    @property
    def ended(self) -> bool:
        return self._utterance is not None and self._utterance.ended

    @property
    def fresh_s(self) -> float:
        """Audio of the utterance since it was decoded last."""
        return self._utterance.fresh_s if self._utterance else 0.0

    def push(self, piece: Piece) -> None:
        self._waiting.append(piece)

    def take(self) -> int:
        """Take pieces up to an utterance's end; how many of them need no more work."""
        taken = 0
        while self._waiting and not self.ended:
            piece = self._waiting.popleft()
            if self._utterance is None or self._utterance.number != piece.utterance:
                fixed = self._languages[0] if len(self._languages) == 1 else ""
                self._utterance = Utterance(piece, language=fixed)
            self._utterance.append(piece)
            taken += not piece.ends
        return taken

    def hear(self, decoder: Decoder) -> Hypothesis | None:
        """Decode the utterance as far as it goes; a final once it has ended.

        None: its language is not known yet, and words in the wrong one are none.
        """
        utterance = self._utterance
        assert utterance is not None, "there is something to decode"
        context = Context(self._languages, utterance.language, self._previous, self._said)
        utterance.hear(decoder, context)
        if not utterance.ended:
            return utterance.hypothesis() if utterance.language else None
        final = utterance.hypothesis()
        self._remember(final, loops=utterance.loops)
        self._utterance = None
        return final

    def _remember(self, final: Hypothesis, *, loops: bool) -> None:
        if not final.words:
            return
        # A loop that is told again begins again.
        before = "" if loops or final.language != self._previous else self._said + " "
        text = "" if loops else " ".join(word.text for word in final.words)
        self._said = (before + text)[-2 * WHISPER_PROMPT_MAX_CHARS :].strip()
        self._previous = final.language


class Utterance:
    """An utterance that is being heard."""

    def __init__(self, first: Piece, *, language: str) -> None:
        self.number = first.utterance
        self.language = language
        """"" until it is known."""
        self.loops = False
        self.ended = False
        self._audio: Pcm = np.zeros(0, np.int16)
        self._start = self._decoded = first.start
        self._speech_end: int | None = None
        self._agreement = LocalAgreement(first.start / SAMPLE_RATE_HZ)

    @property
    def _end(self) -> int:
        return self._start + len(self._audio)

    @property
    def fresh_s(self) -> float:
        return (self._end - self._decoded) / SAMPLE_RATE_HZ

    def append(self, piece: Piece) -> None:
        self._audio = np.concatenate([self._audio, piece.samples])
        self.ended, self._speech_end = piece.ends, piece.speech_end
        self._trim()

    def hear(self, decoder: Decoder, context: Context) -> None:
        whole_s = len(self._audio) / SAMPLE_RATE_HZ
        heard_all = self._speech_end is not None and self._decoded >= self._speech_end
        known = bool(self.language) or not self.ended
        if whole_s >= SHORTEST_S and not (self.ended and heard_all and known):
            decoded = decoder.decode(self._audio, self._start / SAMPLE_RATE_HZ, self._with(context))
            self._consider(decoded, whole_s)
        elif self.ended and not self.language:
            self.language = context.previous or (*context.languages, "")[0]
        self._decoded = self._end

    def hypothesis(self) -> Hypothesis:
        return Hypothesis(
            utterance=self.number,
            words=self._agreement.words,
            decoded_s=self._end / SAMPLE_RATE_HZ,
            is_final=self.ended,
            language=self.language,
        )

    def _with(self, context: Context) -> Context:
        """The context with what was said in this utterance before the window."""
        outside = " ".join(word.text for word in self._agreement.outside)
        if not outside:
            return context
        before = context.text if context.previous == self.language else ""
        text = f"{before} {outside}".strip()
        return Context(context.languages, self.language, self.language, text)

    def _consider(self, decoded: Decoded, heard_s: float) -> None:
        found = decoded.speech and is_found(decoded.probability, heard_s)
        if not self.language and (self.ended or found):
            self.language = decoded.language
        self.loops = not decoded.usable
        if not decoded.speech:
            self._agreement.drop_guess()
        elif decoded.usable and self.language:
            self._agreement.update(decoded.words, final=self.ended)

    def _trim(self) -> None:
        """Keep what the model can look at; what was said before that is steady by now."""
        least = self._end - int(WINDOW_S * SAMPLE_RATE_HZ)
        if least <= self._start:
            return
        steady = self._agreement.steady
        cut = int(steady[-1].end_s * SAMPLE_RATE_HZ) if steady else 0
        cut = cut if least <= cut < self._end else least
        self._audio = self._audio[cut - self._start :]
        self._start = cut
        self._agreement.trim(cut / SAMPLE_RATE_HZ)
