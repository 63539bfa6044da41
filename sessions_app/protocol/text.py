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
of its own accord it says why in a `closing` message, except where there is nobody to say it:
with 4404, and with 1012 when it is about to stop. A `notice` needs no answer.
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
- an `authenticate` message with a token or a ticket, sent first and within 5 seconds of
connecting, for clients that can say nothing in the handshake. Nothing answers it when it is
good: go on at once.

Browsers say which page opens a socket, in the header `Origin`. Pages of the very host that they
connect to may, and so may extensions, with a credential; for any other origin the server's
`ALLOWED_ORIGINS` must name it, such as `https://app.example.org`, or all of a scheme, such as
`chrome-extension://*`, which stands there unless it is set. Otherwise even a good credential is
refused with `origin_not_allowed`. Programs send no `Origin` and need nothing.
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

Say in `title` what is dubbed, by its address, name or id: who was heard in it before is looked
for first. `identity` tells who a speaker is; `identify_speaker` says who it really is. Sound is
heard and forgotten, but `keep_sample` keeps what a speaker said in the last 12 seconds, 3 s of it
at least, as a sample of an actor who has consented to that. The answer is `sample_kept`, or an
`error` that says what is missing. A follower hears no sound, and has nothing to keep.

A client that starts anew because its listener has gone somewhere else in the source, or has
changed what is wanted, says so with `discard`: then what was said and is not dubbed yet is
`skipped` with the reason `discarded`, nothing more is asked of any engine for it, and the new
run does not wait for the old one. `stop_dubbing` has it too, for a pause. A cue that has begun
gets its `cue_end` where its sound breaks off.

While a file of yours is dubbed or exported (`/api/projects`), `job` tells how far it is.
""",
    "Text of the source": """
A client that has the text of what is said, such as a page with subtitles, can send it ahead of
the sound in `source_text` messages. Each names a stretch of the source, in media time, and all
that is said in it; send the next ten to thirty seconds, and again whatever has changed. Where
the text is known nothing is recognised: each piece becomes a line with the very words it has,
once its sound has come, for who says it is found from the sound. A piece that lasts longer than
3 s is cut at its marks. Its translation is made before it has been said. Speech outside the
stretches is recognised as ever.

With `source_text` in `start_dubbing` the source may also be in a language that nothing here
recognises. The notice `recognizer_missing` then says that only the text is dubbed; a piece that
comes up to 8 s behind its sound is taken as well. A message replaces what earlier ones told to
end later than its `from_s`, so a player that stalls tells it again at its new times; with
`until_s` as `from_s` everything is taken back. Text belongs to one run: after each
`start_dubbing` send it again. What waits is at most 256 pieces.
""",
    "Follow": """
Several listeners may hear one live source, each with their own voices. One session, the leader,
sends the sound and dubs as above. Others say `follow_dubbing` with its id and send no sound: they
get its lines as they are committed and translated, from the next one on, and the server has them
spoken for each follower apart, with its own `preserve_voice`, engine, pace and backlog. How loud
the dub and the original are is the client's own affair. So the source is recognised and translated
once, and counts once: a follower uses neither minutes of `MAX_MINUTES_PER_DAY` nor characters
translated, only what is spoken to it, which `MAX_COST_PER_DAY` limits. Followers are sessions like
any other: they count for `MAX_SESSIONS_PER_USER`, hold a minute reserved while they are connected,
come back after a break, and have a record.

You may follow your own sessions and those shared with a team of yours: the leader names it as
`team` in `start_dubbing` or `POST /api/sessions`. `GET /api/sessions/live` lists what you may
follow now. Anything else is answered by `follow_unknown`, whether it exists or not. At most 16
follow one session.

The answer is `ready`, whose `follows` is the leader and whose languages are the leader's. When the
leader stops, what was said is dubbed and a `summary` ends the run; when it starts again, in
whatever language, another `ready` follows by itself, until you say `stop_dubbing` or
`start_dubbing`. While the leader's client is away, or the leader moves to another server process,
you wait: the notices `leader_away` and `leader_back` say so, and no line is lost. `leader_left`
says that it has ended, or that you may not follow it any more. A follower that is slow is behind
alone: lines are merged and skipped for it, never for the leader or for others.
""",
    "Come back": """
