"""Marks say what somebody should listen to again: each where it is due, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from accounts.models import User
from pipeline.benchmarks.word_errors import read_pcm
from pipeline.plan import Engines
from pipeline.ports import SpeechRequest
from pipeline.providers.scripted.hearing import ScriptedRecognizer
from pipeline.providers.scripted.sounds import utterances
from pipeline.providers.scripted.speaking import (
    ScriptedSpeech,
    ScriptedSynthesizer,
    ScriptedTranslator,
)
from pipeline.types import Pcm
from sessions_app.glossaries.services import create_glossary, put_term
from sessions_app.projects import making, worker_loop
from sessions_app.projects.editing import edit_line
from sessions_app.projects.files import flac_of, read_sound, store_bytes
from sessions_app.projects.job_models import JobState
from sessions_app.projects.models import LineSound, Project, ProjectLine
from sessions_app.projects.tests.conftest import Drain, dubbed
from sessions_app.tests import engines as scripted_sets
from voices.files import keep

PLAIN = "bien dicho por todos los presentes"
LOUD = "esto se oye demasiado fuerte por aquí"
NOTHING = "esto no se oye en ninguna parte nunca"
SAID = (
    "one thing that everybody says here",
    "another thing that somebody says high",
    "a kite is what they fly there",
    "something loud is what they hear now",
    "nothing at all is to be heard",
    "a story that is far too long",
)
FOREIGN_HZ = 420.0
"""No voice of the script is near to it."""
TALK = utterances(
    (2.0, 110.0), (2.0, FOREIGN_HZ), (2.0, 110.0), (2.0, 110.0), (2.0, 110.0), (2.0, 110.0)
)


@dataclass
class Blemished(ScriptedSynthesizer):
    """Speaks one text too loudly, and one not at all."""

    def __post_init__(self) -> None:
        self.keep_requests = False

    async def synthesize(self, request: SpeechRequest) -> ScriptedSpeech:
        await super().synthesize(request)
        return BlemishedSpeech(self, request)


class BlemishedSpeech(ScriptedSpeech):
    def __init__(self, engine: ScriptedSynthesizer, request: SpeechRequest) -> None:
        super().__init__(engine, request)
        self._text = request.text

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        async for block in super().__aiter__():
            if self._text == LOUD:
                yield np.clip(block * 4.2, -32_768, 32_767).astype(np.int16)
            elif self._text == NOTHING:
                yield np.zeros_like(block)
            else:
                yield block


def engines() -> Engines:
    """``PLAIN`` is what the recogniser hears first in whatever it is given."""
    table = dict(
        zip(SAID, (PLAIN, PLAIN, "una cosa que vuela", LOUD, NOTHING, "largo " * 20), strict=True)
    )
    return replace(
        scripted_sets.scripted_engines(),
        recognizer=ScriptedRecognizer(script=SAID, languages=frozenset({"en"})),
        translator=ScriptedTranslator(
            table={one.capitalize() + ".": to for one, to in table.items()} | table
        ),
        synthesizer=Blemished(),
    )


def listening_engines() -> Engines:
    return replace(
        engines(), recognizer=ScriptedRecognizer(script=(PLAIN,), languages=frozenset({"es"}))
    )


def marks(project: Project) -> list[list[str]]:
    lines = project.lines.select_related("sound").order_by("start_s")
    return [sorted(one.sound.marks) if one.sound else ["none"] for one in lines]


def test_each_mark_is_where_it_is_due_and_nowhere_else(
    ana: User, drain: Drain, settings: Any
) -> None:
    settings.DUBBING_ENGINES = f"{__name__}.engines"
    glossary = create_glossary(ana, name="Toys")
    put_term(glossary, source="kite", target="cometa")
    put_term(glossary, source="dragon", target="dragón")
    project, job = dubbed(ana, flac_of(TALK, 16_000), drain)
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    assert [one.source_text.lower().rstrip(".") for one in project.lines.all()] == list(SAID)
    assert marks(project) == [
        [], ["unlike"], ["term_missing"], ["clipping"], ["silent"], ["overflow"]
    ]  # fmt: skip
    figures = LineSound.objects.get(lines__number=1).figures
    assert figures["similarity"] < 0.5
    assert LineSound.objects.get(lines__number=0).figures["similarity"] > 0.9

    # What is mended loses its mark; the others keep theirs.
    for number, text in ((2, "una cometa"), (5, "breve")):
        line = ProjectLine.objects.get(project=project, number=number)
        edit_line(line, by=ana, changes={"target_text": text})
    assert drain(making.redub(project, by=ana)).state == JobState.DONE
    assert marks(project) == [[], ["unlike"], [], ["clipping"], ["silent"], []]

    # A recogniser listens: of the lines only the first two say what it hears.
    worker_loop.close()
    settings.DUBBING_ENGINES = f"{__name__}.listening_engines"
    assert drain(making.listen_again(project, by=ana)).state == JobState.DONE
    assert [("misheard" in one) for one in marks(project)] == [
        False, False, True, True, True, True
    ]  # fmt: skip
    assert LineSound.objects.get(lines__number=0).figures["word_errors"] == 0.0
    # Heard once, a sound is not listened to again.
    again = drain(making.listen_again(project, by=ana))
    assert (again.state, again.parts.count()) == (JobState.DONE, 0)


def test_who_cannot_hear_the_dubs_language_says_so(ana: User, drain: Drain, settings: Any) -> None:
    settings.DUBBING_ENGINES = f"{__name__}.engines"
    project, _ = dubbed(ana, flac_of(TALK[: 3 * 16_000], 16_000), drain)
    job = drain(making.listen_again(project, by=ana))
    assert (job.state, job.problem) == (JobState.FAILED, "source_language_unsupported")


SUBTITLES = """1
00:00:00,300 --> 00:00:03,000
El domingo es el mejor día de la semana.

