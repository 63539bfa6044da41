"""What the address of a socket says: which session, and how far its client has got. Pure."""

from __future__ import annotations

import re
import uuid
from urllib.parse import parse_qs

from pipeline.handover.snapshot import Delivered
from sessions_app.live.closing import ClosedError
from sessions_app.live.conversation import Place
from sessions_app.protocol.messages import CloseCode

_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_COUNT = re.compile(r"-1|[0-9]{1,15}")


def session_id_of(parts: dict[str, str]) -> uuid.UUID:
    """The session's id when both parts of the path are well formed; raises ClosedError."""
    try:
        if _CONNECTION_ID.fullmatch(parts["connection_id"]):
            return uuid.UUID(parts["session_id"])
    except ValueError:
        pass
    raise ClosedError(CloseCode.BAD_ADDRESS, "bad_address", "The address is /ws/<name>/<uuid>.")


def place_of(query: bytes) -> Place | None:
    """How far a client that asks to resume has got; raises ClosedError."""
    asked = parse_qs(query.decode("ascii", errors="replace"), keep_blank_values=True)
    if "resume" not in asked:
        return None
    given = [asked.get(name, ["0"])[-1] for name in ("resume", "cue", "samples")]
    if not all(map(_COUNT.fullmatch, given)) or min(map(int, given[1:])) < 0:
        raise ClosedError(
            CloseCode.BAD_ADDRESS,
            "bad_resume",
            "Resume with ?resume=<last message>&cue=<first incomplete>&samples=<of it>.",
        )
    sequence, cue, samples = map(int, given)
    return Place(sequence, Delivered(cue=cue, samples=samples))
