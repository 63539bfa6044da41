"""What is under check, and what the steps know and learn of it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.providers.scripted.sounds import silence, utterances
from pipeline.sound.demo_clip import write_clip
from pipeline.sound.media import open_media
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.protocol_check.probe import Probe, StepFailedError, probe

SPEECH_S = 8.0
"""Of a recording; two clauses at least."""
VOICE_SAMPLE_S = 12.0


class NotCheckedError(Exception):
    """A step that cannot be done here; the text says what it would need."""


@dataclass
class Subject:
    server: str
    """Like ``ws://127.0.0.1:8000``."""
    token: str
    source: str
    target: str
    clip: Path
    """Recording for engines that understand; the demo's is made when it is missing."""
    foreign_session: str | None = None
    """Somebody else's session."""
    dubbed: Probe | None = None
    """The connection on which the first stretch was dubbed; its messages are looked at later."""
    engines: dict[str, str] | None = None
    """Role → name, as the server says when dubbing starts."""

    @property
    def http(self) -> str:
        """The server's address for everything but sockets."""
        return self.server.replace("ws", "http", 1)

    def open(self, **how: Any) -> AbstractAsyncContextManager[Probe]:
        """A connection with our token."""
        return probe(self.server, token=self.token, **how)

    @property
    def scripted(self) -> bool:
        if self.engines is None:
            raise StepFailedError("dubbing that starts", "no ready message in an earlier step")
        return self.engines.get("recognition", "").startswith("scripted")

    @property
    def term(self) -> str:
        """A word of the speech that the server's engines hear in ours."""
        return "word3" if self.scripted else "morning"

    def speech(self) -> Pcm:
        """A few seconds that the server's engines take for speech, then a pause."""
        if self.scripted:
            return utterances((2.0, 140.0), (2.5, 140.0))
        return np.concatenate([self._recording(SPEECH_S), silence(1.0)])

    def voice_sample(self) -> Pcm:
        """One person's speech, long enough for a clone."""
        if self.scripted:
            return utterances((VOICE_SAMPLE_S, 140.0), pause_s=0.2)
        return self._recording(VOICE_SAMPLE_S)

    def earlier(self) -> Probe:
        """What was dubbed; fails when nothing was."""
        if self.dubbed is None:
            raise StepFailedError("a stretch that was dubbed", "nothing in an earlier step")
        return self.dubbed

    def _recording(self, seconds: float) -> Pcm:
        if not self.clip.exists():
            write_clip(self.clip)
        pcm = np.concatenate(list(open_media(self.clip).blocks()))
        return pcm[: round(seconds * SAMPLE_RATE_HZ)]
