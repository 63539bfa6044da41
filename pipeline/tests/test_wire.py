from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bounds import PING_ID_MAX, QUOTED_MAX
from pipeline.client_messages import Ping, StartDubbing
from pipeline.events import CueAudio, Notice
from pipeline.wire import (
    HEADER_BYTES,
    MEDIA_TIME_MAX_US,
    AudioFrame,
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


LONG = "x" * 2_000_000
START = {"type": "start_dubbing", "target_language": "es"}
CHUNK = {"type": "audio_chunk", "audio_data": "AAA="}


@pytest.mark.parametrize(
    ("message", "code", "named"),
    [
        ({"type": "ping", "id": LONG}, "message_invalid", "$.id"),
        ({"type": "ping", "id": "x" * (PING_ID_MAX + 1)}, "message_invalid", "$.id"),
        ({"type": "ping", "id": 10**4000}, "message_invalid", "$.id"),
        ({**START, "target_language": LONG}, "message_invalid", "$.target_language"),
        ({**START, "source_language": LONG}, "message_invalid", "$.source_language"),
        ({**START, "sample_rate": 10**4000}, "message_invalid", "$.sample_rate"),
        ({**START, "glossary": {LONG: "x"}}, "message_invalid", "$.glossary"),
        ({**START, "glossary": {"x": LONG}}, "message_invalid", "$.glossary"),
        (
            {**START, "glossary": {f"{n:0200}": "x" * 200 for n in range(251)}},
            "glossary_too_long",
            "characters",
        ),
        ({**CHUNK, "target_language": LONG}, "message_invalid", "$.target_language"),
        ({**CHUNK, "source_language": LONG}, "message_invalid", "$.source_language"),
        (
            {"type": "create_voice_clone", "speaker_id": LONG, "audio_samples": []},
            "speaker_id_invalid",
            "64",
        ),
        (
            {"type": "create_voice_clone", "speaker_id": "", "audio_samples": []},
            "speaker_id_invalid",
            "64",
        ),
        ({"type": "authenticate", "token": LONG}, "message_invalid", "$.token"),
    ],
)
def test_text_that_is_kept_or_given_back_has_a_bound(
    message: dict[str, Any], code: str, named: str
) -> None:
    with pytest.raises(WireError) as refused:
        decode_message(json.dumps(message))
    assert refused.value.code == code
    assert named in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("id", ["x" * PING_ID_MAX, "💥" * PING_ID_MAX, 2**63 - 1, -(2**63)])
def test_an_id_within_its_bound_is_taken(id: int | str) -> None:
    assert decode_message(json.dumps({"type": "ping", "id": id})) == Ping(id=id)


def test_a_glossary_within_its_bounds_is_taken() -> None:
    glossary = {f"{n:0200}": "x" * 200 for n in range(250)}
    message = decode_message(json.dumps({**START, "glossary": glossary}))
    assert message == StartDubbing(target_language="es", glossary=glossary)


@pytest.mark.parametrize("character", ["x", "é", "💥", '"', "\0"])
def test_what_is_wrong_is_said_in_short(character: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_message(json.dumps({"type": character * 300_000}))
    said = str(refused.value)
    assert refused.value.code == "message_invalid"
    assert len(said) <= QUOTED_MAX + 50
    assert said.startswith("The message is not of the protocol: Invalid value")
    assert said.endswith("`$.type`")


def test_events_carry_their_type_and_sequence() -> None:
    event = json.loads(encode_event(Notice(code="a", message="“quoted”"), 12))
    assert event == {"sequence": 12, "type": "notice", "code": "a", "message": "“quoted”"}
