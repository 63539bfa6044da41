"""Bounds of what is stored, and how long somebody waits for it."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import MIB

with group("Storage"):
    LINES_UNWRITTEN_MAX = bound(
        "lines_unwritten",
        1000,
        "lines",
        "finished lines waiting for the database",
        "the oldest goes and is counted (`lost_lines`)",
    )
    BATCH_MAX = bound("lines_written", 100, "lines", "lines in one write", "the next write")
    UNWRITTEN_MAX = bound(
        "lines_moved",
        200,
        "lines",
        "unwritten lines that move with a session",
        "the newest count",
    )
    JOURNAL_CALL_S = bound(
        "record_call", 4.0, "seconds", "a write of a session's record", "tried again, or told"
    )
    JOURNAL_FLUSH_S = bound(
        "record_flush", 3.0, "seconds", "writing what is left at an end", "`record_incomplete`"
    )
    USE_MOVE_S = bound(
        "use_moved",
        0.5,
        "seconds",
        "writing what a session used before it moves",
        "it moves along and is written by the next process",
    )
    MEMORY_CALL_S = bound(
        "speaker_memory",
        3.0,
        "seconds",
        "asking who a speaker is, or keeping what was heard",
        "nobody is known, and it is not kept",
    )
    ACTOR_CANDIDATES_MAX = bound(
        "actor_candidates", 24, "actors", "actors that one voice is compared with", "the nearest"
    )
    VOICEPRINTS_OF_ACTOR_MAX = bound(
        "voiceprints_of_actor",
        400,
        "voiceprints",
        "voiceprints of one actor that are looked at, and beyond which no more are kept",
        "the newest count; further ones are not kept",
    )
    REFUSALS_MAX = bound(
        "refused_speakers",
        64,
        "speakers",
        "speakers that a person said an actor is not, compared with a new voice",
        "the newest count",
    )
    USE_OWED_MAX = bound(
        "use_owed",
        8,
        "writes",
        "unfinished writes of use that a session takes along",
        "the oldest is lost, and logged",
    )
    USE_DAYS_MAX = bound("use_days", 366, "days", "days of one look at the usage", "asked for anew")
    RESERVATIONS_KEPT_S = bound(
        "reservations_kept",
        86400,
        "seconds",
        "a closed reservation, which knows what of its session was written",
        "deleted",
    )
    ORM_CALLS_MAX = bound(
        "orm_calls",
        256,
        "calls",
        "live sessions' database calls under way or waiting",
        "refused as if the database were away",
    )
    ORM_THREADS = bound("orm_threads", 2, "threads", "threads of these calls", "calls wait")
    ORM_CLOSE_S = bound("orm_close", 10.0, "seconds", "closing their connections", "an error")
    SHELF_CALL_S = bound(
        "shelf_call", 0.5, "seconds", "a call to Redis about a session", "it went wrong"
    )
    REDIS_CONNECTIONS_MAX = bound(
        "redis_connections", 32, "connections", "connections to Redis of a loop", "it went wrong"
    )
    CACHE_LOOK_S = bound(
        "cache_look", 0.05, "seconds", "a look into the cache", "as if nothing were there"
    )
    CACHE_PUTS_MAX = bound(
        "cache_puts", 256, "texts", "texts on their way into the cache", "the text is not kept"
    )
    KEPT_VOICE_MAX_BYTES = bound(
        "kept_voice", MIB, "bytes", "a shaped voice that is kept", "it is not kept"
    )
    VOICE_LOOK_S = bound(
        "voice_look", 1.0, "seconds", "looking for a shaped voice", "it is shaped anew"
    )
    VOICE_PUTS_MAX = bound(
        "voice_puts", 16, "voices", "voices on their way into the cache", "the voice is not kept"
    )
    CACHE_AWAY_S = bound(
        "cache_away", 5.0, "seconds", "leaving a cache alone that did not answer", "asked again"
    )
    SHELF_RESTART_S = bound(
        "shelf_restart", 45, "seconds", "a server's restart, on top of the resume time", "too late"
    )
    STATE_MAX_BYTES = bound(
        "shelf_state",
        MIB,
        "bytes",
        "what is put down of a session",
        "not put down: a crash then costs the session",
    )
    PAGE_MAX = bound("page", 200, "rows", "a page of the interface", "asked for anew")
    SPEAKER_NAMES_MAX = bound(
        "speaker_names", 64, "names", "named speakers of one session", "refused"
    )
    SPEAKER_NAME_MAX = bound("speaker_name", 64, "characters", "a speaker's name", "refused")
    QUERY_WORDS_MAX = bound("query_words", 12, "words", "a search", "the rest is left out")
    ADMIN_ROWS_MAX = bound(
        "admin_rows",
        10_000,
        "rows",
        "what a list of the administration counts and shows",
        "the rest is left out: search narrows it",
    )
    FOUND_MAX = bound("found", 10_000, "sessions", "what a search finds", "the rest is left out")
    SESSION_WORDS_MAX = bound(
        "session_words",
        20_000,
        "words",
        "different words by which one session is found",
        "later ones do not find it",
    )
    EXAMPLE_MAKING_S = bound(
        "example", 300, "seconds", "making the front page's example", "it is begun anew"
    )
    INCIDENTS_WAITING_MAX = bound(
        "incidents_waiting", 100, "codes", "errors and notices to be noted", "not noted"
    )
    INCIDENTS_MAX = bound(
        "incidents", 500, "codes", "errors and notices kept of one session", "not noted"
    )
    PAGE_USUAL = bound(
        "page_usual", 50, "rows", "a page when no size is asked for", "asked for anew"
    )
    TITLE_WISH_MAX = bound(
        "title_wish",
        2_000,
        "characters",
        "the id, name or address of a title in `start_dubbing`",
        "`message_invalid`",
    )
    SESSION_TITLE_MAX = bound("session_title", 200, "characters", "a session's title", "refused")
    SEARCH_MAX_CHARACTERS = bound(
        "search", 200, "characters", "words that sessions or lines are searched for", "refused"
    )
    TRANSCRIPT_LINES_MAX = bound(
        "transcript_lines",
        100_000,
        "lines",
        "lines of an exported transcript, of figures, and that are searched",
        "left out",
    )
    STATISTICS_INTERVALS_MAX = bound(
        "statistics_intervals", 90, "intervals", "a session's figures over time", "they are longer"
    )
    IDEMPOTENT_KEPT_S = bound(
        "idempotent_kept", 86_400, "seconds", "an answer kept for its Idempotency-Key", "forgotten"
    )
    IDEMPOTENT_RUN_S = bound(
        "idempotent_run",
        60,
        "seconds",
        "a creation with an Idempotency-Key under way",
        "its process counts as dead: the next request with the key does it",
    )
    IDEMPOTENT_MAX = bound(
        "idempotent",
        10_000,
        "answers",
        "answers kept for one person's Idempotency-Keys",
        "the oldest are forgotten",
    )
    IDEMPOTENT_ANSWER_CHARS = bound(
        "idempotent_answer",
        65_536,
        "characters",
        "an answer kept for its Idempotency-Key",
        "the creation is undone, `internal_error`",
    )
    TOKENS_MAX = bound("tokens", 50, "tokens", "tokens of one person", "refused")
    TICKETS_MAX = bound("tickets", 50, "tickets", "unused tickets of one person", "the oldest goes")
    TICKET_S = bound("ticket", 30.0, "seconds", "a ticket's life", "it counts no more")
    PAIRING_CODE_S = bound(
        "pairing_code", 600.0, "seconds", "a pairing code's life", "it counts no more"
    )
    PAIRING_CODES_MAX = bound(
        "pairing_codes", 3, "codes", "unused pairing codes of one person", "the oldest goes"
    )
    TEAMS_MAX = bound("teams", 50, "teams", "teams of one person", "refused")
    MEMBERS_MAX = bound("members", 200, "people", "a team, those invited included", "refused")
    INVITATION_DAYS = bound("invitation", 7, "days", "an invitation's life", "it counts no more")
    EXPORT_MAX_BYTES = bound(
        "data_export", 2048 * MIB, "bytes", "a copy of one person's data", "it fails, and says so"
    )
    EXPORT_DAYS = bound("data_export_kept", 7, "days", "how long such a copy is kept", "deleted")
    PREFERRED_LANGUAGES_MAX = bound(
        "preferred_languages",
        50,
        "languages",
        "languages that are always or never dubbed",
        "refused",
    )
    GLOSSARIES_MAX = bound("glossaries", 50, "glossaries", "glossaries of one person", "refused")
    GLOSSARY_TERMS_MAX = bound(
        "glossary_kept", 2000, "terms", "terms of one kept glossary", "refused"
    )
    GLOSSARY_FILE_MAX_BYTES = bound(
        "glossary_file", 2 * MIB, "bytes", "a glossary's CSV file", "refused"
    )
    GLOSSARY_READ_S = bound(
        "glossary_read", 2.0, "seconds", "reading kept terms when a run starts", "it goes without"
    )
