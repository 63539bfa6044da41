"""Voices cloned here: which are ours, which is in use, which has to go.

Slots are few, so the clone used longest ago makes room; a voice that this installation did
not make is never touched. What could not be deleted is tried again, and what an earlier run
left behind is found by its mark.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from pipeline import metrics
from pipeline.bounds import ELEVENLABS_CLONES_MAX
from pipeline.ports import EngineError

if TYPE_CHECKING:
    from elevenlabs.types import Voice as VendorVoice

log = logging.getLogger(__name__)

LEFT_OVER_S = 6 * 3600.0
"""A marked voice that is older was left by a run that broke off; a younger one may be in use
by another process of this installation."""

_MADE_BY = "made_by"
_MADE_AT = "made_at"
_KEPT_BY = "kept_by"
_MARK = "mark"


class Clones:
    """``delete`` deletes one voice at the vendor and raises EngineError when it cannot."""

    def __init__(self, installation: str, delete: Callable[[str], Awaitable[None]]) -> None:
        self._installation = re.sub(r"\s", "-", installation)
        self._delete = delete
        self._slots: int | None = None
        self._used_by_others = 0
        self._ours: OrderedDict[str, int] = OrderedDict()
        """Voice → clauses being spoken with it; the one used longest ago comes first."""
        self._lost: OrderedDict[str, None] = OrderedDict()
        self._to_delete: OrderedDict[str, None] = OrderedDict()
        metrics.track_queue("elevenlabs_clones", self, lambda clones: len(clones._ours))

    # Marks ----------------------------------------------------------------------------

    def labels(self, now: float) -> dict[str, str]:
        return {_MADE_BY: self._installation, _MADE_AT: str(round(now))}

    def description(self, now: float) -> str:
        """The mark once more: the vendor documents labels of a few fixed names only."""
        return f"{_MADE_BY} {self._installation} {_MADE_AT} {round(now)}"

    def lasting_labels(self, mark: str) -> dict[str, str]:
        """Of a voice that outlasts every run: it is none of those that a run leaves behind."""
        return {_KEPT_BY: self._installation, _MARK: mark}

    def lasting_description(self, mark: str) -> str:
        return f"{_KEPT_BY} {self._installation} {_MARK} {mark}"

    def has_mark(self, voice: VendorVoice, mark: str) -> bool:
        """Whether this installation made the voice under that mark, to last."""
        labels: Mapping[str, str] = voice.labels or {}
        by_label = labels.get(_KEPT_BY) == self._installation and labels.get(_MARK) == mark
        return by_label or (voice.description or "") == self.lasting_description(mark)

    def made_at(self, voice: VendorVoice) -> float | None:
        """When this installation made a voice, unix time; None for anybody else's."""
        labels: Mapping[str, str] = voice.labels or {}
        if labels.get(_MADE_BY) == self._installation:
            made = labels.get(_MADE_AT, "")
        else:
            mark = re.fullmatch(rf"{_MADE_BY} (\S+) {_MADE_AT} (\d+)", voice.description or "")
            if mark is None or mark[1] != self._installation:
                return None
            made = mark[2]
        return float(made) if made.isdecimal() else float(voice.created_at_unix or 0)

    # Keeping count --------------------------------------------------------------------

    def know(self, slots: int, used: int) -> None:
        """How many voices the plan stores, and how many are stored already."""
        self._slots = slots
        self._used_by_others = max(0, used - len(self._ours) - len(self._to_delete))

    def find_left_over(self, voices: Iterable[VendorVoice], now: float) -> None:
        """Of all the account's voices, have those deleted that an earlier run left."""
        for voice in voices:
            made = self.made_at(voice)
            if made is not None and now - made > LEFT_OVER_S and voice.voice_id not in self._ours:
                self._used_by_others = max(0, self._used_by_others - 1)
                self._delete_later(voice.voice_id)

    @property
    def full(self) -> bool:
        """Whether the vendor would refuse another one, as far as is known."""
        if self._slots is None:
            return len(self._ours) >= ELEVENLABS_CLONES_MAX
        stored = self._used_by_others + len(self._ours) + len(self._to_delete)
        return stored >= self._slots or len(self._ours) >= ELEVENLABS_CLONES_MAX

    def add(self, voice_id: str) -> None:
        self._ours[voice_id] = 0

    def begin(self, voice_id: str) -> None:
        """A clause is about to be spoken with it."""
        if voice_id in self._ours:
            self._ours[voice_id] += 1
            self._ours.move_to_end(voice_id)

    def end(self, voice_id: str) -> None:
        if voice_id in self._ours:
            self._ours[voice_id] -= 1

    def lose(self, voice_id: str) -> None:
        """The vendor does not have it any more."""
        self._ours.pop(voice_id, None)
        self._to_delete.pop(voice_id, None)
        self._forget(voice_id)

    def is_lost(self, voice_id: str) -> bool:
        """Whether a clone was deleted or has gone: its base voice speaks instead."""
        return voice_id in self._lost

    # Deleting -------------------------------------------------------------------------

    async def make_room(self) -> bool:
        """Delete what is waiting to be, or else the clone used longest ago that no clause is
        being spoken with; False when nothing of ours could be deleted."""
        if await self.sweep():
            return True
        for voice_id, speaking in list(self._ours.items()):
            if not speaking:
                return await self.forget(voice_id)
        return False

    async def forget(self, voice_id: str) -> bool:
        """Delete one of ours now or, if that fails, later; whether it is deleted."""
        if self._ours.pop(voice_id, None) is None:
            return False
        self._forget(voice_id)
        self._delete_later(voice_id)
        return bool(await self._try(voice_id))

    async def forget_all(self, voices: Iterable[str]) -> None:
        for voice_id in list(voices):
            await self.forget(voice_id)
        await self.sweep()

    async def sweep(self) -> int:
        """Try again what could not be deleted; how many were."""
        return sum([await self._try(voice_id) for voice_id in list(self._to_delete)])

    async def _try(self, voice_id: str) -> bool:
        try:
            await self._delete(voice_id)
        except EngineError as error:
            log.info("voice not deleted", extra={"voice": voice_id, "code": error.code})
            return False
        self._to_delete.pop(voice_id, None)
        return True

    def _delete_later(self, voice_id: str) -> None:
        self._to_delete[voice_id] = None
        while len(self._to_delete) > ELEVENLABS_CLONES_MAX:
            self._to_delete.popitem(last=False)

    def _forget(self, voice_id: str) -> None:
        self._lost[voice_id] = None
        while len(self._lost) > ELEVENLABS_CLONES_MAX:
            self._lost.popitem(last=False)
