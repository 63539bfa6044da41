"""Steps: speech in, its dub out, and what is said meanwhile."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable

import numpy as np
import soundfile

from pipeline.types import SAMPLE_RATE_HZ, Pcm
from pipeline.wire import SUBPROTOCOL
from sessions_app.protocol.messages import SUBPROTOCOL_JSON
from sessions_app.protocol_check.probe import FINISH_S, FRAME_SAMPLES, Probe, expect
from sessions_app.protocol_check.subject import Subject

AUDIBLE = 300
"""Peak of a dub that is more than noise, of 32 767."""


async def dubbing_starts(subject: Subject) -> None:
    async with subject.open() as connection:
        ready = await connection.start(subject.target, subject.source, sample_rate=48_000)
        subject.engines = ready["engines"]
        expect(ready["sample_rate"] == 48_000, "the sample rate we named", ready)
        expect(ready["protocol"] == SUBPROTOCOL, SUBPROTOCOL, ready)
        expect(ready["session_id"] == connection.session_id, "our session's id", ready)


async def speech_in_binary_frames_is_dubbed_to_its_summary(subject: Subject) -> None:
    async with subject.open() as connection:
        # "auto" is understood too: what it became is in the answer.
        ready = await connection.start(
            subject.target, "auto", glossary={subject.term: subject.term}
        )
        expect(ready["source_language"] != "auto", "a source language by name", ready)
        await connection.send_audio(subject.speech())
        summary = await connection.stop()
        expect(summary["lines"] >= 1, "at least one line in the summary", summary)
        subject.dubbed = connection


async def chunks_are_acknowledged(subject: Subject) -> None:
    connection = subject.earlier()
    chunks = [event["chunk"] for event in connection.heard("acknowledgement")]
    expect(chunks and chunks == sorted(chunks), "acknowledgements that count up", chunks)
    frames = -(-len(subject.speech()) // FRAME_SAMPLES)
    expect(chunks[-1] < frames, f"no more than the {frames} chunks sent", chunks)


async def every_line_has_a_transcript_and_a_translation(subject: Subject) -> None:
    connection = subject.earlier()
    heard = {event["line"]: event for event in connection.heard("transcript")}
    translated = {event["line"]: event for event in connection.heard("translation")}
    expect(heard, "transcripts", "none")
    expect(heard.keys() == translated.keys(), "as many translations", [*translated])
    expect(all(event["text"] for event in heard.values()), "texts", [*heard.values()])
    for line in heard.values():
        expect(0 <= line["start_s"] < line["end_s"], "times in order", line)


async def glossary_terms_are_kept(subject: Subject) -> None:
    connection = subject.earlier()
    said = " ".join(event["text"] for event in connection.heard("transcript")).lower()
    made = " ".join(event["text"] for event in connection.heard("translation")).lower()
    term = subject.term
    expect(term in said, f"“{term}” in the transcript", said)
    expect(term in made, f"“{term}”, which must not be translated, in the translation", made)


async def every_line_has_a_cue_with_times_and_latencies(subject: Subject) -> None:
    connection = subject.earlier()
    cues = connection.heard("cue")
    lines = {event["line"] for event in connection.heard("transcript")}
    left = {event["line"] for kind in ("skipped", "merged") for event in connection.heard(kind)}
    expect({cue["line"] for cue in cues} | left == lines, f"cues of lines {lines}", cues)
    end_s = 0.0
    for cue in cues:
        expect(cue["start_s"] >= end_s - 0.01, "cues one after another", cue)
        expect(cue["latencies"]["total_ms"] >= 0, "latencies", cue)
        end_s = cue["start_s"]


async def every_cue_brings_its_sound_and_its_end(subject: Subject) -> None:
    connection = subject.earlier()
    ended = {event["cue"]: event["duration_s"] for event in connection.heard("cue_end")}
    for cue in connection.heard("cue"):
        number = cue["cue"]
        pcm = connection.sound(number)
        expect(len(pcm), f"sound of cue {number}", "none")
        peak = int(np.abs(pcm.astype(np.int32)).max())
        expect(peak > AUDIBLE, f"cue {number} to be heard", f"a peak of {peak}")
        lasts_s = len(pcm) / cue["sample_rate"]
        close = abs(lasts_s - ended.get(number, -1.0)) < 0.01
        expect(close, f"a cue_end with {lasts_s:.3f} s for cue {number}", ended)
        last = [frame.last for frame in connection.frames if frame.cue == number]
        expect(last[-1] and sum(last) == 1, "one last block, flagged", last)


async def the_summary_counts_what_was_sent(subject: Subject) -> None:
    connection = subject.earlier()
    (summary,) = connection.heard("summary")
    cues, skipped, merged = (len(connection.heard(kind)) for kind in ("cue", "skipped", "merged"))
    lines = cues + skipped + merged
    came = (summary["lines"], summary["skipped"], summary["merged"])
    expect(came == (lines, skipped, merged), f"{lines} lines, {skipped} skipped", summary)
    spoken_s = len(subject.speech()) / SAMPLE_RATE_HZ
    expect(abs(summary["media_s"] - spoken_s) < 0.1, f"{spoken_s:.2f} s of media", summary)
    expect(not cues or summary["p95"].get("total_ms", -1) >= 0, "latencies", summary)


async def messages_are_numbered_without_gaps(subject: Subject) -> None:
    connection = subject.earlier()
    texts = [event["sequence"] for event in connection.events]
    frames = [frame.sequence for frame in connection.frames]
    together = sorted([*texts, *frames]) == list(range(len(texts) + len(frames)))
    expect(together, "sequences from 0 without gaps", [texts[:40], frames[:40]])


async def speech_in_json_chunks_is_dubbed(subject: Subject) -> None:
    await _dub_json(subject, lambda pcm: pcm.astype("<i2").tobytes())


async def speech_in_flac_chunks_is_dubbed(subject: Subject) -> None:
    await _dub_json(subject, _flac)


async def a_second_run_follows_in_the_same_session(subject: Subject) -> None:
    async with subject.open() as connection:
        for _ in range(2):
            await connection.start(subject.target, subject.source)
            await connection.stop()
        await connection.alive()


async def a_session_is_followed_by_another(subject: Subject) -> None:
    async with subject.open() as leader, subject.open() as follower:
        await leader.start(subject.target, subject.source)
        await follower.send(type="follow_dubbing", session=leader.session_id)
        ready = await follower.until("ready", wait_s=40.0)
        expect(ready["follows"] == leader.session_id, "a ready message of a follower", ready)
        await leader.send_audio(subject.speech())
        summary = await leader.stop()
        followed = await follower.until("summary", wait_s=FINISH_S)
        expect(followed["lines"] == summary["lines"], "the leader's lines", followed)
        told = [[event["text"] for event in one.heard("translation")] for one in (leader, follower)]
        expect(told[0] == told[1] and told[0], "the leader's translations", told)
        expect(follower.frames or follower.heard("skipped"), "a dub of its own", follower.events)


async def text_of_the_source_is_dubbed_as_it_is_written(subject: Subject) -> None:
    text = "Good morning."
    async with subject.open() as connection:
        await connection.start(subject.target, subject.source, source_text=True, number=1)
        await connection.send(
            type="source_text",
            language=subject.source,
            from_s=0.0,
            until_s=60.0,
            cues=[{"start_s": 0.2, "end_s": 1.8, "text": text}],
            run=1,
            number=2,
        )
        await connection.send_audio(subject.speech()[: 3 * SAMPLE_RATE_HZ])
        summary = await connection.stop()
        said = [event["text"] for event in connection.heard("transcript")]
        expect(said == [text], f"“{text}” alone", said)
        expect(summary["lines"] == 1, "one line", summary)


async def what_is_not_wanted_any_more_ends_at_once(subject: Subject) -> None:
    async with subject.open() as connection:
        await connection.start(subject.target, subject.source)
        await connection.send_audio(subject.speech()[: 3 * SAMPLE_RATE_HZ])
        await connection.send(
            type="start_dubbing",
            target_language=subject.target,
            source_language=subject.source,
            discard=True,
        )
        summary = await connection.until("summary", wait_s=FINISH_S)
        given_up = [event["reason"] for event in connection.heard("skipped")]
        came = (len(given_up), {*given_up} - {"discarded"})
        expect(came[0] <= summary["lines"] and not came[1], "lines given up at most", came)
        await connection.until("ready", wait_s=40.0)
        await connection.stop()


async def _dub_json(subject: Subject, encode: Callable[[Pcm], bytes]) -> None:
    # A chunk that names its languages starts dubbing by itself.
    languages = {
        "source_language": subject.source,
        "target_language": subject.target,
        "preserve_voice": False,
    }
    async with subject.open(subprotocols=(SUBPROTOCOL_JSON,)) as connection:
        speech = subject.speech()
        for begin in range(0, len(speech), SAMPLE_RATE_HZ // 2):
            block = speech[begin : begin + SAMPLE_RATE_HZ // 2]
            data = base64.b64encode(encode(block)).decode()
            await connection.send(type="audio_chunk", audio_data=data, **languages)
            await asyncio.sleep(len(block) / SAMPLE_RATE_HZ)
        summary = await connection.stop()
        expect(summary["lines"] >= 1, "at least one line", summary)
        _expect_json_sound(connection)


def _expect_json_sound(connection: Probe) -> None:
    expect(not connection.frames, "sound in JSON", f"{len(connection.frames)} binary frames")
    blocks = [base64.b64decode(event["audio_data"]) for event in connection.heard("cue_audio")]
    pcm = np.frombuffer(b"".join(blocks), dtype="<i2")
    peak = int(np.abs(pcm.astype(np.int32)).max()) if len(pcm) else 0
    expect(peak > AUDIBLE, "a dub to be heard", f"a peak of {peak}")


def _flac(pcm: Pcm) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


STEPS = (
    dubbing_starts,
    speech_in_binary_frames_is_dubbed_to_its_summary,
    chunks_are_acknowledged,
    every_line_has_a_transcript_and_a_translation,
    glossary_terms_are_kept,
    every_line_has_a_cue_with_times_and_latencies,
    every_cue_brings_its_sound_and_its_end,
    the_summary_counts_what_was_sent,
    messages_are_numbered_without_gaps,
    speech_in_json_chunks_is_dubbed,
    speech_in_flac_chunks_is_dubbed,
    a_second_run_follows_in_the_same_session,
    a_session_is_followed_by_another,
    text_of_the_source_is_dubbed_as_it_is_written,
    what_is_not_wanted_any_more_ends_at_once,
)
