"""Turns a frozen clause into a line: its text, who says it, in which voice and style."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence

from pipeline.bounds import IDENTIFY_MAX_S
from pipeline.committing import again
from pipeline.committing.speculation import Speculation
from pipeline.events import Event, SpeakerHeard, SpeakerIdentified
from pipeline.handover.snapshot import CommittingState, Habit, PendingLine
from pipeline.hearing.recent_speech import RecentSpeech
from pipeline.hearing.tape import Tape
from pipeline.plan import AUTO, DubbingPlan, Engines
from pipeline.ports import EngineError, TranslationRequest
from pipeline.reporting.announcing import Announced
from pipeline.sharing.feeds import Aside
from pipeline.sound.prosody import Prosody, SpeakerProsody, measure
from pipeline.sound.sound_quality import SoundQuality, measure_quality
from pipeline.speakers.acquaintance import Acquaintances
from pipeline.speakers.clustering import SpeakerRegistry
from pipeline.speakers.memory import Identity, SpeakerMemory
from pipeline.speaking.making import Translation, translate
from pipeline.text.text_form import lower_sentence_starts, restore
from pipeline.types import SAMPLE_RATE_HZ, Clause, Line, Pcm, SpeakerMatch
from pipeline.voices.casting import Casting
from pipeline.voices.kept_voices import KeptVoices
from pipeline.voices.likeness import Likeness
from pipeline.voices.warming import Warming

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
        *,
        memory: SpeakerMemory | None = None,
        tell: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._engines = engines
        self._tape = tape
        self._clock = clock
        self._speakers = SpeakerRegistry(before=plan.speakers_before)
        self.recent_speech = RecentSpeech(tape, self._speakers.known_as)
        """What of each speaker can still be kept."""
        self._casting = Casting(engines.synthesizer.voices(plan.target_language))
        self._warming = Warming(engines.synthesizer, plan.target_language)
        self._likeness = Likeness(
            engines.cloner,
            self._casting,
            warm=self._warming.now,
            kept=voices if plan.preserve_voice else None,
            allowed=self._may_clone,
        )
        self._tell = tell
        self._acquaintances = (
            Acquaintances(
                memory,
                engines.recognising,
                consistent_by=engines.encoder,
                tell=self._meet,
                stock_voice=self._casting.cast_voice,
                resolve=self._speakers.known_as,
            )
            if memory is not None
            else None
        )
        self._habits: defaultdict[str | None, SpeakerProsody] = defaultdict(SpeakerProsody)
        self._announced = Announced()
        self._recent_text: deque[str] = deque(maxlen=3)
        self._translations: set[asyncio.Task[Translation]] = set()
        self._speculation = Speculation(
            lambda request: translate(engines.translator, request, clock), clock
        )
        self._next_line = 0
        self._aside: tuple[int, Pcm, float] | None = None
        """Number of the last line, how it sounds, and its pitch."""
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

    def expect(self, clauses: Sequence[Clause]) -> None:
        """One of ``clauses`` is likely to come next: their translation may begin."""
        if not self._plan.speculate:
            return
        guesses = []
        for clause in clauses:
            language = self._language_of(clause)
            if language != self._plan.target_language:
                guesses.append(self._request(self._guess(clause, language), language))
        self._speculation.expect(guesses)

    async def line_of(self, clause: Clause) -> tuple[Line, asyncio.Task[Translation]]:
        """The next line, and its translation on the way."""
        language = self._language_of(clause)
        text = self._text_of(clause, language)
        # Translation does not wait for the speaker; synthesis waits for both.
        translation = self._translate(text, language)
        match, prosody, quality, pcm = await self._identify(clause)
        voice = self._casting.assign(match.speaker, prosody.pitch_hz)
        # Not before they are cast: it is their stock voice that is shaped.
        if self._plan.preserve_voice and match.speaker and match.certain and not voice.lasting:
            self._likeness.collect(match.speaker, pcm)
        if match.speaker and match.certain:
            self.recent_speech.note(match.speaker, clause.start_s, clause.end_s, language)
        if self._acquaintances and match.speaker and match.certain:
            self._acquaintances.hear(
                match.speaker, pcm, at_s=clause.start_s, end_s=clause.end_s, language=language
            )
        self._warming.soon(voice)
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
        self._aside = line.sequence, pcm, prosody.pitch_hz
        if clause.ends_utterance and not clause.written:
            self._finals_are_written = not _is_plain(clause.text)
        self._recent_text.append(text)
        self._continues = None if clause.ends_utterance else clause.utterance
        self.last = clause
        self._language = language
        return line, translation

    def line_again(self, pending: PendingLine) -> tuple[Line, asyncio.Future[Translation]]:
        """A line that another process committed; it is translated only where it was not."""
        who = pending.speaker.speaker
        voice = self._casting.by_id(pending.voice) or self._casting.assign(who)
        line = again.line_again(pending, self._plan.target_language, voice)
        if pending.target_text is None:
            return line, self._translate(pending.source_text, pending.source_language)
        return line, again.known(pending.target_text)

    def export(self) -> CommittingState:
        return CommittingState(
            next_line=self._next_line,
            speakers=self._speakers.export(),
            cast=self._casting.export(),
            announced=self._announced.export(),
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
        self._announced.restore(state.announced)
        self._habits.update((one.speaker, SpeakerProsody(*one.averages)) for one in state.habits)
        self._recent_text.extend(state.recent_text)
        self._continues = state.sentence_open
        self._language = state.language or self._language

    def recall_voices(self) -> None:
        """After ``restore``: have shaped voices looked for, of those heard last at first, and
        who the speakers are."""
        if self._acquaintances:
            self._acquaintances.recall()
        for one in reversed(self._casting.export()):
            if one.speaker is not None and not one.pinned:
                self._likeness.recall(one.speaker, known=True)

    def news_of(self, line: Line) -> SpeakerHeard | None:
        """What the listener does not know yet of the line's speaker and their voice."""
        return self._announced.news_of(line)

    def aside(self, line: Line) -> Aside:
        """What of a line is for followers in this process alone."""
        number, sound, pitch_hz = self._aside or (-1, None, 0.0)
        known = number == line.sequence
        # A clone that lasts is its owner's to use: who follows hears the voice it stands on.
        voice = line.voice.stands_on or line.voice
        return Aside(
            stock=line.voice.stands_on
            or self._casting.by_id(line.voice.id)
            or self._casting.stock_voice(line.speaker.speaker),
            voice=voice,
            sound=sound if known else None,
            pitch_hz=pitch_hz if known else 0.0,
            made=self._likeness.made,
        )

    def decide(self, identity: Identity) -> None:
        """A person said who a speaker is, or is not: so it is from the next clause on."""
        if self._acquaintances:
            self._acquaintances.decide(identity)

    def _meet(self, identity: Identity) -> None:
        """Tell who a speaker is, and give them that person's voice, or their own back.

        Called between clauses or while one is on its way: a line keeps the voice it has.
        """
        self._tell(
            SpeakerIdentified(
                speaker=identity.speaker,
                state=identity.state,
                actor=identity.actor or None,
                name=identity.name,
                confidence=round(identity.confidence, 3),
                by_person=identity.by_person,
            )
        )
        speaker = identity.speaker
        if self._engines.cloner.needs_consent and not self._may_clone(speaker):
            self._likeness.unshape(speaker)
        cast = self._casting.cast_voice(speaker)
        if identity.state != "confirmed":
            if self._casting.release(speaker):
                self._cast_anew(speaker)
            return
        if identity.own is not None:
            if self._casting.adopt(speaker, identity.own, pinned=True):
                self._warming.soon(identity.own)
            return
        if cast is not None and cast.lasting and self._casting.release(speaker):
            self._cast_anew(speaker)
        elif identity.may_clone:
            self._likeness.rebase(speaker)
        voice = self._casting.by_id(identity.voice)
        if voice is not None:
            if self._casting.adopt(speaker, voice, pinned=identity.pinned):
                self._warming.soon(voice)
                if not identity.pinned:
                    self._likeness.rebase(speaker)
        elif self._acquaintances and (stock := self._casting.cast_voice(speaker)):
            self._acquaintances.spoke_with(identity, stock, self._plan.target_language)

    def withdraw(self, gone: Collection[tuple[str, str]]) -> None:
        """These lasting voices, each an engine and its bank's id, may not be used any more."""
        for speaker in self._casting.speaking_with(gone):
            if self._acquaintances:
                self._acquaintances.disown(speaker)
            if self._casting.release(speaker):
                self._cast_anew(speaker)

    def _cast_anew(self, speaker: str) -> None:
        self._casting.assign(speaker, self._habits[speaker].pitch_hz)
        self._likeness.rebase(speaker)

    def _may_clone(self, speaker: str) -> bool:
        if not (self._plan.consented_clones and self._engines.cloner.needs_consent):
            return True
        known = self._acquaintances.identity_of(speaker) if self._acquaintances else None
        return known is not None and known.state == "confirmed" and known.may_clone

    def speakers_known_as(self, actor: str) -> list[str]:
        """Speakers in whom that actor was recognised."""
        return self._acquaintances.speakers_known_as(actor) if self._acquaintances else []

    async def settle(self) -> None:
        """Find out and keep what is still to be found out of who spoke; bounded."""
        if self._acquaintances:
            await self._acquaintances.settle()

    async def aclose(self) -> None:
        """Stop what is on its way."""
        if self._acquaintances:
            await self._acquaintances.aclose()
        translations = list(self._translations)
        for task in translations:
            task.cancel()
        await asyncio.gather(*translations, return_exceptions=True)
        await self._warming.aclose()
        await self._speculation.aclose()
        await self._likeness.aclose()

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
        if clause.written:
            return text
        if not self._engines.recognizer.punctuates:
            text = restore(text, language, complete=clause.ends_utterance)
            if self._continues == clause.utterance:
                text = lower_sentence_starts(text)
        return text

    def _guess(self, clause: Clause, language: str) -> str:
        """The text that ``clause`` will have once it is committed."""
        text = self._text_of(clause, language)
        if clause.written:
            return text
        if clause.ends_utterance and self._finals_are_written and _is_plain(text):
            # Vendors put capitals and marks into finals only.
            text = restore(text, language, complete=True)
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
