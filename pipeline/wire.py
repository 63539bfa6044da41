"""Bytes ↔ types: the socket protocol ``dub.v1`` and its JSON messages.

Binary frames, both ways, carry sound behind one fixed little-endian header::

    offset  size  field
    0       1     kind: 1 source audio (client → server), 2 cue audio (server → client)
    1       1     flags: bit 0 set on the last block of a cue, other bits zero
    2       2     reserved, zero
    4       4     sequence, from 0, no gaps. A client counts its audio frames; the
                  server counts all its messages, binary and JSON together
    8       4     cue: number of the cue, zero in source audio
    12      8     media time of the first sample, microseconds
    20      …     mono PCM16 little-endian

Everything else is a JSON object with a ``type``. Any bytes either decode or raise
WireError; nothing here has side effects.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec

from pipeline.bounds import (
    GLOSSARY_MAX_CHARACTERS,
    GLOSSARY_MAX_TERMS,
    QUOTED_MAX,
    SOURCE_TEXT_SPAN_MAX_S,
    SPEAKER_ID_MAX,
)
from pipeline.client_messages import (
    AnyClientMessage,
    CreateVoiceClone,
    SourceTextMessage,
    StartDubbing,
)
from pipeline.events import CueAudio, Event

SUBPROTOCOL = "dub.v1"
KIND_SOURCE_AUDIO = 1
KIND_CUE_AUDIO = 2
FLAG_LAST = 0x01
MEDIA_TIME_MAX_US = 2**53
"""Largest media time a JavaScript client can state exactly; 285 years."""

_HEADER = struct.Struct("<BBHIIQ")
HEADER_BYTES = _HEADER.size


class WireError(Exception):
    """What arrived is not of the protocol. The session lives on; ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """Source audio as framed by the client, at the rate named in start_dubbing."""

    sequence: int
    media_time_us: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class CueFrame:
    """Cue audio as a client reads it."""

    sequence: int
    cue: int
    media_time_us: int
    last: bool
    pcm: bytes


_decoder: msgspec.json.Decoder[AnyClientMessage] = msgspec.json.Decoder(AnyClientMessage)
_encoder = msgspec.json.Encoder()


def encode_source_audio(frame: AudioFrame) -> bytes:
    return _HEADER.pack(KIND_SOURCE_AUDIO, 0, 0, frame.sequence, 0, frame.media_time_us) + frame.pcm


def decode_frame(data: bytes) -> AudioFrame:
    """Source audio from a client's binary frame; raises WireError."""
    kind, flags, sequence, cue, media_time_us, pcm = _split(data)
    if kind != KIND_SOURCE_AUDIO:
        raise WireError("frame_kind", f"Frame kind {kind} is not one a client sends; send kind 1.")
    if flags or cue:
        raise WireError("frame_header", "Flags and cue must be zero in source audio.")
    return AudioFrame(sequence, media_time_us, pcm)


def encode_cue_audio(audio: CueAudio, sequence: int) -> bytes:
    header = _HEADER.pack(
        KIND_CUE_AUDIO,
        FLAG_LAST if audio.last else 0,
        0,
        sequence,
        audio.cue,
        round(audio.start_s * 1_000_000),
    )
    return header + audio.pcm


def decode_cue_frame(data: bytes) -> CueFrame:
    """Cue audio as a client reads it; raises WireError."""
    kind, flags, sequence, cue, media_time_us, pcm = _split(data)
    if kind != KIND_CUE_AUDIO or flags & ~FLAG_LAST:
        raise WireError("frame_kind", f"Frame kind {kind} with flags {flags} is not cue audio.")
    return CueFrame(sequence, cue, media_time_us, bool(flags & FLAG_LAST), pcm)


def _split(data: bytes) -> tuple[int, int, int, int, int, bytes]:
    if len(data) < HEADER_BYTES:
        raise WireError(
            "frame_short",
            f"A binary frame starts with a header of {HEADER_BYTES} bytes; got {len(data)} bytes.",
        )
    kind, flags, reserved, sequence, cue, media_time_us = _HEADER.unpack_from(data)
    if reserved:
        raise WireError("frame_header", "The reserved field must be zero.")
    if media_time_us > MEDIA_TIME_MAX_US:
        raise WireError("frame_media_time", "The media time is beyond 2^53 microseconds.")
    pcm = data[HEADER_BYTES:]
    if len(pcm) % 2:
        raise WireError("frame_odd", "PCM16 has two bytes a sample; the frame holds an odd number.")
    return kind, flags, sequence, cue, media_time_us, pcm


def decode_message(text: str | bytes) -> AnyClientMessage:
    """A client's JSON message; raises WireError saying where it is wrong."""
    try:
        message = _decoder.decode(text)
    except msgspec.ValidationError as wrong:
        reason = _in_short(str(wrong))
        raise WireError(
            "message_invalid", f"The message is not of the protocol: {reason}"
        ) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
        reason = _in_short(str(wrong))
        raise WireError("message_not_json", f"The message is not JSON: {reason}") from None
    # Here, not where they are used: what is refused at once waits nowhere.
    if isinstance(message, StartDubbing):
        _refuse_large(message.glossary)
    if isinstance(message, CreateVoiceClone) and not 1 <= len(message.speaker_id) <= SPEAKER_ID_MAX:
        raise WireError("speaker_id_invalid", f"A speaker_id has 1 to {SPEAKER_ID_MAX} characters.")
    if isinstance(message, SourceTextMessage):
        _refuse_disordered(message)
    return message


def _refuse_disordered(message: SourceTextMessage) -> None:
    span_s = message.until_s - message.from_s
    if not 0 <= span_s <= SOURCE_TEXT_SPAN_MAX_S:
        raise WireError(
            "source_text_invalid",
            f"until_s is at or up to {SOURCE_TEXT_SPAN_MAX_S:g} s after from_s; got {span_s:g} s.",
        )
    for number, cue in enumerate(message.cues):
        if not 0 < cue.end_s - cue.start_s <= SOURCE_TEXT_SPAN_MAX_S:
            raise WireError(
                "source_text_invalid",
                f"Each of the cues ends after it begins and lasts {SOURCE_TEXT_SPAN_MAX_S:g} s "
                f"at most; number {number} does not.",
            )


def _in_short(reason: str) -> str:
    """Without its middle where it is long: it begins with what is wrong, quotes the client,
    who may have sent megabytes, and ends with the field's name."""
    if len(reason) <= QUOTED_MAX:
        return reason
    end = QUOTED_MAX // 2
    return f"{reason[: QUOTED_MAX - end - 1]}…{reason[-end:]}"


def _refuse_large(glossary: dict[str, str]) -> None:
    if len(glossary) > GLOSSARY_MAX_TERMS:
        raise WireError(
            "glossary_too_long", f"A glossary holds at most {GLOSSARY_MAX_TERMS} terms."
        )
    if (
        sum(len(term) + len(becomes) for term, becomes in glossary.items())
        > GLOSSARY_MAX_CHARACTERS
    ):
        raise WireError(
            "glossary_too_long",
            f"A glossary holds at most {GLOSSARY_MAX_CHARACTERS} characters; leave terms out.",
        )


def encode_event(event: Event, sequence: int) -> str:
    """The event as JSON text with the server's message number in ``sequence``."""
    body = _encoder.encode(event)
    return f'{{"sequence":{sequence},{body[1:].decode()}'
