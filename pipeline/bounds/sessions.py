"""Bounds of the socket, those who follow, and sessions."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import MIB

with group("Socket"):
    SOCKET_MESSAGE_MAX_BYTES = bound(
        "socket_message",
        4 * MIB,
        "bytes",
        "an incoming message",
        "thrown away while it arrives; `message_too_long`",
    )
    TEXT_MAX_CHARACTERS = bound(
        "socket_text", 2 * MIB, "characters", "a JSON message", "`message_too_long`"
    )
    SOCKET_WAITING_MAX = bound(
        "socket_waiting",
        256,
        "messages",
        "messages that the session has not taken",
        "the client is not read; what its last packet held still comes in",
    )
    SOCKET_WAITING_MAX_BYTES = bound(
        "socket_waiting_bytes",
        2 * SOCKET_MESSAGE_MAX_BYTES,
        "bytes",
        "the same, their sizes together",
        "the client is not read; what its last packet held still comes in",
    )
    EARLY_MAX_BYTES = bound(
        "socket_early", 64 * 1024, "bytes", "what comes before the handshake", "the end"
    )
    REASON_MAX_BYTES = bound("socket_reason", 123, "bytes", "the words of a close", "cut off")
    LOBBY_S = bound(
        "lobby", 5.0, "seconds", "a connection that has not said who it is", "it is closed"
    )
    AUTHENTICATE_S = bound(
        "authenticate", 4.0, "seconds", "looking a token or ticket up", "`database_away`"
    )
    BURST_S = bound(
        "messages_at_once", 10.0, "seconds", "worth of messages at once", "left out, `too_fast`"
    )
    ANSWERS_PER_SECOND = bound(
        "answers",
        20.0,
        "messages a second",
        "answers to messages that are no good",
        "left out",
    )
    EXCESS_MAX = bound(
        "messages_in_excess",
        20_000,
        "messages",
        "messages beyond the rate that one connection may send",
        "it is closed",
    )
    SLOW_MAX = bound(
        "slow_lane",
        64,
        "messages",
        "messages behind a file that is being decoded",
        "lost, `too_fast`",
    )
    SLOW_MAX_BYTES = bound(
        "slow_lane_bytes",
        8 * MIB,
        "bytes",
        "files in messages that wait to be decoded",
        "the newest message goes, with `too_fast`",
    )
    WAITING_MAX = bound(
        "outbox_waiting",
        256,
        "messages",
        "messages for the client that have no number yet",
        "the run waits; answers are left out",
    )
    WAITING_MAX_BYTES = bound(
        "outbox_waiting_bytes",
        MIB,
        "bytes",
        "the same, their sound together; their text is small by its own bounds",
        "as above, once one message has gone over it",
    )
    KEPT_MAX = bound(
        "outbox_kept",
        2048,
        "messages",
        "numbered messages kept for a client that comes back",
        "the oldest that was sent goes; while the client is away the run waits",
    )
    KEPT_MAX_BYTES = bound(
        "outbox_kept_bytes",
        MIB,
        "bytes",
        "the same, their sizes together: about 23 s of dub",
        "as above, once one message has gone over it",
    )
    TOLD_MAX = bound(
        "told_again",
        256,
        "messages",
        "messages that another process would tell again",
        "the newest count",
    )
    PING_ID_MAX = bound("ping_id", 256, "characters", "what a ping wants back", "`message_invalid`")
    LANGUAGE_MAX = bound(
        "language_code", 64, "characters", "a client's language code", "`message_invalid`"
    )
    SPEAKER_ID_MAX = bound(
        "speaker_id", 64, "characters", "a client's name for a speaker", "`speaker_id_invalid`"
    )
    QUOTED_MAX = bound(
        "message_quoted",
        200,
        "characters",
        "what is said of a message that is wrong, which may quote it",
        "the middle is cut out",
    )
    GLOSSARY_MAX_TERMS = bound("glossary", 2000, "terms", "a run's glossary", "`glossary_too_long`")
    GLOSSARY_TERM_MAX = bound(
        "glossary_term",
        200,
        "characters",
        "a term of a glossary, and as much what it becomes",
        "`message_invalid`",
    )
    GLOSSARY_MAX_CHARACTERS = bound(
        "glossary_length",
        100_000,
        "characters",
        "a run's glossary, both languages together",
        "`glossary_too_long`",
    )
    VOICE_SAMPLES_MAX = bound(
        "voice_samples", 20, "samples", "samples of one voice", "`voice_samples_count`"
    )
    VOICE_SAMPLES_MAX_S = bound(
        "voice_samples_length", 120.0, "seconds", "samples of one voice", "`voice_samples_long`"
    )

with group("Following"):
    FOLLOWERS_MAX = bound(
        "followers", 16, "sessions", "sessions that follow one", "`followers_full`"
    )
    FOLLOWING_KEPT_MAX = bound(
        "following_kept",
        128,
        "lines",
        "lines of the followed run, for a follower that comes back",
        "the oldest is forgotten; a follower is told how many it missed",
    )
    FOLLOWING_WAITING_MAX = bound(
        "following_waiting",
        128,
        "lines",
        "lines of the followed run that a follower has not taken: the followed never wait",
        "the oldest goes and is told (`lines_missed`)",
    )
    FOLLOWING_ITEMS_MAX = bound(
        "following_items",
        512,
        "items",
        "lines, translations and times on their way to another process, or before a follower's "
        "engines are ready",
        "the oldest goes; the follower joins again behind the last line it has",
    )
    FOLLOWING_HEARTBEAT_S = bound(
        "following_heartbeat",
        2.0,
        "seconds",
        "silence of the process whose session is followed",
        "an empty message is sent",
    )
    FOLLOWING_SILENCE_S = bound(
        "following_silence",
        6.0,
        "seconds",
        "waiting for the process whose session is followed",
        "the session is looked for again",
    )
    FOLLOWING_RENEWED_S = bound(
        "following_renewed",
        20.0,
        "seconds",
        "telling a follower in another process that does not say that it lives",
        "it is told no more",
    )
    FOLLOWING_SEARCH_S = bound(
        "following_search",
        10.0,
        "seconds",
        "looking for a followed session that has moved, on top of the resume time",
        "`leader_left`",
    )
    FOLLOWING_ASKED_S = bound(
        "following_asked",
        1.5,
        "seconds",
        "the answer of the process whose session is to be followed",
        "asked again",
    )
    FOLLOWING_ALLOWED_S = bound(
        "following_allowed",
        60.0,
        "seconds",
        "following without asking again whether one still may",
        "asked again",
    )

with group("Sessions"):
    RUNS_MAX = bound(
        "runs_waiting", 4, "runs", "runs that wait for the one before them", "`too_many_runs`"
    )
    START_S = bound("run_start", 30.0, "seconds", "the engines of a run", "`start_timeout`")
    FINISH_S = bound(
        "run_finish", 60.0, "seconds", "from the last audio to the summary", "`finish_timeout`"
    )
    LATE_MAX_S = bound(
        "loop_lag", 0.75, "seconds", "the event loop's lateness", "no session is taken"
    )
    LAGS_KEPT_MAX = bound(
        "loop_lags", 64, "samples", "samples of the loop's lateness", "the oldest is forgotten"
    )
    HAND_OVER_S = bound(
        "hand_over",
        1.5,
        "seconds",
        "another process putting a session down",
        "it is taken for dead",
    )
    HEAR_S = bound("mailbox", 30.0, "seconds", "listening to other processes", "listened again")
    DATABASE_S = bound(
        "session_opened", 4.0, "seconds", "opening a session in the database", "`database_away`"
    )
    QUOTA_PORTION_S = bound(
        "quota_portion",
        60.0,
        "seconds",
        "source that a session reserves ahead of the day's limit",
        "it reserves the next portion",
    )
    QUOTA_GRACE_S = bound(
        "quota_grace",
        60.0,
        "seconds",
        "source dubbed beyond what is reserved while the database does not answer",
        "`quota_exceeded`",
    )
    OUTBOX_FLUSH_S = bound(
        "outbox_flush",
        2.0,
        "seconds",
        "sending what is left before a session moves",
        "it is kept for the next process",
    )
