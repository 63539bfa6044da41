"""Finding out who speaks, beside the live path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.providers.scripted.hearing import ScriptedEncoder
from pipeline.speakers.acquaintance import Acquaintances
from pipeline.speakers.memory import Heard, Identity
from pipeline.tests.waiting import until
from pipeline.types import SAMPLE_RATE_HZ, Pcm, Voice


def speech(seconds: float, pitch_hz: float = 200.0) -> Pcm:
    """A tone that comes and goes, as syllables do: a steady one would pass for noise."""
    at = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    envelope = np.sin(2 * np.pi * 2.0 * at) ** 4
    return (9000 * envelope * np.sin(2 * np.pi * pitch_hz * at)).astype(np.int16)


@dataclass
class ScriptedMemory:
    """Takes everybody for Ana, once it has heard enough."""

    encoder: str = "scripted"
    version: str = "1"
    keeps: bool = True
    needs_s: float = 0.0
    fails: bool = False
    before: Sequence[Identity] = ()
    asked: list[Heard] = field(default_factory=list)
    noted: list[tuple[str, str]] = field(default_factory=list)
    going_on: asyncio.Event | None = None

    async def known(self) -> Sequence[Identity]:
        return self.before

    async def identify(self, heard: Heard) -> Identity | None:
        self.asked.append(heard)
        if self.going_on is not None:
            await self.going_on.wait()
        if self.fails:
            raise RuntimeError("a fault of the memory's")
        if heard.speech_s < self.needs_s:
            return Identity(speaker=heard.speaker, state="unknown")
        return confirmed(heard.speaker)

    async def spoke_with(self, identity: Identity, stock: Voice, language: str) -> None:
        self.noted.append((identity.actor, stock.id))


def confirmed(speaker: str, actor: str = "ana", *, by_person: bool = False) -> Identity:
    return Identity(
        speaker=speaker, state="confirmed", actor=actor, name=actor.title(), confidence=0.9,
        by_person=by_person,
    )  # fmt: skip


class Meeting:
    def __init__(self, memory: ScriptedMemory) -> None:
        self.told: list[Identity] = []
        self.folded: dict[str, str] = {}
        self.people = Acquaintances(
            memory,
            ScriptedEncoder(),
            tell=self.told.append,
            stock_voice=lambda _: None,
            resolve=lambda speaker: self.folded.get(speaker, speaker),
        )
        self._at_s = 0.0

    def hear(self, seconds: float, speaker: str = "S1") -> None:
        end_s = self._at_s + seconds
        self.people.hear(speaker, speech(seconds), at_s=self._at_s, end_s=end_s, language="en")
        self._at_s = end_s


async def test_a_speaker_is_asked_about_in_stages_with_what_is_new() -> None:
    memory = ScriptedMemory()
    meeting = Meeting(memory)
    for seconds in (1.0, 1.5, 1.6, 0.5, 2.0, 2.0):
        meeting.hear(seconds)
        await until(lambda: all(one.asking is None for one in meeting.people._speakers.values()))
    await meeting.people.settle()
    await meeting.people.aclose()
    assert [round(one.speech_s, 1) for one in memory.asked] == [2.5, 4.1, 8.6]
    assert [round(one.new[0].at_s, 1) for one in memory.asked] == [0.0, 2.5, 4.1]
    assert meeting.told == [confirmed("S1")]


async def test_the_end_of_a_run_asks_about_what_is_left() -> None:
    memory = ScriptedMemory()
    meeting = Meeting(memory)
    meeting.hear(1.8)
    assert not memory.asked
    await meeting.people.settle()
    assert [round(one.speech_s, 1) for one in memory.asked] == [1.8]
    await meeting.people.aclose()


async def test_a_person_is_believed_before_an_answer_that_comes_later() -> None:
    memory = ScriptedMemory(going_on=asyncio.Event())
    meeting = Meeting(memory)
    meeting.hear(2.5)
    while not memory.asked:  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.01)
    meeting.people.decide(confirmed("S1", "ben", by_person=True))
    assert memory.going_on is not None
    memory.going_on.set()
    await meeting.people.settle()
    await meeting.people.aclose()
    assert [one.actor for one in meeting.told] == ["ben"]


async def test_a_fault_of_the_memory_costs_the_name_only() -> None:
    memory = ScriptedMemory(fails=True)
    meeting = Meeting(memory)
    meeting.hear(2.5)
    await meeting.people.settle()
    meeting.hear(2.5)
    await meeting.people.settle()
    await meeting.people.aclose()
    assert len(memory.asked) == 2
    assert meeting.told == []


async def test_who_was_folded_into_another_is_not_asked_about() -> None:
    memory = ScriptedMemory()
    meeting = Meeting(memory)
    meeting.folded["S2"] = "S1"
    meeting.hear(2.5, "S2")
    await meeting.people.settle()
    await meeting.people.aclose()
    assert memory.asked == []


async def test_voiceprints_of_another_encoder_are_not_shown_to_the_memory() -> None:
    memory = ScriptedMemory(version="2")
    meeting = Meeting(memory)
    meeting.hear(5.0)
    await meeting.people.settle()
    await meeting.people.aclose()
    assert memory.asked == []


async def test_a_run_that_goes_on_knows_who_its_speakers_were() -> None:
    meeting = Meeting(ScriptedMemory(before=[confirmed("S3")]))
    meeting.people.recall()
    while not meeting.told:  # noqa: ASYNC110 - seen from outside
        await asyncio.sleep(0.01)
    await meeting.people.aclose()
    assert meeting.told == [confirmed("S3")]
