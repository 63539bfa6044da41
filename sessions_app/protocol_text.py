"""What the schemas cannot say: how the messages of the socket go together.

CommonMark, but only what the page can show: paragraphs, lists, code in backticks.
"""

from __future__ import annotations

OVERVIEW = (
    "Sound goes in while it is being spoken; about a second after each clause its dub comes "
    "back, in order, in a voice shaped after the person who spoke. This describes the one "
    "socket over which that happens."
)

GUIDE = {
    "Connect": """
Open a WebSocket at `/ws/{connection_id}/{session_id}` and offer a subprotocol: `dub.v1` when
you can read binary frames, which carry sound without base64, or `dub.json` when everything
should be JSON. Without either it is JSON.

Everything but sound is a JSON object with a `type`. Fields that the server does not know are
not read; leave aside what you do not know, too: fields and messages may be added to a
version, but never change their meaning or go. What the server cannot take is answered by an
`error` with a stable `code`, and the session lives on. Before the server closes the socket
of its own accord it says why in a `closing` message.
""",
    "Log in": """
The first of these that is there counts, and one that is wrong is refused, never replaced by
another:

- a header `Authorization: Token <token>` (or `Bearer <token>`), for programs;
- a subprotocol `token.<token>` beside `dub.v1`, for programs in a browser, which cannot set
headers. It is never sent back;
- a subprotocol `ticket.<ticket>` beside `dub.v1`, for pages and extensions that should not
hold a token: `POST /api/ticket` gives a ticket, which opens one connection within 30 seconds;
- the portal's login cookie, from the portal's own pages only;
- an `authenticate` message, sent first and within 5 seconds of connecting, for clients that
can say nothing in the handshake.
""",
    "Dub": """
Say `start_dubbing`, and the server answers `ready`, or an `error` that names what there is.
Then send sound as it comes: mono PCM16 of the rate you named, in short chunks (1024 samples
do well), each with its number and the media time of its first sample. A chunk that lasts
longer than the server's `MAX_CHUNK_DURATION`, 1 s unless set otherwise, is refused. At the
end say `stop_dubbing`; what was said is still dubbed, and a `summary` ends the run. The same
connection may then start another.

Each clause becomes a line: its `transcript`, its `translation`, then a `cue` with its place on
the media clock, its sound, and `cue_end`. A line that will not be heard is `skipped`, or
`merged` into another. Lines come out in the order in which they were spoken. Times in `*_s`
are seconds on the media clock, those in `*_ms` are milliseconds of wall time.

A media time that jumps back by more than a second is a seek: the run ends as if stopped and
another one starts.
""",
    "Come back": """
A connection may break; the session need not. Connect again to the same address with three
more things in the query: `resume`, the `sequence` of the last server message that came (-1 for
none); `cue`, the number of the first cue whose sound is not complete; and `samples`, how many
of its samples have come. The first answer is `resumed`, which says how the session goes on.
What was missed follows, with the numbers it had: nothing is lost, nothing is said twice.

For this each side keeps what the other has not confirmed. Keep your chunks until an
`acknowledgement` names them, and send those after its `chunk` again. Say `acknowledge` now and
then, so that the server need not keep what you have. Give `start_dubbing`, `stop_dubbing` and
`create_voice_clone` a `number`: sent again after a break, they do not count twice.
""",
}

PARAMETERS = {
    "connection_id": "A name of your own for this connection, for the server's log: 1 to 64 "
    "letters, digits, `_`, `.` or `-`.",
    "session_id": "UUID of the session. One that does not exist yet is made and belongs to you.",
}

QUERY = {
    "resume": (
        -1,
        "Asks to resume: `sequence` of the last server message received, -1 for none.",
    ),
    "cue": (0, "Number of the first cue whose sound is not complete."),
    "samples": (0, "How many of that cue's samples have come."),
}
"""Name → (least value, meaning)."""

FRAME = (
    "A header of fixed size, little-endian, then sound: mono PCM16 little-endian. "
    "Only on connections with the subprotocol `dub.v1`."
)
SOURCE_FRAME = "Source sound, from the client, at the rate that `start_dubbing` named."
CUE_FRAME = "A block of a cue's sound, from the server, at the rate that its `cue` named."

LAYOUT = (
    ("kind", "B", "1: source sound, from the client. 2: cue sound, from the server."),
    ("flags", "B", "Bit 0 is set on the last block of a cue; all other bits are zero."),
    ("reserved", "H", "Zero."),
    (
        "sequence",
        "I",
        "From the client: number of the chunk, from 0, no gaps. From the server: number of the "
        "message, counted together with the JSON ones.",
    ),
    ("cue", "I", "Number of the cue; zero in source sound."),
    ("media_time", "Q", "Media time of the first sample in microseconds, at most 2^53."),
)
"""Field, its letter in Python's struct, meaning."""