2
00:00:03,500 --> 00:00:07,000
Los niños van a la escuela por la mañana.
"""
ENGLISH = """1
00:00:00,300 --> 00:00:03,000
Sunday is the best part of the week.

2
00:00:03,500 --> 00:00:07,000
The children go to school in the morning.
"""


def test_the_built_in_recogniser_tells_a_wrong_sound_from_a_right_one(
    ana: User, drain: Drain, speech_data: Path
) -> None:
    """In English, which is what it hears."""
    project, job = dubbed(
        ana,
        flac_of(utterances((2.5, 110.0), (3.0, 110.0)), 16_000),
        drain,
        source_language="es",
        target_language="en",
        source_subtitles=SUBTITLES,
        target_subtitles=ENGLISH,
        preserve_voice=False,
    )
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    right, wrong = LineSound.objects.filter(project=project).order_by("lines__number")

    def marked(first: bytes | None = None, second: bytes | None = None) -> list[bool]:
        """Whether they are, once they sound like that."""
        for sound, content in ((right, first), (wrong, second)):
            if content is not None:
                sound.audio, sound.figures = store_bytes(content, ".flac"), {}
                sound.save()
                keep(sound.audio)
        assert drain(making.listen_again(project, by=ana)).state == JobState.DONE
        right.refresh_from_db()
        wrong.refresh_from_db()
        return ["misheard" in one.marks for one in (right, wrong)]

    # The built-in voice is hard to understand for the built-in recogniser, and yet no mistake.
    assert marked() == [False, False], (right.figures, wrong.figures)
    backwards = [flac_of(read_sound(one.audio)[0][::-1], 16_000) for one in (right, wrong)]
    assert marked(*backwards) == [True, True], (right.figures, wrong.figures)
    # A person says the first line as it is written, and in the second one something else.
    LineSound.objects.filter(project=project).update(engine="a person")
    right.refresh_from_db()
    wrong.refresh_from_db()
    said = [
        flac_of(read_pcm(speech_data / f"en/harvard_spk1_snt{number}.wav"), 16_000)
        for number in (5, 1)
    ]
    assert marked(*said) == [False, True], (right.figures, wrong.figures)
