"""Transcripts as files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sessions_app.transcripts import FORMATS, LANGUAGES, Said, Transcript

LINE = Said(
    sequence=0,
    speaker="S1",
    source_language="en",
    target_language="es",
    source_text="Good <morning> & welcome --> here",
    target_text="Buenos días",
    start_s=1.0,
    end_s=2.5,
    cue_start_s=2.25,
    cue_duration_s=1.5,
    skipped_reason="",
)


def transcript(*lines: Said) -> Transcript:
    created = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    return Transcript("id", "A talk", created, {"S1": "Ana <Admin>"}, lines)


def test_the_dubs_subtitles_stand_where_the_dub_is_heard_and_the_sources_where_it_is_said() -> None:
    one = transcript(LINE)
    assert "00:00:02,250 --> 00:00:03,750\nBuenos días" in FORMATS["srt"].write(one, "target")
    assert "00:00:01,000 --> 00:00:02,500\nGood" in FORMATS["srt"].write(one, "source")


def test_webvtt_names_the_speaker_and_escapes_what_is_markup() -> None:
    written = FORMATS["vtt"].write(transcript(LINE), "source")
    assert written.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v Ana &lt;Admin&gt;>")
    assert "Good &lt;morning&gt; &amp; welcome → here" in written


def test_text_has_times_speakers_and_both_languages() -> None:
    written = FORMATS["txt"].write(transcript(LINE), "both")
    assert written.splitlines()[0] == "A talk"
    assert "[0:00:01] Ana <Admin>: Good <morning> & welcome --> here" in written
    assert "Buenos días" in written


def test_json_holds_everything_of_a_line() -> None:
    document = json.loads(FORMATS["json"].write(transcript(LINE), "both"))
    (line,) = document["lines"]
    assert (line["name"], line["speaker"]) == ("Ana <Admin>", "S1")
    assert (line["source_text"], line["target_text"]) == (LINE.source_text, LINE.target_text)
    assert (line["cue_start_s"], line["skipped_reason"]) == (2.25, None)
    source_only = json.loads(FORMATS["json"].write(transcript(LINE), "source"))
    assert "target_text" not in source_only["lines"][0]


def test_a_line_without_a_dub_is_shown_in_its_own_words_when_it_was_said() -> None:
    skipped = replace(
        LINE, target_text="", cue_start_s=None, cue_duration_s=None, skipped_reason="backlog"
    )
    written = FORMATS["srt"].write(transcript(skipped), "target")
    assert "00:00:01,000 --> 00:00:02,500\nGood" in written


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_without_lines_makes_a_file(suffix: str, language: str) -> None:
    assert isinstance(FORMATS[suffix].write(transcript(), language), str)
