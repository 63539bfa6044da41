"""What a Whisper process is told, and what it answers."""

from __future__ import annotations

import msgspec

from pipeline.providers.speech_messages import Heard, Piece, Taken


class Load(msgspec.Struct, frozen=True, tag="load"):
    """First of all: which model, and how it is used."""

    model: str
    device: str
    compute_type: str
    threads: int
    beam_size: int


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """Streams are served from now on."""

    multilingual: bool


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The model cannot be loaded; the process ends."""

    code: str
    message: str
    detail: str


class Open(msgspec.Struct, frozen=True, tag="open"):
    stream: int
    languages: tuple[str, ...]


class Said(msgspec.Struct, frozen=True, tag="said"):
    stream: int
    piece: Piece


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Nobody wants to know what else is said in a stream."""

    stream: int


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    stream: int
    what: Heard | Taken


Request = Load | Open | Said | Close
Reply = Loaded | Failed | Answer