A connection may break; the session need not. Once `start_dubbing` was said, it goes on without
its client for `RESUME_SECONDS`, 15 unless set otherwise. Only close code 1000 says that you will
not come back, and ends it at once; a browser sends that for `close(1000)`, not for `close()`.

Connect again to the same address, with the same choice of `dub.v1` or JSON, a credential (a
ticket must be a new one) and three more things in the query: `resume`, the `sequence` of the
last server message that came (-1 for none); `cue`, the number of the first cue whose sound is
not complete; and `samples`, how many of its samples have come. The first answer is `resumed`. It
stands outside the count, and its `how` says how the session goes on:

- `same`: here, and nothing is lost. What came after `resume` follows, with the numbers it had.
- `moved`: another server process goes on with it. Messages are numbered on from the `resume` that
you gave. A line whose sound is not complete, or that you did not acknowledge, may be told again
with the line number it had, and so may its cue; what is told last counts. Sound goes on behind
`cue` and `samples`, never twice. A `ready` is not said again: if yours did not come, do not wait
for it. Neither are answers to `ping` and `create_voice_clone`: ask again, with a new `number`.
- `new`: nothing is left of it, and the session begins anew. The server's messages and cues are
numbered from 0 again; lines are numbered on from those on record. Send `start_dubbing` again and
then, without what you kept, sound from the live edge; your own numbers may go on.

After `same` and `moved`, send again, in the order in which they first went, the chunks after
`resumed.chunk` and the messages whose `number` is above `resumed.number`; then what is new. The
others were taken. Sent again all the same, they do not count twice.

For this each side keeps what the other may need:

- Keep the last 15 seconds of chunks, even when an `acknowledgement` names them: another process
hears again what was not yet decided on, so `resumed.chunk` may be lower than what was
acknowledged. Keep older ones until they are acknowledged.
- Give `start_dubbing`, `follow_dubbing`, `stop_dubbing`, `source_text`, `create_voice_clone`,
`identify_speaker` and `keep_sample` a `number`, counted from 1 over all of them, and keep them
until an `acknowledgement` has that number or a higher one. It is given also to a message that was
answered by an `error`.
- Say `acknowledge` now and then, every 32 messages say. The server keeps the last 2048 messages
or 1 MiB that you did not acknowledge, about 23 s of dub; while you are away dubbing waits when
there is no more room. If some are gone all the same, the notice `messages_lost` says how many.

When to come back:

- A connection that broke without a close code (1006), or with 1001, 1011 or 1012 (the server
restarts): at once, then with growing pauses. `resume` in `closing` says that the session waits.
- 1013 (overloaded, or the database is away): after some seconds.
- 1000, and everything from 4400 on: not before you have done what the table of reasons says. After
4410 above all: the session goes on over your newer connection.
""",
    "Limits": """
The server's settings can change those that are named in capitals.

- `MAX_MESSAGES_PER_SECOND`: 200 a second on one connection, and ten seconds' worth at once, so
that a resume can send what was missed. What goes beyond is left out and answered by the error
`too_fast`; after 20000 messages left out the connection is closed.
- A JSON message has at most 2 MiB; a longer one is answered by `message_too_long`.
- `MAX_CHUNK_DURATION`: a chunk or frame holds at most 1 s of sound.
- Of many messages that are no good, 20 a second are answered; the others are just not taken.
- `MAX_SESSIONS_PER_USER`: 8 sessions at once, those that wait for their client included.
- `MAX_SESSIONS`: 64 sessions on one server process, for all users; one more is refused with 1013.
- `MAX_MINUTES_PER_DAY`: minutes of source sound that one user may have dubbed a day (UTC); no
limit unless set. A session reserves them a minute ahead, so several at once share the day, and
gives back what it does not use. At the last minute comes the notice `quota_ending`, at the end
the error `quota_exceeded`: what was said is still dubbed, and dubbing cannot be started again
that day. `MAX_COST_PER_DAY` ends it in the same way when the engines have cost so much.
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
