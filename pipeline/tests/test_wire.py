from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CueAudio, Notice
from pipeline.wire import (
    HEADER_BYTES,
    MEDIA_TIME_MAX_US,
    AudioFrame,
    StartDubbing,
    WireError,
    decode_cue_frame,
    decode_frame,
    decode_message,
    encode_cue_audio,
    encode_event,
    encode_source_audio,
)

pcm_bytes = st.binary(max_size=400).map(lambda data: data[: len(data) // 2 * 2])


@given(
    sequence=st.integers(0, 2**32 - 1),
    media_time_us=st.integers(0, MEDIA_TIME_MAX_US),
    pcm=pcm_bytes,
)
def test_source_audio_survives_the_wire(sequence: int, media_time_us: int, pcm: bytes) -> None:
    frame = AudioFrame(sequence, media_time_us, pcm)
    assert decode_frame(encode_source_audio(frame)) == frame


@given(
    cue=st.integers(0, 2**32 - 1),
    start_s=st.floats(0, 100_000),
    pcm=pcm_bytes,
    last=st.booleans(),
)
def test_cue_audio_survives_the_wire(cue: int, start_s: float, pcm: bytes, last: bool) -> None:
    audio = CueAudio(cue=cue, start_s=start_s, sample_rate=16000, pcm=pcm, last=last)
    frame = decode_cue_frame(encode_cue_audio(audio, 7))
    assert (frame.sequence, frame.cue, frame.last, frame.pcm) == (7, cue, last, pcm)
    assert frame.media_time_us == pytest.approx(start_s * 1e6, abs=1)


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_say_why_not(data: bytes) -> None:
    for decode in (decode_frame, decode_cue_frame):
        try:
            frame = decode(data)
        except WireError as error:
            assert error.code.startswith("frame_")
            assert str(error)
        else:
            assert frame.pcm == data[HEADER_BYTES:]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
near_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["start_dubbing", "audio_chunk", "ping", "create_voice_clone"])},
    optional={
        "target_language": json_values,
        "audio_data": json_values,
        "preserve_voice": json_values,
        "speaker_id": json_values,
        "audio_samples": json_values,
    },
)


@given(st.text() | (json_values | near_messages).map(json.dumps))
def test_any_text_decodes_or_says_why_not(text: str) -> None:
    try:
        decode_message(text)
    except WireError as error:
        assert error.code in {"message_invalid", "message_not_json"}
        assert str(error)


def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(WireError) as refused:
        decode_message('{"type":' + "[" * 100_000)
    assert refused.value.code == "message_not_json"


def test_odd_byte_count_names_the_fault() -> None:
    data = encode_source_audio(AudioFrame(0, 0, b"\0\0")) + b"\0"
    with pytest.raises(WireError, match="odd number"):
        decode_frame(data)


def test_start_dubbing_reads_the_customers_message() -> None:
    message = decode_message(
        '{"type": "start_dubbing", "target_language": "es", "preserve_voice": false}'
    )
    assert message == StartDubbing(target_language="es", preserve_voice=False)
    assert message.source_language == "auto"


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(WireError, match=r"preserve_voice"):
        decode_message('{"type":"start_dubbing","target_language":"es","preserve_voice":"yes"}')


def test_events_carry_their_type_and_sequence() -> None:
    event = json.loads(encode_event(Notice(code="a", message="“quoted”"), 12))
    assert event == {"sequence": 12, "type": "notice", "code": "a", "message": "“quoted”"}
