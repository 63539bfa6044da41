from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.benchmarks.speakers import SpokenLine, follow, read_lines, streams
from pipeline.handover.snapshot import SpeakersState
from pipeline.providers.offline.speaker_encoder import ResemblyzerEncoder
from pipeline.providers.offline.speaker_encoder_export import export
from pipeline.speakers.clustering import RegistryConfig, SpeakerRegistry
from pipeline.types import Embedding, SpeakerMatch


def voiceprint(person: int, similarity: float = 0.9, variation: int = 0) -> Embedding:
    """A vector at a known cosine to its person's direction; people are orthogonal."""
    vector = np.zeros(256, np.float32)
    vector[person] = similarity
    vector[100 + (person * 31 + variation) % 156] = np.sqrt(1 - similarity**2)
    return vector


class Talk:
    """Feeds a registry clause after clause."""

    def __init__(self, config: RegistryConfig | None = None) -> None:
        self.registry = SpeakerRegistry(config=config)
        self.at_s = 0.0

    def say(self, embedding: Embedding | None, duration_s: float = 2.0) -> SpeakerMatch:
        self.at_s += 4.0
        return self.registry.observe(embedding, duration_s=duration_s, at_s=self.at_s)


def test_nobody_is_known_before_the_first_voiceprint() -> None:
    match = Talk().say(None)
    assert match.speaker is None
    assert not match.certain


def test_alternating_people_are_told_apart_from_their_first_lines() -> None:
    talk = Talk()
    heard = [talk.say(voiceprint(n % 3, variation=n)).speaker for n in range(12)]
    assert heard == ["S1", "S2", "S3"] * 4
    assert talk.registry.count == 3


def test_a_clause_without_a_voiceprint_goes_to_the_last_speaker() -> None:
    talk = Talk()
    talk.say(voiceprint(1))
    talk.say(voiceprint(2))
    assert talk.say(None) == SpeakerMatch("S2", 0.0, certain=False)


def test_a_short_clause_holds_to_the_last_speaker_unless_clearly_another() -> None:
    talk = Talk()
    for _ in range(3):
        talk.say(voiceprint(1))
        talk.say(voiceprint(2))
    unlike_all = talk.say(voiceprint(3), 0.7)
    assert (unlike_all.speaker, unlike_all.certain) == ("S2", False)
    assert talk.say(voiceprint(1), 0.7).speaker == "S1"


def test_short_clauses_that_agree_open_a_speaker() -> None:
    talk = Talk()
    talk.say(voiceprint(1))
    talk.say(voiceprint(2), 0.9)
    assert talk.say(voiceprint(2), 0.9).is_new
    assert talk.registry.count == 2


def test_a_correction_makes_similar_speech_follow() -> None:
    talk = Talk()
    talk.say(voiceprint(1))
    wrong_at = talk.at_s + 4.0
    talk.say(voiceprint(2))
    assert talk.registry.assign(wrong_at, "S1") == "S1"
    for n in range(5):
        assert talk.say(voiceprint(2, variation=n)).speaker == "S1"


def test_a_clause_can_be_given_to_someone_new() -> None:
    talk = Talk()
    for _ in range(5):
        talk.say(voiceprint(1))
    talk.say(voiceprint(1, 0.8, variation=9))
    new = talk.registry.assign(talk.at_s)
    assert new == "S2"
    assert talk.say(voiceprint(1, 0.8, variation=9)).speaker == "S2"
    assert talk.say(voiceprint(1)).speaker == "S1"


def test_merged_speakers_stay_one_whichever_way_they_sound() -> None:
    talk = Talk()
    talk.say(voiceprint(1))
    talk.say(voiceprint(2))
    talk.registry.rename("S2", "Ana")
    assert talk.registry.merge("S2", "S1") == "S1"
    assert [talk.say(voiceprint(n)).speaker for n in (2, 1, 2)] == ["S1"] * 3
    assert talk.registry.resolve("S2") == "S1"
    assert talk.registry.name("S2") == "Ana"
    assert talk.registry.count == 1


def test_speakers_of_a_later_run_are_not_named_like_those_before() -> None:
    registry = SpeakerRegistry(before=3)
    heard = registry.observe(voiceprint(1), duration_s=3.0, at_s=0.0)
    assert heard.speaker == "S4"
    assert registry.count == 1


def test_unknown_clauses_and_speakers_are_refused() -> None:
    talk = Talk()
    talk.say(voiceprint(1))
    with pytest.raises(KeyError):
        talk.registry.assign(99.0, "S1")
    with pytest.raises(KeyError):
        talk.registry.merge("S1", "S9")


def test_the_number_of_speakers_is_bounded() -> None:
    talk = Talk(RegistryConfig(speakers_max=3))
    for person in range(10):
        talk.say(voiceprint(person))
    assert talk.registry.count == 3


SEGMENTS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 5)),
        st.floats(-1, 1),
        st.integers(0, 50),
        st.floats(0, 8),
    ),
    max_size=40,
)


@given(SEGMENTS)
def test_any_stream_gives_stable_ids_and_no_more_speakers_than_segments(
    segments: list[tuple[int | None, float, int, float]],
) -> None:
    def run() -> tuple[list[SpeakerMatch], SpeakerRegistry]:
        talk = Talk()
        heard = [
            talk.say(None if person is None else voiceprint(person, similarity, variation), length)
            for person, similarity, variation, length in segments
        ]
        return heard, talk.registry

    heard, registry = run()
    assert heard == run()[0]
    assert registry.count <= len(segments)
    seen: set[str] = set()
    for match in heard:
        assert -1.001 <= match.similarity <= 1.001
        if match.speaker is None:
            assert not seen
            continue
        assert match.is_new == (match.speaker not in seen)
        seen.add(match.speaker)
        assert registry.resolve(match.speaker) in registry.speakers


@pytest.fixture(scope="module")
def spoken(speech_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[SpokenLine]:
    """Lines of six people as the segmenter cuts them."""
    folder = tmp_path_factory.mktemp("models")
    export(folder)
    return read_lines(speech_data, {"int8": ResemblyzerEncoder.from_folder(folder, "int8")})


@pytest.mark.parametrize("people", [2, 3, 6])
def test_real_people_who_alternate_are_counted_and_told_apart(
    people: int, spoken: list[SpokenLine]
) -> None:
    everybody = sorted({line.person for line in spoken})
    for group in itertools.combinations(everybody, people):
        alternating = streams(spoken, group)
        for turns in ("clip by clip", "line by line"):
            found, right_of_long, _ = follow(alternating[turns], "int8")
            assert found == people, (group, turns)
            assert right_of_long >= 0.95, (group, turns)


def test_a_restored_registry_knows_everybody_again() -> None:
    talk = Talk()
    for person in (0, 1, 0, 2):
        talk.say(voiceprint(person), 3.0)
    talk.registry.merge("S3", "S2")
    talk.registry.rename("S1", "Ann")
    restored = Talk()
    state = msgspec.json.encode(talk.registry.export())
    restored.registry.restore(msgspec.json.decode(state, type=SpeakersState))
    restored.at_s = talk.at_s
    for person in (2, 0, 1, 5):
        ours, theirs = talk.say(voiceprint(person)), restored.say(voiceprint(person))
        assert (ours.speaker, ours.is_new) == (theirs.speaker, theirs.is_new)
        assert theirs.similarity == pytest.approx(ours.similarity, abs=1e-6)
    assert restored.registry.name("S1") == "Ann"
    assert restored.registry.resolve("S3") == "S2"
    assert restored.registry.speakers == ("S1", "S2", "S4")
