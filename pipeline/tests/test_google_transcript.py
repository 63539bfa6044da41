from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.committing.committer import Committer
from pipeline.providers.google.alignment import Known, align, key_of
from pipeline.providers.google.placing import Reading, ReadWord
from pipeline.providers.google.results import words_of
from pipeline.providers.google.timeline import KeptAudio, Timeline
from pipeline.providers.google.transcript import Transcript
from pipeline.providers.google.utterances import Utterances
from pipeline.types import Hypothesis, SpeechPiece, Word

VOCABULARY = "the a of and to in go no yes so we they house river open light morning".split()

texts = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=24)
lengths = st.lists(st.floats(0.08, 0.7), min_size=40, max_size=40)
gaps = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.4]), min_size=40, max_size=40)


def spoken(said: list[str], lasting: list[float], pauses: list[float]) -> list[Word]:
    words, at_s = [], 0.3
    for text, length_s, pause_s in zip(said, lasting, pauses, strict=False):
        at_s += pause_s
        words.append(Word(text, at_s, at_s + length_s))
        at_s += length_s
    return words


def interim(words: list[Word], end_s: float) -> Reading:
    """A text without times, of what has ended."""
    heard = tuple(ReadWord(word.text) for word in words if word.end_s <= end_s)
    return Reading(words=heard, end_s=end_s, fresh_s=0.0)


def final(words: list[Word], end_s: float) -> Reading:
    heard = tuple(ReadWord(word.text, word.start_s, word.end_s) for word in words)
    return Reading(words=heard, end_s=end_s, fresh_s=0.0, is_final=True)


