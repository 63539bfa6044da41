"""Transcripts as files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sessions_app import holding, services
from sessions_app.models import DubbingSession
from sessions_app.records.transcripts import MEDIA_TYPES, TEXTS, TIMES, transcript
from sessions_app.tests.conftest import person_of
from sessions_app.tests.test_record import line

SAID = {
    "source_text": "Good <morning> & welcome --> here",
    "target_text": "Buenos días",
    "start_s": 1.0,
    "end_s": 2.5,
    "cue_start_s": 2.25,
    "cue_duration_s": 1.5,
}


def session_of(*lines: dict[str, Any]) -> DubbingSession:
    session = services.create_session(person_of("ana").user, target_language="es", title="A talk")
    holding.save_lines(session.pk, [replace(line(n), **one) for n, one in enumerate(lines)])
    session.speaker_names = {"S1": "Ana <Admin>"}
    return session


def test_the_dubs_subtitles_stand_where_the_dub_is_heard_and_the_sources_where_it_is_said(
    db: None,
) -> None:
    one = session_of(SAID)
    dub = transcript(one, form="srt", text="target", times="dub")
    assert "00:00:02,250 --> 00:00:03,750\nBuenos días" in dub
    source = transcript(one, form="srt", text="source", times="source")
    assert "00:00:01,000 --> 00:00:02,500\nGood" in source


def test_webvtt_names_the_speaker_and_escapes_what_is_markup(db: None) -> None:
    written = transcript(session_of(SAID), form="vtt", text="source", times="source")
    assert "<v Ana &lt;Admin" in written
    assert "Good &lt;morning&gt; &amp; welcome → here" in written


def test_text_has_times_speakers_and_both_languages(db: None) -> None:
    written = transcript(session_of(SAID), form="txt", text="both", times="source")
    assert "[00:00:01] Ana <Admin>: Good <morning> & welcome --> here" in written
    assert "Buenos días" in written


def test_json_holds_both_texts_and_the_name(db: None) -> None:
    written = transcript(session_of(SAID), form="json", text="both", times="source")
    (one,) = json.loads(written)["lines"]
    assert (one["name"], one["speaker"]) == ("Ana <Admin>", "S1")
    assert (one["source_text"], one["target_text"]) == (SAID["source_text"], SAID["target_text"])


def test_who_was_not_named_is_numbered(db: None) -> None:
    session = session_of(SAID)
    session.speaker_names = {}
    assert "] Speaker 1: " in transcript(session, form="txt", text="source", times="source")


def test_a_line_without_a_dub_is_shown_in_its_own_words_when_it_was_said(db: None) -> None:
    skipped = {**SAID, "target_text": "", "cue_start_s": None, "cue_duration_s": None}
    written = transcript(session_of(skipped), form="srt", text="target", times="dub")
    assert "00:00:01,000 --> 00:00:02,500\nGood" in written


@pytest.mark.parametrize("form", MEDIA_TYPES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("times", TIMES)
def test_a_session_without_lines_makes_a_file(db: None, form: str, text: str, times: str) -> None:
    written = transcript(session_of(), form=form, text=text, times=times)
    assert "Good" not in written
