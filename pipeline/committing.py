"""Turns a frozen clause into a line: its text, who says it, in which voice and style."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable

from pipeline.bounds import IDENTIFY_MAX_S, SPEAKERS_MAX
from pipeline.casting import Casting
from pipeline.events import SpeakerHeard
from pipeline.kept_voices import KeptVoices
from pipeline.likeness import Likeness
from pipeline.making import Translation, translate
from pipeline.plan import AUTO, DubbingPlan, Engines
from pipeline.ports import EngineError, TranslationRequest
from pipeline.prosody import Prosody, SpeakerProsody, measure
from pipeline.snapshot import CommittingState, Habit, PendingLine
from pipeline.sound_quality import SoundQuality, measure_quality
from pipeline.speakers import SpeakerRegistry
from pipeline.speculation import Speculation
from pipeline.tape import Tape
from pipeline.text_form import lower_sentence_starts, restore
from pipeline.types import SAMPLE_RATE_HZ, Clause, Line, Pcm, SpeakerMatch, Voice, Word

log = logging.getLogger(__name__)

CLAUSE_MARGIN_S = 0.06
"""Word times are rough: this much more audio on both sides goes to the encoder."""
QUIET_WITHIN_S = 2.0
"""The noise of a place is looked for in so much audio before a clause."""


class Committing:
    """One run's clauses, in order: its speakers, their voices and habits live here."""

    def __init__(
        self,
        plan: DubbingPlan,
        engines: Engines,
        tape: Tape,
        clock: Callable[[], float],
        voices: KeptVoices | None = None,
    ) -> None:
        self._plan = plan
        self._engines = engines
        self._tape = tape
        self._clock = clock
        self._speakers = SpeakerRegistry(confirm_at=plan.similarity_threshold)
        self._casting = Casting(engines.synthesizer.voices(plan.target_language))
        self._likeness = Likeness(
            engines.cloner,
            self._casting,
            warm=self._warm,
            kept=voices if plan.preserve_voice else None,
        )
        self._warmed: set[str] = set()
        self._warming: set[asyncio.Task[None]] = set()
        self._habits: defaultdict[str | None, SpeakerProsody] = defaultdict(SpeakerProsody)
        self._announced: dict[str, tuple[str, bool]] = {}
        self._recent_text: deque[str] = deque(maxlen=3)
        self._translations: set[asyncio.Task[Translation]] = set()
        self._speculation = Speculation(
            lambda request: translate(engines.translator, request, clock), clock
        )
        self._next_line = 0
        self.last: Clause | None = None
        """The clause committed last."""
        self._continues: int | None = None
        """Utterance whose sentence the last clause left open."""
        self._finals_are_written = engines.recognizer.punctuates
        """Whether the last final had capitals and marks."""
        self._language = "" if plan.source_language == AUTO else plan.source_language

    @property
    def speakers(self) -> int:
        """Speakers told apart so far."""
        return self._speakers.count

    def expect(self, clause: Clause) -> None:
        """``clause`` is likely to come next: its translation may begin."""
        language = self._language_of(clause)
        if not self._plan.speculate or language == self._plan.target_language:
            return
        text = self._text_of(clause, language)
        if clause.ends_utterance and self._finals_are_written and _is_plain(text):
            # Vendors put capitals and marks into finals only: guess what the final will have.
            text = restore(text, language, complete=True)
            if self._continues == clause.utterance:
                text = lower_sentence_starts(text)
        self._speculation.expect(self._request(text, language))

    async def line_of(self, clause: Clause) -> tuple[Line, asyncio.Task[Translation]]:
        """The next line, and its translation on the way."""
        language = self._language_of(clause)
        text = self._text_of(clause, language)
        # Translation does not wait for the speaker; synthesis waits for both.
        translation = self._translate(text, language)
        match, prosody, quality, pcm = await self._identify(clause)
        voice = self._casting.assign(match.speaker, prosody.pitch_hz)
        # Not before they are cast: it is their stock voice that is shaped.
        if self._plan.preserve_voice and match.speaker and match.certain:
            self._likeness.collect(match.speaker, pcm)
        self._warm_soon(voice)
        line = Line(
            sequence=self._next_line,
            clause=clause,
            source_language=language,
            target_language=self._plan.target_language,
            source_text=text,
            speaker=match,
            voice=voice,
            style=self._habits[match.speaker].style_of(prosody),
            level_dbfs=quality.level_dbfs,
            snr_db=quality.snr_db,
        )
        # Nothing is awaited from here on: a snapshot has the whole line or nothing of it.
        self._next_line += 1
        if clause.ends_utterance:
            self._finals_are_written = not _is_plain(clause.text)
        self._recent_text.append(text)
        self._continues = None if clause.ends_utterance else clause.utterance
        self.last = clause
        self._language = language
        return line, translation

    def line_again(self, pending: PendingLine) -> tuple[Line, asyncio.Future[Translation]]:
        """A line that another process committed; it is translated only where it was not."""
        who = pending.speaker.speaker
        words = (Word(pending.source_text, pending.start_s, pending.end_s),)
        line = Line(
            sequence=pending.line,
            clause=Clause(-1, words, ends_utterance=True),
            source_language=pending.source_language,
            target_language=self._plan.target_language,
            source_text=pending.source_text,
            speaker=pending.speaker,
            voice=self._casting.by_id(pending.voice) or self._casting.assign(who),
            style=pending.style,
            level_dbfs=pending.level_dbfs,
            snr_db=pending.snr_db,
        )
        if pending.target_text is None:
            return line, self._translate(pending.source_text, pending.source_language)
        known: asyncio.Future[Translation] = asyncio.get_running_loop().create_future()
        known.set_result(Translation(pending.target_text, 0.0))
        return line, known

    def export(self) -> CommittingState:
        return CommittingState(
            next_line=self._next_line,
            speakers=self._speakers.export(),
            cast=self._casting.export(),
            announced=dict(self._announced),
            habits=tuple(Habit(who, habit.export()) for who, habit in self._habits.items()),
            recent_text=tuple(self._recent_text),
            sentence_open=self._continues,
            language=self._language,
        )

    def restore(self, state: CommittingState) -> None:
        """Go on where ``state`` was exported."""
        self._next_line = state.next_line
        self._speakers.restore(state.speakers)
        self._casting.restore(state.cast)
        self._announced = dict(state.announced)
        self._habits.update((one.speaker, SpeakerProsody(*one.averages)) for one in state.habits)
        self._recent_text.extend(state.recent_text)
        self._continues = state.sentence_open
        self._language = state.language or self._language

    def recall_voices(self) -> None:
        """After ``restore``: have shaped voices looked for, of those heard last at first."""
        for one in reversed(self._casting.export()):
            if one.speaker is not None and not one.pinned:
                self._likeness.recall(one.speaker, known=True)

    def news_of(self, line: Line) -> SpeakerHeard | None:
        """What the listener does not know yet of the line's speaker and their voice."""
        speaker, voice = line.speaker.speaker, line.voice
        cast = (voice.id, voice.profile is not None)
        if speaker is None or self._announced.get(speaker) == cast:
            return None
        self._announced[speaker] = cast
        return SpeakerHeard(
            speaker=speaker,
            voice=voice.id,
            voice_name=voice.name,
            similarity=round(line.speaker.similarity, 3),
            shaped=voice.profile is not None,
        )

    async def aclose(self) -> None:
        """Stop what is on its way."""
        under_way = [*self._translations, *self._warming]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._speculation.aclose()
        await self._likeness.aclose()

    def _warm_soon(self, voice: Voice) -> None:
        """Have a voice dialled for while its line is being translated."""
        if voice.id not in self._warmed and len(self._warming) < SPEAKERS_MAX:
            self._warmed.add(voice.id)
            task = asyncio.create_task(self._warm(voice))
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)

    async def _warm(self, voice: Voice) -> None:
        self._warmed.add(voice.id)
        try:
            await self._engines.synthesizer.warm(voice, self._plan.target_language)
        except EngineError as error:
            # The clause itself will say so, if it is still so by then.
            log.info("voice not warmed", extra={"voice": voice.id, "code": error.code})

    def _language_of(self, clause: Clause) -> str:
        """What the clause is spoken in: as found, else as before, else the likeliest."""
        if self._plan.source_language != AUTO:
            return self._plan.source_language
        return clause.language or self._language or (*self._plan.candidates, "")[0]

    def _request(self, text: str, language: str) -> TranslationRequest:
        return TranslationRequest(
            text=text,
            source=language,
            target=self._plan.target_language,
            glossary=self._plan.glossary,
            previous=tuple(self._recent_text),
        )

    def _text_of(self, clause: Clause, language: str) -> str:
        text = clause.text
        if not self._engines.recognizer.punctuates:
            text = restore(text, language, complete=clause.ends_utterance)
            if self._continues == clause.utterance:
                text = lower_sentence_starts(text)
        return text

    def _translate(self, text: str, language: str) -> asyncio.Task[Translation]:
        request = self._request(text, language)
        task = asyncio.create_task(
            _as_it_is(text)
            if language == self._plan.target_language
            else self._speculation.translate(request)
        )
        self._translations.add(task)
        task.add_done_callback(self._translations.discard)
        return task

    async def _identify(self, clause: Clause) -> tuple[SpeakerMatch, Prosody, SoundQuality, Pcm]:
        pcm = self._tape.read(clause.start_s - CLAUSE_MARGIN_S, clause.end_s + CLAUSE_MARGIN_S)
        before = self._tape.read(clause.start_s - QUIET_WITHIN_S, clause.start_s)
        measuring = asyncio.create_task(
            asyncio.to_thread(
                lambda: (measure(pcm, len(clause.words)), measure_quality(pcm, before))
            )
        )
        embedding = None
        try:
            try:
                async with asyncio.timeout(IDENTIFY_MAX_S):
                    embedding = await self._engines.encoder.embed(pcm)
            except (ValueError, TimeoutError, EngineError):
                pass  # too short or too slow: the last known speaker is assumed
            match = self._speakers.observe(
                embedding, duration_s=len(pcm) / SAMPLE_RATE_HZ, at_s=clause.start_s
            )
            return match, *(await measuring), pcm
        finally:
            measuring.cancel()


def _is_plain(text: str) -> bool:
    """Neither capitals nor a mark at the end."""
    return text.islower() and text[-1].isalnum()


async def _as_it_is(text: str) -> Translation:
    return Translation(text, 0.0)
