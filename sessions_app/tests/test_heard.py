"""A client that begins anew counts anew."""

from __future__ import annotations

from pipeline.wire import CueFrame
from sessions_app.socket_client.heard import Heard


def test_after_a_resume_that_found_nothing_messages_and_cues_count_from_0() -> None:
    heard = Heard()
    heard.take(CueFrame(sequence=0, cue=7, media_time_us=0, last=False, pcm=bytes(200)))
    assert (heard.sequence, heard.cue, heard.cue_samples) == (0, 7, 100)
    heard.take({"type": "resumed", "sequence": -1, "how": "new"})
    assert (heard.sequence, heard.cue, heard.cue_samples) == (-1, 0, 0)
