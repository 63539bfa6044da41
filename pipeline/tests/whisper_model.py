"""A Whisper model with made-up weights, small enough to make in a test.

It has Whisper's layout, so that faster-whisper loads it, decodes with it and aligns its
words like a real one's: special tokens, languages, timestamps, alignment heads. What it says
is garbage but lively: the decoder is steered by its position, so that one word follows
another, and a little by the sound.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.model_spec import OPTIONAL
from tokenizers import AddedToken, Tokenizer

MELS, WIDTH, HEADS, POSITIONS, FRAMES = 80, 16, 2, 448, 1500
FAVOURITE = "fr"
"""The language that the model hears in everything."""
SECOND = "es"
"""What it hears where the favourite is no candidate."""
LANGUAGES = ("en", "zh", "de", SECOND, "ru", "ko", FAVOURITE, "ja", "pt", "it", "jw")
WORDS_IN_A_ROW = 12
"""After so many tokens the model is inclined to end."""
_SPECIAL = (
    *("endoftext", "startoftranscript"),  # the languages come between
    *("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"),
)
_SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]


def make_whisper_model(folder: Path, *, seed: int = 1) -> Path:
    """Write a model into ``folder`` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_weights(folder, tokenizer, np.random.default_rng(seed))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def _tokenizer() -> Tokenizer:
    """Bytes, syllables with and without a space before them, then Whisper's own tokens."""
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    merges = []
    for syllable in _SYLLABLES:
        merges += [(syllable[0], syllable[1]), ("Ġ", syllable)]
        for token in (syllable, "Ġ" + syllable):
            vocabulary.setdefault(token, len(vocabulary))
    # By this token, which English-only models lack, CTranslate2 knows a multilingual one.
    vocabulary[""] = len(vocabulary)
    tokenizer = Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    before, after = _SPECIAL[:2], _SPECIAL[2:]
    names = (*before, *LANGUAGES, *after)
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in names])
    tokenizer.add_tokens([AddedToken(f"<|{number * 0.02:.2f}|>") for number in range(FRAMES + 1)])
    return tokenizer


def _write_weights(folder: Path, tokenizer: Tokenizer, random: np.random.Generator) -> None:
    spec = WhisperSpec(1, HEADS, 2, HEADS)
    _fill(spec.encoder, random)
    _fill(spec.decoder, random)
    for name, channels in (("conv1", MELS), ("conv2", WIDTH)):
        conv = getattr(spec.encoder, name)
        conv.weight = _small(random, WIDTH, channels, 3)
        conv.bias = np.zeros(WIDTH, np.float32)
    spec.encoder.position_encodings.encodings = _small(random, FRAMES, WIDTH)
    size = tokenizer.get_vocab_size()
    spec.decoder.embeddings.weight = _small(random, size, WIDTH)
    outputs = random.normal(size=(size, WIDTH)).astype(np.float32)
    outputs /= np.linalg.norm(outputs, axis=1, keepdims=True)
    spec.decoder.position_encodings.encodings = _steering(outputs, tokenizer, random)
    spec.decoder.projection.weight = 3 * outputs
    spec.decoder.projection.bias = _inclinations(tokenizer)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [_id(tokenizer, "endoftext")]
    spec.config.lang_ids = [_id(tokenizer, language) for language in LANGUAGES]
    spec.config.alignment_heads = [[1, 0], [1, 1]]
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    spec.register_vocabulary(sorted(vocabulary, key=lambda token: vocabulary[token]))
    spec.validate()
    spec.save(str(folder))


def _inclinations(tokenizer: Tokenizer) -> Any:
    """Biases that keep the model from saying single bytes."""
    vocabulary = tokenizer.get_vocab()
    biases = np.zeros(len(vocabulary), np.float32)
    biases[: _id(tokenizer, "endoftext")] = -20
    biases[[vocabulary[space + one] for one in _SYLLABLES for space in ("", "Ġ")]] = 0
    return biases


def _steering(outputs: Any, tokenizer: Tokenizer, random: np.random.Generator) -> Any:
    """Position encodings that point to the token which is likely there: shape (448, width)."""
    vocabulary = tokenizer.get_vocab()
    words = random.permutation([vocabulary["Ġ" + syllable] for syllable in _SYLLABLES])
    targets = [
        _id(tokenizer, "endoftext")
        if position % (WORDS_IN_A_ROW + 1) == WORDS_IN_A_ROW
        else words[position % len(words)]
        for position in range(POSITIONS)
    ]
    steering = 4 * outputs[targets]
    favourites = outputs[_id(tokenizer, FAVOURITE)] + 0.8 * outputs[_id(tokenizer, SECOND)]
    steering[0] = 4 * favourites
    return steering.astype(np.float32)


def _fill(layer: Any, random: np.random.Generator) -> None:
    """Small random numbers in every matrix that has none yet; norms that change nothing."""
    for name, value in list(vars(layer).items()):
        if isinstance(value, list):
            for one in value:
                _fill(one, random)
        elif hasattr(value, "gamma"):
            value.gamma, value.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
        elif name in {"self_attention", "attention", "ffn"}:
            _fill_block(value, random, cross=name == "attention")
            _fill(value, random)


def _fill_block(block: Any, random: np.random.Generator, *, cross: bool) -> None:
    if hasattr(block, "linear_0"):
        shapes = {block.linear_0: (4 * WIDTH, WIDTH), block.linear_1: (WIDTH, 4 * WIDTH)}
    elif cross:
        query, memory, output = block.linear
        shapes = {query: (WIDTH, WIDTH), memory: (2 * WIDTH, WIDTH), output: (WIDTH, WIDTH)}
    else:
        packed, output = block.linear
        shapes = {packed: (3 * WIDTH, WIDTH), output: (WIDTH, WIDTH)}
    for linear, shape in shapes.items():
        linear.weight = _small(random, *shape)
        assert linear.bias == OPTIONAL
        linear.bias = np.zeros(shape[0], np.float32)


def _small(random: np.random.Generator, *shape: int) -> Any:
    return random.normal(scale=0.15, size=shape).astype(np.float32)


def _id(tokenizer: Tokenizer, name: str) -> int:
    number = tokenizer.token_to_id(f"<|{name}|>")
    assert number is not None
    return int(number)
