"""One window of audio through the model: the only module that uses faster-whisper.

Its parts are called one by one instead of ``transcribe``: the encoder is nearly all of the
cost, and there the language and the text share one pass; and a window is decoded once, without
timestamp tokens, where ``transcribe`` goes on from wherever the model says it stopped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bounds import WHISPER_PROMPT_MAX_CHARS, WHISPER_TOKENS_MAX, WHISPER_WINDOW_S
from pipeline.ports import EngineError
from pipeline.providers.whisper.guards import is_no_speech, is_repetitive, is_silent, without_loops
from pipeline.providers.whisper.languages import iso_code, likeliest, own_code
from pipeline.providers.whisper.model_files import find_model
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Word

_TOKENS_PER_S = 25
"""More than anyone says in any script; loops say more."""
_PREPENDED = "\"'“¿([{-"
_APPENDED = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before a window is decoded."""

    languages: tuple[str, ...]
    """Candidates, ISO 639-1; none: any."""
    language: str = ""
    """Where it is certain: nothing is detected then."""
    previous: str = ""
    """Language of the utterance before, or ""."""
    text: str = ""
    """What was said before in that language; the newest part of it becomes the prompt."""


@dataclass(frozen=True, slots=True)
class Decoded:
    words: tuple[Word, ...]
    """With media times, as the model aligned them: they may touch, overlap or have no length."""
    language: str
    probability: float
    speech: bool = True
    """False: nobody spoke in all of the window."""
    usable: bool = True
    """False: the model went round in circles, and said nothing about the audio."""


class WhisperDecoder:
    """A loaded model. Not for several threads at once."""

    def __init__(self, model: Any, beam_size: int) -> None:
        self._model = model
        self._beam_size = beam_size
        self._tokenizers: dict[str, Any] = {}
        self.cost_s = 0.0
        """Seconds that a window took when the model was warm."""
        self.multilingual: bool = model.model.is_multilingual

    @classmethod
    def load(
        cls, model: str, *, device: str, compute_type: str, threads: int, beam_size: int
    ) -> WhisperDecoder:
        """Raises EngineError: model_missing, model_unusable."""
        # Read when the libraries are imported: nothing is fetched and nothing is told.
        os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
        folder = find_model(model)
        from faster_whisper import WhisperModel

        try:
            loaded = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=threads,
                local_files_only=True,
            )
            decoder = cls(loaded, beam_size)
            decoder.warm_up()
        except Exception as error:  # whatever a file of any content may make the library say
            raise EngineError(
                "model_unusable",
                f"The Whisper model in {Path(folder).name} cannot be loaded.",
                recoverable=False,
                detail=f"{type(error).__name__}: {error}",
            ) from error
        return decoder

    def warm_up(self) -> None:
        """Decode something twice, so that the first utterance is not slower."""
        for _ in range(2):
            begun = time.monotonic()
            self.decode(_noise(), 0.0, Context(languages=()))
            self.cost_s = time.monotonic() - begun

    def decode(self, pcm: Pcm, start_s: float, context: Context) -> Decoded:
        """All that is said in ``pcm``, which begins at ``start_s`` of media time."""
        if is_silent(pcm):
            return Decoded((), context.language or context.previous, 0.0, speech=False)
        pcm = pcm[: int(WHISPER_WINDOW_S * SAMPLE_RATE_HZ)]
        encoded, frames = self._encode(pcm)
        language, probability = context.language, 1.0
        if not self.multilingual:
            language = "en"
        elif not language:
            language, probability = self._language(encoded, context)
        tokenizer, suppressed = self._tokenizer(language)
        prompt = self._prompt(tokenizer, context if language == context.previous else None)
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=self._beam_size,
            max_length=self._length(len(prompt), len(pcm) / SAMPLE_RATE_HZ),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=suppressed,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        mean = result.scores[0] * len(tokens) / (len(tokens) + 1)
        if not tokens or is_no_speech(result.no_speech_prob, mean):
            return Decoded((), language, probability, speech=False)
        words = self._aligned(tokenizer, tokens, encoded, frames, start_s)
        words = [words[number] for number in without_loops([word.text for word in words])]
        usable = not is_repetitive(" ".join(word.text for word in words))
        return Decoded(tuple(words), language, probability, usable=usable)

    def _encode(self, pcm: Pcm) -> tuple[Any, int]:
        """The encoder's output, and how many of its frames of 10 ms are audio."""
        from faster_whisper.audio import pad_or_trim

        # The model knows windows of 30 s only; what has no audio is silence to it.
        features = self._model.feature_extractor(pcm.astype(np.float32) / 32768)
        frames = len(pcm) * 100 // SAMPLE_RATE_HZ
        return self._model.encode(pad_or_trim(features[..., :frames])), frames

    def _language(self, encoded: Any, context: Context) -> tuple[str, float]:
        found = self._model.model.detect_language(encoded)[0]
        probabilities = {iso_code(token[2:-2]): share for token, share in found}
        return likeliest(probabilities, context.languages, context.previous)

    def _tokenizer(self, language: str) -> tuple[Any, list[int]]:
        """faster-whisper's tokenizer for a language, and the tokens that are no speech."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        known = self._tokenizers.get(language)
        if known is None:
            tokenizer = Tokenizer(
                self._model.hf_tokenizer,
                self.multilingual,
                task="transcribe",
                language=own_code(language),
            )
            known = tokenizer, list(get_suppressed_tokens(tokenizer, [-1]))
            self._tokenizers[language] = known
        return known

    def _prompt(self, tokenizer: Any, context: Context | None) -> list[int]:
        text = context.text[-WHISPER_PROMPT_MAX_CHARS:] if context else ""
        # A word that was cut in two would be spelled out of letters.
        text = text if not context or len(text) == len(context.text) else text.partition(" ")[2]
        before = tokenizer.encode(" " + text) if text else []
        prompt: list[int] = self._model.get_prompt(tokenizer, before, without_timestamps=True)
        return prompt

    def _length(self, before: int, seconds: float) -> int:
        """What CTranslate2 must be given for its text to be as long as ``seconds`` can be."""
        tokens = min(WHISPER_TOKENS_MAX, 16 + int(seconds * _TOKENS_PER_S))
        # It generates half of what it is given at most, and no more than the prompt leaves.
        return min(int(self._model.max_length), max(2 * tokens, before + tokens))

    def _aligned(
        self, tokenizer: Any, tokens: Sequence[int], encoded: Any, frames: int, start_s: float
    ) -> list[Word]:
        """Words with times out of the cross-attention (dynamic time warping)."""
        segment = {"seek": 0, "start": 0.0, "end": frames / 100, "tokens": list(tokens)}
        self._model.add_word_timestamps(
            [[segment]], tokenizer, encoded, frames, _PREPENDED, _APPENDED, 0.0
        )
        timed: Any = segment["words"]
        return [
            Word(
                text,
                start_s + float(word["start"]),
                start_s + float(word["end"]),
                round(float(word["probability"]), 3),
            )
            for word in timed
            if (text := word["word"].strip())
        ]


def _noise() -> Pcm:
    return np.random.default_rng(0).normal(0, 2000, SAMPLE_RATE_HZ).astype(np.int16)
