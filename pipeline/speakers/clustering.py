"""Who speaks, within one session: pure, no clock, deterministic.

An online clustering of voiceprints. It answers for every clause at once and is never
asked again, so it prefers keeping a speaker to inventing one: a speaker is opened only by
a segment that is long enough and unlike everybody known, or by two that agree.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from pipeline.handover.snapshot import ModeState, SpeakersState, SpeakerState
from pipeline.speakers.voiceprints import Candidate, Mode, RegistryConfig, Segment, Speaker, cosine
from pipeline.types import Embedding, SpeakerMatch

__all__ = ["RegistryConfig", "SpeakerRegistry"]


class SpeakerRegistry:
    """Speakers of one session, "S1", "S2", … in the order in which they were first heard.

    ``before`` of them were named by runs before this one, and are not named again.
    """

    def __init__(self, config: RegistryConfig | None = None, *, before: int = 0) -> None:
        self._config = config or RegistryConfig()
        self._speakers: dict[str, Speaker] = {}
        self._aliases: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._opened = before
        self._last: str | None = None
        self._last_at_s = 0.0
        self._undecided: deque[Segment] = deque(maxlen=8)
        self._segments: deque[Segment] = deque(maxlen=self._config.memory)

    # Listening ---------------------------------------------------------------------

    def observe(
        self, embedding: Embedding | None, *, duration_s: float, at_s: float
    ) -> SpeakerMatch:
        """Who said the clause that starts at ``at_s`` on the media clock.

        ``embedding`` is None where the clause was too short or the encoder too slow; then
        the last speaker is assumed, or None while nobody is known.
        """
        if embedding is None or not np.isfinite(embedding).all() or not embedding.any():
            return SpeakerMatch(self._last, 0.0, certain=False)
        segment = Segment(at_s, max(duration_s, 0.0), embedding)
        self._segments.append(segment)
        candidates = self._candidates(embedding)
        if duration_s < self._config.usable_s:
            match = self._hold(segment, candidates)
        else:
            match = self._decide(segment, candidates)
        segment.speaker = match.speaker
        if match.speaker is not None:
            self._last, self._last_at_s = match.speaker, at_s
        return match

    def _candidates(self, embedding: Embedding) -> list[Candidate]:
        """Every speaker at their likest, nearest first."""
        best = [
            max(
                (Candidate(mode.similarity(embedding), speaker, mode) for mode in speaker.modes),
                key=lambda candidate: candidate.similarity,
            )
            for speaker in self._speakers.values()
        ]
        return sorted(best, key=lambda candidate: -candidate.similarity)

    def _decide(self, segment: Segment, candidates: list[Candidate]) -> SpeakerMatch:
        """A segment long enough to stand for itself."""
        matching = [one for one in candidates if one.similarity >= self._same_at(one.mode)]
        if matching:
            chosen = max(matching, key=lambda one: one.similarity + self._bonus(one, segment))
            ally = self._ally(segment)
            if ally is not None and not self._is_full():
                # Two in a row that match a known speaker barely, and each other well,
                # are somebody new; learned as the known one they would blur both.
                closeness = cosine(segment.embedding, ally.embedding)
                if closeness >= chosen.similarity + self._config.ally_margin:
                    return self._open(segment, chosen.similarity)
            self._learn(segment, chosen.mode)
            speaker = self._fold(chosen.speaker)
            return SpeakerMatch(speaker.id, chosen.similarity)
        if not candidates:
            return self._open(segment, 0.0)
        nearest = candidates[0]
        doubtful = nearest.similarity >= self._same_at(nearest.mode) - self._config.doubt
        if self._is_full() or (doubtful and self._ally(segment) is None):
            self._undecided.append(segment)
            return SpeakerMatch(nearest.speaker.id, nearest.similarity, certain=False)
        return self._open(segment, nearest.similarity)

    def _hold(self, segment: Segment, candidates: list[Candidate]) -> SpeakerMatch:
        """A segment too short to stand for itself."""
        of_last = next((c.similarity for c in candidates if c.speaker.id == self._last), 0.0)
        if candidates:
            nearest = candidates[0]
            lead = nearest.similarity - of_last
            stays = nearest.speaker.id == self._last
            if stays or lead >= self._config.switch_margin:
                bar = self._same_at(nearest.mode) - (0 if stays else self._config.doubt)
                if nearest.similarity >= bar:
                    return SpeakerMatch(nearest.speaker.id, nearest.similarity)
        if not self._is_full() and self._ally(segment) is not None:
            return self._open(segment, candidates[0].similarity if candidates else 0.0)
        self._undecided.append(segment)
        return SpeakerMatch(self._last, of_last, certain=False)

    def _same_at(self, mode: Mode) -> float:
        known_s, similarities = zip(*self._config.same_at, strict=True)
        return float(np.interp(mode.known_s, known_s, similarities))

    def _bonus(self, candidate: Candidate, segment: Segment) -> float:
        recent = segment.at_s - self._last_at_s <= self._config.stay_within_s
        return self._config.stay_bonus if recent and candidate.speaker.id == self._last else 0.0

    def _is_full(self) -> bool:
        return len(self._speakers) >= self._config.speakers_max

    def _ally(self, segment: Segment) -> Segment | None:
        """An undecided segment that agrees with this one, both together long enough."""
        for other in reversed(self._undecided):
            if (
                segment.at_s - other.at_s <= self._config.agree_within_s
                and segment.duration_s + other.duration_s >= self._config.usable_s
                and cosine(segment.embedding, other.embedding) >= self._config.agree_at
            ):
                return other
        return None

    def _open(self, segment: Segment, similarity: float) -> SpeakerMatch:
        self._opened += 1
        mode = Mode(np.zeros(segment.embedding.shape), 0.0)
        speaker = Speaker(f"S{self._opened}", [mode])
        self._speakers[speaker.id] = speaker
        ally = self._ally(segment)
        if ally is not None:
            self._undecided.remove(ally)
            self._learn(ally, mode)
        self._learn(segment, mode)
        return SpeakerMatch(speaker.id, similarity, is_new=True)

    def _learn(self, segment: Segment, mode: Mode) -> None:
        mode.learn(segment.embedding, segment.duration_s, self._config.memory_s)
        segment.mode = mode

    def _fold(self, speaker: Speaker) -> Speaker:
        """``speaker``, or an older one who turns out to be the same while either is fresh."""
        if speaker.pinned or speaker.known_s >= self._config.settled_s:
            return speaker
        mode = speaker.modes[0]
        for other in self._speakers.values():
            if other is speaker:
                break  # only older ones come before it
            likest = max(theirs.similarity(mode.total) for theirs in other.modes)
            if not other.pinned and likest >= self._config.merge_at:
                self.merge(speaker.id, other.id, by_hand=False)
                return other
        return speaker

    # Asking ------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Speakers told apart so far, merged ones once."""
        return len(self._speakers)

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(self._speakers)

    def resolve(self, speaker: str) -> str:
        """The id that ``speaker`` goes by after merges; KeyError when never heard of."""
        while speaker in self._aliases:
            speaker = self._aliases[speaker]
        return self._speakers[speaker].id

    def known_as(self, speaker: str) -> str | None:
        """As ``resolve``; None when never heard of."""
        try:
            return self.resolve(speaker)
        except KeyError:
            return None

    def name(self, speaker: str) -> str:
        """What a person called the speaker; the id until then."""
        return self._names.get(self.resolve(speaker), self.resolve(speaker))

    def centroid(self, speaker: str) -> Embedding:
        """The speaker's mean voiceprint so far, shape (256,), L2 norm 1."""
        total = np.sum([mode.total for mode in self._speakers[self.resolve(speaker)].modes], axis=0)
        return np.asarray(total / (np.linalg.norm(total) or 1.0), np.float32)

    # A person's corrections, which stick ---------------------------------------------

    def assign(self, at_s: float, speaker: str | None = None) -> str:
        """The clause that starts at ``at_s`` was said by ``speaker``; None: by someone new.

        What was learned from it moves along, so that similar speech follows. Returns the
        speaker's id. Raises KeyError for a clause without a voiceprint, or one too long ago,
        and for a speaker never heard of.
        """
        segment = next((s for s in reversed(self._segments) if s.at_s == at_s), None)
        if segment is None:
            raise KeyError(f"no clause at {at_s} s is remembered")
        target = self._speakers[self.resolve(speaker)] if speaker is not None else None
        if segment.mode is not None:
            segment.mode.learn(segment.embedding, -segment.duration_s, self._config.memory_s)
        if segment in self._undecided:
            self._undecided.remove(segment)
        if target is None:
            self._opened += 1
            target = Speaker(f"S{self._opened}", [])
            self._speakers[target.id] = target
        target.pinned = True
        # A mode of its own: pulled into the mean, the correction would be outvoted.
        mode = Mode(np.zeros(segment.embedding.shape), 0.0)
        self._learn(segment, mode)
        target.modes = [*target.modes, mode][-self._config.modes_max :]
        if segment.speaker == self._last:
            self._last = target.id
        segment.speaker = target.id
        return target.id

    def merge(self, speaker: str, into: str, *, by_hand: bool = True) -> str:
        """``speaker`` and ``into`` are one person, known by the id of ``into`` from now on.

        Both ways to sound stay known. Returns the remaining id; KeyError for strangers.
        """
        gone, kept = self._speakers[self.resolve(speaker)], self._speakers[self.resolve(into)]
        kept.pinned = kept.pinned or by_hand
        if gone is kept:
            return kept.id
        kept.modes = [*kept.modes, *gone.modes][: self._config.modes_max]
        del self._speakers[gone.id]
        self._aliases[gone.id] = kept.id
        if gone.id in self._names:
            self._names.setdefault(kept.id, self._names.pop(gone.id))
        for segment in self._segments:
            if segment.speaker == gone.id:
                segment.speaker = kept.id
        if self._last == gone.id:
            self._last = kept.id
        return kept.id

    def rename(self, speaker: str, name: str) -> None:
        """Call the speaker ``name``; the id stays."""
        self._names[self.resolve(speaker)] = name

    # Going on elsewhere --------------------------------------------------------------

    def export(self) -> SpeakersState:
        """Everything that the next ``observe`` depends on but undecided segments."""
        return SpeakersState(
            speakers=tuple(
                SpeakerState(
                    speaker.id,
                    tuple(
                        ModeState(mode.total.astype("<f4").tobytes(), mode.known_s)
                        for mode in speaker.modes
                    ),
                    speaker.pinned,
                )
                for speaker in self._speakers.values()
            ),
            aliases=dict(self._aliases),
            names=dict(self._names),
            opened=self._opened,
            last=self._last,
            last_at_s=self._last_at_s,
        )

    def restore(self, state: SpeakersState) -> None:
        """Become the registry that ``state`` was exported from."""
        self._speakers = {
            one.id: Speaker(
                one.id,
                [
                    Mode(np.frombuffer(mode.total, "<f4").astype(np.float64), mode.known_s)
                    for mode in one.modes
                ],
                one.pinned,
            )
            for one in state.speakers
        }
        self._aliases, self._names = dict(state.aliases), dict(state.names)
        self._opened = state.opened
        self._last, self._last_at_s = state.last, state.last_at_s
        self._undecided.clear()
        self._segments.clear()