def texts_of(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


@given(texts, lengths, gaps, st.floats(0.1, 0.9), st.data())
@settings(max_examples=40, deadline=None)
def test_interims_and_finals_lose_double_and_move_nothing(
    said: list[str], lasting: list[float], pauses: list[float], every_s: float, data: st.DataObject
) -> None:
    """Growing interims, finals and takes at any moment: every word comes out once."""
    words = spoken(said, lasting, pauses)
    transcript, taken = Transcript(), []
    begun, at_s = 0, 0.0
    given_times: list[tuple[float, float]] = []
    while begun < len(words):
        at_s += every_s
        now = words[begun:]
        if data.draw(st.integers(0, 9)) == 0 or at_s > words[-1].end_s:
            heard = [word for word in now if word.end_s <= at_s]
            transcript.read(final(heard, at_s))
            begun += len(heard)
        else:
            transcript.read(interim(now, at_s))
        shown = transcript.words()
        times = [(word.start_s, word.end_s) for word in shown]
        assert times[: len(given_times)] == given_times[: len(times)]
        assert times == sorted(times)
        given_times = times
        if data.draw(st.integers(0, 5)) == 0:
            gone = transcript.take(data.draw(st.floats(0.0, at_s + 1.0)))
            taken += texts_of(gone)
            given_times = given_times[len(gone) :]
    taken += texts_of(transcript.take())
    assert taken == said


@given(texts, lengths, gaps, st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_changes_a_standing_word_keeps_its_times(
    said: list[str], lasting: list[float], pauses: list[float], data: st.DataObject
) -> None:
    """Interims that change anything: order holds, and the unchanged beginning stays."""
    words = spoken(said, lasting, pauses)
    transcript = Transcript()
    before: tuple[Word, ...] = ()
    for n in range(1, len(words) + 1):
        shown = list(words[:n])
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(0, len(shown) - 1))
            shown[at] = Word(data.draw(st.sampled_from(VOCABULARY)), 0.0, 0.0)
        if data.draw(st.booleans()):
            shown = shown[: data.draw(st.integers(0, len(shown)))]
        transcript.read(
            Reading(
                words=tuple(ReadWord(word.text) for word in shown),
                end_s=words[n - 1].end_s + 0.1,
                fresh_s=0.0,
            )
        )
        now = transcript.words()
        assert texts_of(now) == [word.text for word in shown]
        assert [word.start_s for word in now] == sorted(word.start_s for word in now)
        for old, new in zip(before, now, strict=False):
            if old.text != new.text:
                break
            assert (old.start_s, old.end_s) == (new.start_s, new.end_s)
        before = now
    transcript.read(final(words, words[-1].end_s + 0.2))
    assert texts_of(transcript.take()) == said


@given(lengths, st.integers(4, 20), st.floats(1.7, 2.5), st.floats(0.1, 0.5))
@settings(max_examples=40, deadline=None)
def test_a_stream_that_hears_the_end_again_adds_nothing_to_it(
    lasting: list[float], cut_at: int, overlap_s: float, every_s: float
) -> None:
    """Words all different: the second stream starts in the middle of one."""
    words = spoken([f"{n}-{'x' * (n % 5)}" for n in range(26)], lasting, [0.0] * 40)
    until_s = words[cut_at].start_s + 0.03
    transcript = Transcript()
    at_s = 0.0
    while at_s < until_s:
        at_s = min(at_s + every_s, until_s)
        transcript.read(interim(words, at_s))
    from_s = max(0.0, until_s - overlap_s)
    transcript.join(from_s, until_s)
    again = [word for word in words if word.start_s >= from_s - 0.02]
    at_s = from_s
    while at_s < words[-1].end_s:
        at_s += every_s
        transcript.read(interim(again, at_s))
    transcript.read(final(again, at_s))
    assert texts_of(transcript.take()) == [word.text for word in words]


def test_a_word_cut_off_at_a_join_is_mended_or_left_out() -> None:
    words = spoken("we open the house in the morning".split(), [0.4] * 40, [0.0] * 40)
    first = [*words[:3], Word("how", words[3].start_s, words[3].start_s + 0.2)]
    transcript = Transcript()
    transcript.read(final(first, first[-1].end_s))
    transcript.join(words[1].start_s + 0.2, first[-1].end_s)
    # The second stream begins in the middle of "open".
    again = [Word("pen", words[1].start_s + 0.2, words[1].end_s), *words[2:]]
    transcript.read(interim(again, words[4].end_s))
    transcript.read(final(again, words[-1].end_s))
    assert texts_of(transcript.take()) == "we open the house in the morning".split()


def test_late_words_go_into_the_next_utterance() -> None:
    utterances = Utterances(tells_language=True, wait_s=0.6)
    words = spoken("we open the door and look".split(), [0.4] * 40, [0.0] * 40)
    border_s = words[3].end_s

    def piece(number: int, start_s: float, end_s: float, *, ends: bool) -> SpeechPiece:
        samples = round((end_s - start_s) * 16_000)
        pcm = np.zeros(samples, np.int16)
        return SpeechPiece(number, round(start_s * 16_000), pcm, ends, round(end_s * 16_000))

    first = piece(0, 0.0, border_s, ends=True)
    utterances.begin(first)
    utterances.read(interim(words, words[2].end_s), "en")
    utterances.end(first, now=10.0)
    assert utterances.settle(10.5) == []
    utterances.begin(piece(1, border_s, border_s + 1.0, ends=False))
    assert utterances.settle(10.5) == []
    (closed,) = utterances.settle(10.7)
    assert texts_of(closed.words) == ["we", "open", "the"]
    assert (closed.is_final, closed.language) == (True, "en")
    utterances.read(final(words, words[-1].end_s), "")
    shown = utterances.partial()
    assert shown is not None
    assert texts_of(shown.words) == ["door", "and", "look"]
    last = piece(1, border_s, border_s + 1.0, ends=True)
    utterances.end(last, now=11.0)
    (closed,) = utterances.settle(11.0, drained=True)
    assert texts_of(closed.words) == ["door", "and", "look"]


def test_the_committer_says_every_word_once() -> None:
    words = spoken(VOCABULARY * 2, [0.3] * 40, [0.0] * 40)
    transcript, committer = Transcript(), Committer()
    clauses = []
    for n in range(1, len(words)):
        transcript.read(interim(words, words[n].end_s))
        shown = Hypothesis(0, transcript.words(), words[n].end_s)
        clauses += committer.update(shown)
    transcript.read(final(words, words[-1].end_s))
    clauses += committer.update(Hypothesis(0, transcript.take(), words[-1].end_s, True))
    assert [word.text for clause in clauses for word in clause.words] == VOCABULARY[:17] * 2


def test_pairs_are_found_by_text() -> None:
    known = [Known(key_of(text), n * 0.4) for n, text in enumerate("we go home now".split())]
    keys = [key_of(text) for text in "We go back home now, friend".split()]
    assert align(known, keys) == [0, 1, ~2, 2, 3, ~4]
    assert align([], ["a"]) == [~0]
    assert align(known, []) == []


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 5000)), min_size=1, max_size=8))
def test_stream_time_is_media_time_without_the_gaps(spans: list[tuple[int, int]]) -> None:
    timeline, media, sent = Timeline(), 0, 0
    for gap, samples in spans:
        media += gap
        timeline.add(media, samples)
        start_s, end_s = sent / 16_000, (sent + samples) / 16_000
        assert timeline.start_of(start_s) == pytest.approx(media / 16_000)
        assert timeline.end_of(end_s) == pytest.approx((media + samples) / 16_000)
        assert timeline.fresh_s(end_s) <= media / 16_000
        media, sent = media + samples, sent + samples
        timeline.pad(20)
        sent += 20
    assert timeline.media_end == media


def test_kept_audio_forgets_the_oldest_and_gives_back_the_rest() -> None:
    kept = KeptAudio(1.0)
    pcm = np.arange(40_000, dtype=np.int32).astype(np.int16)
    for start in range(0, 40_000, 1_000):
        kept.add(start, pcm[start : start + 1_000])
    assert 1.0 <= kept.seconds < 1.1
    ((start, found),) = kept.since(30_500)
    assert start == 30_500
    assert np.array_equal(found, pcm[30_500:])
    kept.add(50_000, pcm[:10])
    assert [start for start, _ in kept.since(39_000)] == [39_000, 50_000]


def test_scripts_without_spaces_go_by_characters() -> None:
    assert words_of("we go, now.") == ["we", "go,", "now."]
    assert words_of("今日は。晴れ") == ["今", "日", "は。", "晴", "れ"]
