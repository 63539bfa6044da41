"""Every bound on a queue, a buffer, a cache or a wait, in one place.

``python -m pipeline.bounds`` prints them as the tables of ``pipeline/BOUNDS.md``, with
``--check`` it compares. The socket's and the server's are here too: what is bounded is one
path. Thresholds, frame sizes and rules of decision stay where they are used.

One queue of the name ``inbox``, say, is ``dubbing_queue_size{queue="inbox"}`` in the metrics,
and its bound ``dubbing_bound{name="inbox"}``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.bounding import BOUNDS, as_markdown, bound, group, set_by

__all__ = ["BOUNDS"]

MIB = 1024 * 1024
SUBTITLE = "the line is shown as a subtitle, with `engine_timeout`"
REPLACED = "the process is killed and replaced"
WAITS = "what comes next waits"
ENGINE_ERROR = "`engine_stopped`"
TIMED_OUT = "`engine_timeout`"

with group("Hearing"):
    LIVE_MAX_S = bound(
        "inbox",
        10.0,
        "seconds",
        "live audio waiting to be heard",
        "all but the newest goes, is counted and told (`audio_dropped`)",
    )
    LIVE_LEFT_S = bound(
        "inbox_left",
        2.0,
        "seconds",
        "live audio left when the rest goes, where more than `inbox` waits",
        "it is heard next",
    )
    FILE_MAX_S = bound(
        "inbox_of_file", 1.0, "seconds", "a file's audio waiting to be heard", "the reader waits"
    )
    HELD_MAX_S = bound(
        "held_audio",
        10.0,
        "seconds",
        "audio that came before the engines were ready",
        "the oldest goes, is counted and told (`audio_dropped`)",
    )
    GAP_FILL_MAX_S = bound(
        "gap_fill", 2.0, "seconds", "missing audio taken as silence", "the media clock jumps"
    )
    TAPE_S = bound(
        "tape", 12.0, "seconds", "live audio kept for voices and clocks", "the oldest is forgotten"
    )
    TAPE_OF_FILE_S = bound(
        "tape_of_file",
        45.0,
        "seconds",
        "a file's audio kept, which is heard far ahead of being recognised",
        "the oldest is forgotten",
    )
    PIECES_WAITING_MAX = bound(
        "pieces_waiting",
        128,
        "pieces",
        "speech that the recogniser has not taken",
        "hearing waits, and then the inbox drops",
    )
    PIECES_KEPT_MAX = bound(
        "pieces_kept",
        2048,
        "pieces",
        "speech without its final, repeated should the recogniser restart",
        "the oldest that was taken is not repeated",
    )
    UTTERANCE_MAX_S = bound(
        "utterance", 15.0, "seconds", "an utterance", "it is closed and another begins"
    )
    UTTERANCES_OPEN_MAX = bound(
        "utterances_open",
        256,
        "utterances",
        "utterances whose final has not come",
        "the oldest counts as finished",
    )
    SOURCE_TEXT_MAX = bound(
        "source_text",
        256,
        "clauses",
        "text of the source that the client sent ahead of its sound",
        "what is said last is not taken",
    )
    SOURCE_TEXT_CUES_MAX = bound(
        "source_text_message",
        64,
        "subtitles",
        "subtitles in one message of a client",
        "`message_invalid`",
    )
    SOURCE_TEXT_CHARS_MAX = bound(
        "source_text_length", 1000, "characters", "one subtitle", "`message_invalid`"
    )
    SOURCE_TEXT_SPAN_MAX_S = bound(
        "source_text_span",
        120.0,
        "seconds",
        "how much of the source one message tells the text of",
        "`source_text_invalid`",
    )
    SOURCE_TEXT_SPANS_MAX = bound(
        "source_text_spans",
        16,
        "spans",
        "stretches of the source whose text is known",
        "the oldest is forgotten",
    )
    SOURCE_TEXT_LATE_S = bound(
        "source_text_late",
        8.0,
        "seconds",
        "how far a subtitle may come behind its sound",
        "it is not dubbed",
    )
    CHANNELS_MAX = bound(
        "channels", 64, "channels", "a file's sound", "`media_unreadable`, `audio_unreadable`"
    )
    FILE_RATE_MAX_HZ = bound(
        "file_rate", 768_000, "hertz", "a file's sound", "`media_unreadable`, `audio_unreadable`"
    )
    RESTARTS_MAX = bound(
        "recogniser_restarts",
        5,
        "restarts",
        "restarts of one run's recogniser within the time below",
        "the run fails",
    )
    RESTARTS_WITHIN_S = bound(
        "recogniser_restarts_within",
        60.0,
        "seconds",
        "how long a restart counts against the next ones",
        "it is forgotten",
    )

with group("Lines"):
    LINES_MAX = bound(
        "lines_waiting",
        32,
        "lines",
        "lines waiting for their turn with the synthesiser",
        "the recogniser waits",
    )
    GROUPS_MAX = bound(
        "lines_in_turn",
        32,
        "cues",
        "cues being made, made or dropped, and not yet told",
        "lines wait for their turn",
    )
    SPEAKING_MAX = bound(
        "lines_speaking",
        3,
        "requests",
        "one run's requests that are with the synthesiser: engines serve other runs too",
        "lines wait for their turn",
    )
    BACKLOG_MAX_S = bound(
        "backlog",
        4.0,
        "seconds",
        "dub scheduled beyond the live edge",
        "nothing is placed; lines later than this are shown as subtitles",
    )
    MERGED_MAX = bound("merged", 3, "lines", "lines spoken as one", "the rest is another cue")
    MERGED_CHARS = bound(
        "merged_length", 200, "characters", "lines spoken as one", "the rest is another cue"
    )
    EVENTS_MAX = bound(
        "events",
        512,
        "messages",
        "what a run tells, waiting for its listener",
        "the run waits; notices are left out from half of it on",
    )
    SENT_KEPT = bound(
        "lines_given",
        8,
        "lines",
        "lines given out completely and still known",
        "the oldest is forgotten",
    )
    TRANSLATION_S = bound("translation", 30.0, "seconds", "a line's translation", SUBTITLE)
    FIRST_SOUND_S = bound(
        "first_sound", 30.0, "seconds", "a line's speech up to its first sound", SUBTITLE
    )
    NEXT_SOUND_S = bound(
        "next_sound", 15.0, "seconds", "each further block of a line's sound", "its cue ends there"
    )
    IDENTIFY_MAX_S = bound(
        "identify", 0.4, "seconds", "finding out who speaks", "the last speaker is assumed"
    )
    ACQUAINTANCE_S = bound(
        "acquaintance",
        15.0,
        "seconds",
        "making voiceprints of a speaker's speech, beside the live path",
        "that speech is left out",
    )
    SPEAKERS_MAX = bound(
        "speakers_shaped",
        64,
        "speakers",
        "speakers whose speech is gathered for their voice",
        "later ones keep a stock voice",
    )
    SPEAKERS_KNOWN_MAX = bound(
        "speakers", 32, "speakers", "speakers told apart", "the nearest known one is taken"
    )
    VOICEPRINTS_MAX = bound(
        "voiceprints", 256, "segments", "segments kept to be corrected", "the oldest is settled"
    )
    SAMPLES_MAX = bound(
        "latencies", 4096, "lines", "latencies kept for percentiles", "a uniform sample of all"
    )
    EXPORT_MAX = bound(
        "latencies_moved", 512, "lines", "latencies in a snapshot", "a uniform sample of them"
    )
    TERMS_MAX = bound(
        "glossary_places",
        676,
        "terms",
        "glossary terms protected in one line",
        "later ones are translated like other words",
    )

with group("Guards of engines"):
    GATE_WAITING_MAX = bound(
        "gate_waiting",
        256,
        "requests",
        "requests in line for a vendor's places",
        "`vendor_busy`, or another engine",
    )
    CACHED_MAX_CHARS = bound(
        "cached_text", 1000, "characters", "a text whose translation is kept", "it is not kept"
    )
    TRANSLATION_LEG_S = bound(
        "translation_leg",
        1.5,
        "seconds",
        "one engine's translation where another can stand in",
        "the other one is asked",
    )
    FIRST_SOUND_LEG_S = bound(
        "first_sound_leg",
        2.5,
        "seconds",
        "one engine's first sound where another can stand in",
        "the other one is asked",
    )
    NEXT_SOUND_LEG_S = bound(
        "next_sound_leg",
        2.0,
        "seconds",
        "each further block of sound where another engine can stand in",
        "the other one speaks the rest",
    )
    RECOGNISER_LEGS_MAX = bound(
        "recogniser_legs",
        64,
        "engines",
        "changes of a recogniser that are not read up to",
        "it stays where it is",
    )
    PROBE_S = bound(
        "engine_probe", 5.0, "seconds", "trying a vendor again", "it is left alone longer"
    )

with group("Engines"):
    DETAIL_MAX_CHARS = bound(
        "error_detail", 300, "characters", "what a vendor said of a failure", "the rest is cut off"
    )
    STREAMS_PER_CORE = bound(
        "recogniser_streams_per_core",
        3,
        "streams",
        "recogniser streams of one server process",
        "`recognizer_busy`",
    )
    RECOGNISER_START_S = bound(
        "recogniser_start", 60.0, "seconds", "the recogniser's process to load", ENGINE_ERROR
    )
    RECOGNISER_BACKLOG_S = bound(
        "recogniser_backlog", 8.0, "seconds", "audio on its way to the search", WAITS
    )
    RECOGNISER_STALL_S = bound(
        "recogniser_stall", 30.0, "seconds", "audio without any progress", REPLACED
    )
    UNREAD_MAX = bound(
        "hypotheses_unread",
        64,
        "finals",
        "finals that nobody has read; of partials only the newest is kept",
        "the process waits",
    )
    RECOGNISER_MESSAGES_MAX = bound(
        "recogniser_messages", 256, "pieces", "pieces taken in ahead of the search", WAITS
    )
    WHISPER_PROCESSES_MAX = bound(
        "whisper_processes",
        4,
        "processes",
        "processes with a Whisper model each",
        "streams share them, and then `recognizer_busy`",
    )
    WHISPER_STREAMS_PER_PROCESS = bound(
        "whisper_streams",
        8,
        "streams",
        "streams of one Whisper process",
        "another process, or `recognizer_busy`",
    )
    WHISPER_START_S = bound(
        "whisper_start", 180.0, "seconds", "a Whisper process to load its model", ENGINE_ERROR
    )
    WHISPER_WINDOW_S = bound(
        "whisper_window",
        28.0,
        "seconds",
        "audio that Whisper decodes at once",
        "what was said in the oldest stays as it is",
    )
    WHISPER_PROMPT_MAX_CHARS = bound(
        "whisper_prompt",
        200,
        "characters",
        "what was said before, told to Whisper",
        "the oldest is left out",
    )
    WHISPER_TOKENS_MAX = bound(
        "whisper_tokens", 224, "tokens", "a window's text as Whisper spells it", "it ends there"
    )
    WHISPER_REPLIES_MAX = bound(
        "whisper_replies",
        4096,
        "replies",
        "a stream's replies that it has not read",
        ENGINE_ERROR,
    )
    MESSAGE_MAX_BYTES = bound(
        "engine_message", 16 * MIB, "bytes", "a message of an engine's process", ENGINE_ERROR
    )
    KILL_S = bound(
        "engine_kill",
        5.0,
        "seconds",
        "waiting for a process that was killed",
        "it is left to the system, and the log says so",
    )
    ESPEAK_WAITING_MAX = bound(
        "espeak_waiting", 64, "jobs", "jobs in line for espeak-ng", "`engine_busy`"
    )
    ESPEAK_WAIT_S = bound("espeak_wait", 20.0, "seconds", "a job in line", "`engine_busy`")
    ESPEAK_START_S = bound(
        "espeak_start", 15.0, "seconds", "an espeak-ng process to start", ENGINE_ERROR
    )
    ESPEAK_REPLY_S = bound("espeak_reply", 10.0, "seconds", "a job with espeak-ng", REPLACED)
    SHAPING_THREADS = bound(
        "shaping_threads", 2, "threads", "threads that shape voices", "blocks wait"
    )
    CHARACTERS_SPOKEN_MAX = bound(
        "text_spoken", 1000, "characters", "a text to speak", "`text_too_long`"
    )
    CHARACTERS_TRANSLATED_MAX = bound(
        "text_translated", 4000, "characters", "a text to translate", "`text_too_long`"
    )
    APERTIUM_PIPES_MAX = bound(
        "apertium_pipes", 2, "pipelines", "pipelines of one direction", "texts wait"
    )
    APERTIUM_IN_FLIGHT_MAX = bound(
        "apertium_in_flight", 64, "texts", "texts of one direction under way", "`engine_busy`"
    )
    APERTIUM_REPLY_S = bound("apertium_reply", 2.0, "seconds", "a text's translation", REPLACED)
    APERTIUM_START_S = bound(
        "apertium_start", 20.0, "seconds", "a pipeline's first translation", REPLACED
    )
    APERTIUM_IDLE_S = bound(
        "apertium_idle", 300.0, "seconds", "a direction without work", "its pipelines are closed"
    )
    APERTIUM_REPLY_MAX_BYTES = bound(
        "apertium_reply_size", MIB, "bytes", "a pipeline's reply", REPLACED
    )
    NAMES_MAX = bound(
        "names_learned",
        10_000,
        "words",
        "words of a language learned as names",
        "all are forgotten",
    )
    DETECTOR_THREADS = bound(
        "detector_threads", 2, "threads", "threads that look for speech", "chunks wait"
    )
    GOOGLE_AHEAD_MAX_S = bound(
        "google_ahead", 10.0, "seconds", "audio waiting to be sent to Google", WAITS
    )
    GOOGLE_KEPT_S = bound(
        "google_kept",
        45.0,
        "seconds",
        "audio kept for a stream of Google's that hears it again",
        "the oldest is not heard again",
    )
    GOOGLE_MESSAGE_MAX_BYTES = bound(
        "google_message", 15_360, "bytes", "an audio message to Google", "it is cut into more"
    )
    GOOGLE_STREAM_S = bound(
        "google_stream", 270.0, "seconds", "one stream of Google's", "another one takes over"
    )
    GOOGLE_CLOSE_S = bound(
        "google_close",
        0.6,
        "seconds",
        "an ended utterance waiting for its last words while the next is spoken",
        "it is closed; words that come later go into the next one",
    )
    GOOGLE_END_S = bound(
        "google_end", 2.5, "seconds", "a stream's last results", "another stream hears it again"
    )
    GOOGLE_STALL_S = bound(
        "google_stall",
        10.0,
        "seconds",
        "speech sent to Google without any response",
        "another stream hears it again; then `engine_timeout`",
    )
    GOOGLE_STATUS_S = bound(
        "google_status", 1.0, "seconds", "the status of a stream that broke", "`vendor_unreachable`"
    )
    GOOGLE_CONNECT_S = bound(
        "google_connect", 5.0, "seconds", "dialling Google", "`vendor_unreachable`"
    )
    GOOGLE_CALLS_PER_CONNECTION_MAX = bound(
        "google_streams_per_connection",
        80,
        "streams",
        "streams on one connection",
        "another connection is dialled",
    )
    GOOGLE_REGIONS_MAX = bound(
        "google_regions", 16, "regions", "regions with connections", "`vendor_refused`"
    )
    GOOGLE_UTTERANCES_MAX = bound(
        "google_utterances", 4096, "utterances", "utterances not closed", "the oldest is left out"
    )
    GOOGLE_LEGS_MAX = bound(
        "google_legs", 8, "streams", "streams of one source still telling", "the oldest is left"
    )
    GOOGLE_WORDS_KEPT_MAX = bound(
        "google_words", 64, "words", "words kept to join streams by", "the oldest are forgotten"
    )
    GOOGLE_ATTEMPT_S = bound(
        "google_translation_attempt", 1.5, "seconds", "one attempt to translate", "another one"
    )
    GOOGLE_TRANSLATION_S = bound(
        "google_translation", 3.0, "seconds", "a text's translation in all", SUBTITLE
    )
    ENCODER_MAX_S = bound(
        "voiceprint_audio", 30.0, "seconds", "audio of one voiceprint", "the rest is left out"
    )
    ELEVENLABS_CALL_S = bound(
        "elevenlabs_call", 10.0, "seconds", "a call about voices or the account", TIMED_OUT
    )
    ELEVENLABS_DIAL_S = bound(
        "elevenlabs_dial", 5.0, "seconds", "opening a socket", "the clause is asked for over HTTP"
    )
    ELEVENLABS_SEND_S = bound(
        "elevenlabs_send", 5.0, "seconds", "giving a socket a clause", "the socket is replaced"
    )
    ELEVENLABS_FIRST_SOUND_S = bound(
        "elevenlabs_first_sound",
        6.0,
        "seconds",
        "a clause's first sound, once it was asked for",
        "asked once more on another connection",
    )
    ELEVENLABS_NEXT_SOUND_S = bound(
        "elevenlabs_next_sound", 5.0, "seconds", "each further piece of sound", TIMED_OUT
    )
    ELEVENLABS_CANCEL_S = bound(
        "elevenlabs_cancel",
        4.0,
        "seconds",
        "the vendor to end what was cancelled",
        "the socket is replaced",
    )
    ELEVENLABS_CLONE_S = bound(
        "elevenlabs_clone", 60.0, "seconds", "the vendor to make a voice", TIMED_OUT
    )
    ELEVENLABS_CLOSE_S = bound(
        "elevenlabs_close",
        5.0,
        "seconds",
        "deleting voices and closing at the end",
        "the next start deletes what is left",
    )
    ELEVENLABS_CONTEXTS_MAX = bound(
        "elevenlabs_contexts",
        5,
        "clauses",
        "clauses of one socket, which is the vendor's own limit",
        "another socket is opened",
    )
    ELEVENLABS_SOCKETS_MAX = bound(
        "elevenlabs_sockets",
        48,
        "sockets",
        "sockets of one key, open or being opened",
        "the one idle for longest goes; if none is, `vendor_busy`",
    )
    ELEVENLABS_REDIALS_MAX = bound(
        "elevenlabs_redials",
        4,
        "attempts",
        "attempts to open a socket again that broke",
        "it is opened when it is next needed",
    )
    ELEVENLABS_IDLE_S = bound(
        "elevenlabs_idle", 600.0, "seconds", "a socket without a clause", "it is closed"
    )
    ELEVENLABS_KEEP_S = bound(
        "elevenlabs_keep", 60.0, "seconds", "a quiet socket", "it is asked for a sign of life"
    )
    ELEVENLABS_HTTP_S = bound(
        "elevenlabs_http",
        30.0,
        "seconds",
        "speaking over HTTP after a socket could not be opened",
        "sockets are tried again",
    )
    ELEVENLABS_CONNECTIONS_MAX = bound(
        "elevenlabs_connections", 40, "connections", "HTTP connections of one key", WAITS
    )
    ELEVENLABS_WAITING_MAX = bound(
        "elevenlabs_waiting",
        64,
        "clauses",
        "clauses waiting because the plan allows no more at once",
        "`vendor_busy`",
    )
    ELEVENLABS_WAIT_S = bound(
        "elevenlabs_wait", 15.0, "seconds", "a clause waiting for that", "`vendor_busy`"
    )
    ELEVENLABS_OTHERS_S = bound(
        "elevenlabs_others",
        5.0,
        "seconds",
        "how long what others ask of the account takes places from us",
        "the plan's own places count",
    )
    ELEVENLABS_MESSAGE_MAX_BYTES = bound(
        "elevenlabs_message", 4 * MIB, "bytes", "a message of a socket", "`vendor_malformed`"
    )
    ELEVENLABS_CLIP_S = bound(
        "elevenlabs_clip",
        180.0,
        "seconds",
        "sound of one clause that nobody has taken",
        "`vendor_malformed`",
    )
    ELEVENLABS_VOICES_MAX = bound(
        "elevenlabs_voices", 1000, "voices", "voices of an account looked at", "the rest is unknown"
    )
    ELEVENLABS_PACES_MAX = bound(
        "elevenlabs_paces",
        512,
        "paces",
        "learned paces, by voice and language",
        "the one used longest ago is forgotten",
    )
    ELEVENLABS_CLONES_MAX = bound(
        "elevenlabs_clones",
        256,
        "voices",
        "cloned voices of one key, and as many that are still to be deleted",
        "the one used longest ago is deleted; what is not is found at the next start",
    )
    CLONE_SAMPLE_MAX_S = bound(
        "clone_sample", 120.0, "seconds", "speech sent to make a voice", "the rest is left out"
    )
    ENGINE_SETS_MAX = bound(
        "engine_sets",
        32,
        "sets",
        "sets of engines, each for one choice and its keys",
        "the one that no run has used for longest is closed; if all are used, `engine_sets_full`",
    )
    ENGINE_SET_IDLE_S = bound(
        "engine_set_idle", 600.0, "seconds", "a set that no run uses", "it is closed"
    )
    ENGINE_SET_START_S = bound(
        "engine_set_start", 120.0, "seconds", "a set of engines to start", "`engine_timeout`"
    )
    ENGINE_SET_CLOSE_S = bound(
        "engine_set_close", 20.0, "seconds", "a set of engines to close", "it is left"
    )
    ENGINES_ASKED_S = bound(
        "engines_asked", 20.0, "seconds", "a question about languages or voices", "503"
    )
    ENGINE_CHECK_S = bound(
        "engine_check", 10.0, "seconds", "checking an engine and its key", "`engine_timeout`"
    )
    ENGINE_KEY_MAX_CHARS = bound(
        "engine_key", 16 * 1024, "characters", "a vendor's key that a person gives", "refused"
    )
    CORRECTIONS_MAX = bound(
        "corrections",
        16,
        "decisions",
        "a person's decisions about speakers that are not written yet",
        "refused, `corrections_busy`",
    )
    SEARCH_MAX_ROWS = bound(
        "voice_search",
        40_000,
        "voiceprints",
        "stored voiceprints that one search passes while it looks for those it may use",
        "what was found by then",
    )
    CANDIDATES_MAX = bound(
        "source_candidates",
        4,
        "languages",
        "languages among which the source's is found out",
        "`candidates_invalid`",
    )
    MUX_S = bound("mux", 3600.0, "seconds", "putting a video together", "`mux_timeout`")

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

with group("Voices"):
    ACTORS_MAX = bound("actors", 20_000, "actors", "actors of one person", "refused")
    ACTOR_ALIASES_MAX = bound("actor_aliases", 32, "names", "other names of an actor", "refused")
    ACTOR_LANGUAGES_MAX = bound("actor_languages", 32, "codes", "languages of an actor", "refused")
    ACTOR_SAMPLES_MAX = bound("actor_samples", 100, "samples", "samples of an actor", "refused")
    ACTOR_CONSENTS_MAX = bound("actor_consents", 200, "consents", "consents of an actor", "refused")
    PICTURE_MAX_BYTES = bound("picture", 5 * MIB, "bytes", "an actor's picture", "refused")
    PICTURE_MAX_PIXELS = bound(
        "picture_size",
        50_000_000,
        "pixels",
        "an actor's picture before it is made small",
        "refused",
    )
    EVIDENCE_MAX_BYTES = bound("evidence", 10 * MIB, "bytes", "evidence of a consent", "refused")
    SAMPLE_NAME_MAX = bound(
        "sample_name", 200, "characters", "a sample's name in `keep_sample`", "`message_invalid`"
    )
    SAMPLE_KEEPING_S = bound(
        "sample_keeping",
        20.0,
        "seconds",
        "storing a sample of a live session",
        "given up, `sample_not_kept`",
    )
    SPOKEN_STRETCHES_MAX = bound(
        "spoken_stretches",
        64,
        "clauses",
        "whose sound on the tape may be kept as a sample",
        "the oldest is forgotten",
    )
    SAMPLE_MAX_BYTES = bound("sample_upload", 15 * MIB, "bytes", "an uploaded sample", "refused")
    SAMPLE_MAX_S = bound("sample_length", 600.0, "seconds", "a voice sample", "refused")
    SAMPLE_STRETCHES_MAX = bound(
        "sample_stretches", 400, "stretches", "speech compared in a sample", "the rest is left out"
    )
    SAMPLE_ATTEMPTS_MAX = bound(
        "sample_attempts", 3, "attempts", "attempts to analyse a sample", "it is marked as failed"
    )
    SAMPLE_ANALYSIS_S = bound(
        "sample_analysis", 300, "seconds", "an attempt to analyse a sample", "it is cut short"
    )
    SAMPLE_LINK_S = bound("sample_link", 900, "seconds", "a link to a sample's sound", "404")
    SAMPLE_PIECE_BYTES = bound(
        "sample_piece", MIB // 4, "bytes", "what is read of a stored file at once", "read in pieces"
    )
    CLONES_OF_ACTOR_MAX = bound("actor_clones", 20, "clones", "clones of an actor", "refused")
    CLONE_SAMPLES_MAX = bound(
        "clone_samples", 20, "samples", "recordings that a clone is made of", "refused"
    )
    CLONE_MATERIAL_MAX_S = bound(
        "clone_material", 300.0, "seconds", "speech that a clone is made of", "the rest is left out"
    )
    CLONE_ATTEMPTS_MAX = bound(
        "clone_attempts", 6, "attempts", "attempts to make a clone", "it is marked as failed"
    )
    CLONE_MAKING_S = bound(
        "clone_making", 600, "seconds", "an attempt to make a clone", "it is cut short"
    )
    CLONE_CLAIM_S = bound(
        "clone_claim",
        180,
        "seconds",
        "a step of making a clone, after which its worker is taken for dead",
        "another one goes on",
    )
    CLONE_TRIES_MAX = bound(
        "clone_tries", 12, "settings", "settings tried for one clone", "the best of them is kept"
    )
    CLONE_ASKED_S = bound(
        "clone_asked", 10.0, "seconds", "keeping samples and asking for a clone", "told as failed"
    )
    CLONE_STREAMS_MAX = bound(
        "clone_streams", 64, "streams", "streams of clones' events of one process", "503"
    )
    CLONE_LOOK_S = bound(
        "clone_look", 15.0, "seconds", "whoever watches a clone, without a notice", "looked at"
    )
    NOTICE_TOLD_S = bound(
        "notice_told", 5.0, "seconds", "telling those who watch something", "they look themselves"
    )
    WITHDRAWN_MAX = bound(
        "withdrawn", 1_000, "voices", "clones withdrawn during one run", "the others are not cast"
    )
    CLONES_DISCARDED_AT_ONCE = bound(
        "clones_discarded", 50, "voices", "voices deleted at vendors at once", "the rest comes next"
    )
    CLONE_DISCARD_PAUSE_S = bound(
        "clone_discard_pause",
        21_600,
        "seconds",
        "until a vendor that would not delete a voice is asked again",
        "asked again",
    )
    CLONE_UNNOTED_S = bound(
        "clone_unnoted",
        1_800,
        "seconds",
        "a voice that may be at a vendor and is not written down yet",
        "it is looked for and deleted",
    )
    PREVIEW_TEXT_MAX = bound("preview_text", 400, "characters", "the text of a preview", "refused")
    PREVIEWS_AT_ONCE_MAX = bound(
        "previews_at_once", 6, "voices", "voices compared at once", "refused"
    )
    COMPARISONS_MAX = bound(
        "comparisons", 200, "comparisons", "comparisons that one person keeps", "the oldest goes"
    )
    COMPARISON_DAYS = bound("comparison_days", 7, "days", "a comparison", "it is deleted")
    PREVIEW_S = bound(
        "preview_making", 120, "seconds", "an attempt at a preview", "it is cut short"
    )
    PREVIEW_ATTEMPTS_MAX = bound(
        "preview_attempts", 3, "attempts", "attempts at a preview", "it is marked as failed"
    )
    CONSENT_GRACE_DAYS = bound(
        "consent_grace",
        30,
        "days",
        "what rests on a consent that has expired, unused, until it is renewed",
        "it is deleted",
    )
    EXPIRY_TOLD_S = bound(
        "expiry_told", 180, "seconds", "during which live sessions are told of an expiry", "no more"
    )
    STRAY_FILE_S = bound(
        "stray_file", 3600, "seconds", "a stored file that no row refers to yet", "it is deleted"
    )
    SPEAKER_SPANS_MAX = bound(
        "speaker_spans", 500, "spans", "parts of a speaker that are split off at once", "refused"
    )
    MERGED_ACTORS_MAX = bound(
        "merged_actors", 50, "actors", "actors or speakers merged or split at once", "refused"
    )

with group("Webhooks"):
    WEBHOOKS_MAX = bound("webhooks", 20, "webhooks", "webhooks of one person", "refused")
    WEBHOOK_URL_MAX = bound("webhook_url", 2048, "characters", "a webhook's address", "refused")
    WEBHOOK_CONNECT_S = bound(
        "webhook_connect", 5.0, "seconds", "finding and reaching a receiver", "tried again later"
    )
    WEBHOOK_ANSWER_S = bound(
        "webhook_answer", 10.0, "seconds", "one delivery, until its answer", "tried again later"
    )
    WEBHOOK_ANSWER_MAX_BYTES = bound(
        "webhook_answer_size", 65_536, "bytes", "what is read of a receiver's answer", "not read"
    )
    WEBHOOK_WAITING_MAX = bound(
        "webhook_waiting",
        10_000,
        "deliveries",
        "deliveries that wait for one endpoint",
        "logged as failed with `backlog_full`; may be replayed",
    )
    WEBHOOK_LOG_MAX = bound(
        "webhook_log", 20, "tries", "tries kept of one delivery", "the oldest is forgotten"
    )
    WEBHOOK_KEPT_DAYS = bound(
        "webhook_kept", 30, "days", "a delivery that is over, and its event", "forgotten"
    )
    WEBHOOK_FAILING_DAYS = bound(
        "webhook_failing",
        5,
        "days",
        "deliveries to an endpoint that all fail",
        "it is disabled, and its owner is told",
    )
    WEBHOOK_BATCH_MAX = bound(
        "webhook_batch", 50, "deliveries", "deliveries to one endpoint in a row", "others go first"
    )
    WEBHOOK_THREADS = bound(
        "webhook_threads", 8, "endpoints", "endpoints delivered to at once", "they wait"
    )
    WEBHOOK_ROUND_S = bound(
        "webhook_round", 30.0, "seconds", "one round of the worker's deliveries", "the next goes on"
    )
    WEBHOOK_LEASE_S = bound(
        "webhook_lease",
        120.0,
        "seconds",
        "a worker's deliveries to one endpoint in a row",
        "it counts as dead; others go on",
    )

with group("Server"):
    CONNECT_SECONDS = bound("handshake", 5, "seconds", "a socket's handshake", "it is dropped")
    CLOSE_SECONDS = bound(
        "application_close", 10, "seconds", "an application whose client has gone", "cancelled"
    )
    HTTP_SECONDS = bound("http_answer", 120, "seconds", "the answer to a request", "503")
    BODY_MAX_BYTES = bound("http_body", 16 * MIB, "bytes", "the body of a request", "413")
    PING_SECONDS = bound("ping", 20, "seconds", "a quiet socket", "a ping is sent")
    PONG_SECONDS = bound("pong", 30, "seconds", "the answer to a ping", "the connection is dropped")
    LINGER_SECONDS = bound(
        "linger",
        10.0,
        "seconds",
        "reading what is left after a goodbye",
        "the connection is dropped",
    )
    GOODBYE_SECONDS = bound(
        "goodbye", 0.5, "seconds", "the last close frames, after the drain", "the end"
    )
    CANCEL_SECONDS = bound(
        "cancel", 2.0, "seconds", "cancelled applications cleaning up", "the end"
    )
    PROBE_SECONDS = bound("probe", 1.0, "seconds", "a health probe", "the part is not well")
    PROBE_THREADS = bound("probe_threads", 8, "threads", "threads of the probes", "probes wait")
    ANSWER_SECONDS = bound("health_answer", 5, "seconds", "a container's health check", "unhealthy")

with group("Services"):
    ENDS_MAX = bound(
        "process_ends",
        5,
        "ends",
        "a process that ends on its own, a minute",
        "everything stops, unless the disk is full: then it is tried until there is room",
    )
    LONGEST_DELAY_SECONDS = bound(
        "process_delay", 8.0, "seconds", "the pause before it is started again", "no longer"
    )
    KILL_SECONDS = bound("process_kill", 5.0, "seconds", "a process told to end", "it is killed")
    STOP_SECONDS = bound(
        "services_stop", 20.0, "seconds", "stopping everything, on top of the drain", "killed"
    )
    READY_SECONDS = bound(
        "services_ready", 150.0, "seconds", "starting everything", "the start fails"
    )
    STORE_SECONDS = bound("stores", 30.0, "seconds", "the stores to answer", "the start fails")
    MIGRATION_SECONDS = bound(
        "migration", 120.0, "seconds", "the database's migration", "the start fails"
    )
    PREPARE_SECONDS = bound(
        "postgres_prepare", 120, "seconds", "preparing the embedded Postgres", "the start fails"
    )
    OLD_SERVER_SECONDS = bound(
        "postgres_old", 20, "seconds", "an old Postgres still at work", "the start fails"
    )

with group("Emulated vendors"):
    EMULATOR_ANSWERS_MAX = bound(
        "emulator_answers",
        256,
        "messages",
        "results of one emulated stream that its client has not read",
        "its audio is not read",
    )
    EMULATOR_STALL_S = bound(
        "emulator_stall", 120.0, "seconds", "a call left unanswered on purpose", "it ends"
    )
    EMULATOR_EAR_S = bound(
        "emulator_ear",
        30.0,
        "seconds",
        "the engine inside an emulated recogniser, until its final",
        "the final has what was heard so far",
    )
    EMULATOR_CLOSE_S = bound(
        "emulator_close", 1.0, "seconds", "calls of an emulator that stops", "they are cut"
    )
    EMULATOR_PEERS_MAX = bound(
        "emulator_peers", 10_000, "addresses", "callers that are counted", "no longer counted"
    )
    EMULATOR_GLOSSARIES_MAX = bound(
        "emulator_glossaries", 1_000, "glossaries", "glossaries stored", "refused"
    )
    EMULATOR_OPERATIONS_MAX = bound(
        "emulator_operations", 1_000, "operations", "operations known", "the oldest is forgotten"
    )
    EMULATOR_QUEUE_S = bound(
        "emulator_queue", 0.05, "seconds", "a request above the plan's places", "429"
    )
    EMULATOR_BODY_MAX_BYTES = bound(
        "emulator_body", 64 * MIB, "bytes", "a request to an emulated vendor", "413"
    )
    EMULATOR_SAMPLES_MAX = bound(
        "emulator_samples", 25, "files", "samples of an emulated clone", "400"
    )
    EMULATOR_SAMPLE_MAX_S = bound(
        "emulator_sample_length", 600.0, "seconds", "one such sample", "400"
    )
    EMULATOR_CONTEXTS_MAX = bound(
        "emulator_contexts",
        5,
        "contexts",
        "open contexts of an emulated socket",
        "it is closed with 1008",
    )
    EMULATOR_LATE_KEPT_MAX = bound(
        "emulator_late",
        32_768,
        "samples",
        "samples of an emulator's own lateness",
        "the oldest is forgotten",
    )
    EMULATOR_TEXTS_MAX = bound(
        "emulator_texts",
        64,
        "texts",
        "texts of a context that wait to be spoken",
        "the socket is not read",
    )
    EMULATOR_TEXT_MESSAGE_BYTES = bound(
        "emulator_message", MIB, "bytes", "a message to an emulated socket", "closed with 1009"
    )

with group("Set by settings"):
    set_by(
        "MAX_SESSIONS",
        "sessions",
        64,
        "sessions",
        "live sessions of one server process",
        "refused, `overloaded`",
    )
    set_by(
        "MAX_SESSIONS_PER_USER",
        "sessions_of_user",
        8,
        "sessions",
        "live sessions of one user",
        "refused, `too_many_sessions`",
    )
    set_by(
        "MAX_MINUTES_PER_DAY",
        "minutes_of_user",
        0,
        "minutes",
        "source that one user has dubbed a day, reserved included; 0 is no limit",
        "`quota_exceeded`",
    )
    set_by(
        "MAX_COST_PER_DAY",
        "cost_of_user",
        0.0,
        "units of money",
        "what one user's engines cost a day; 0 is no limit",
        "`quota_exceeded`",
    )
    set_by(
        "API_REQUESTS_PER_MINUTE",
        "request_rate",
        600,
        "requests a minute",
        "requests of one token over REST",
        "429, `too_many_requests`",
    )
    set_by(
        "MAX_MESSAGES_PER_SECOND",
        "message_rate",
        200,
        "messages a second",
        "messages of one connection",
        "left out, `too_fast`",
    )
    set_by(
        "MAX_CHUNK_DURATION",
        "chunk",
        1.0,
        "seconds",
        "one chunk of source audio",
        "`frame_too_long`, `chunk_too_long`",
    )
    set_by(
        "RESUME_SECONDS",
        "resume",
        15,
        "seconds",
        "a session whose client is away",
        "it ends",
    )
    set_by(
        "DRAIN_SECONDS",
        "drain",
        4,
        "seconds",
        "sessions finishing what they say when the server stops",
        "they move as they are",
    )
    set_by("CACHE_TTL", "cache", 3600, "seconds", "a cached result", "made anew")

with group("Files and projects"):
    MEDIA_MAX_BYTES = bound(
        "media_upload", 2048 * MIB, "bytes", "an uploaded or fetched file", "refused"
    )
    MEDIA_MAX_S = bound("media_length", 6 * 3600.0, "seconds", "a file to dub", "refused")
    UPLOAD_PIECE_MAX_BYTES = bound(
        "upload_piece", 8 * MIB, "bytes", "a piece of a resumable upload", "413"
    )
    UPLOADS_MAX = bound("uploads", 10, "uploads", "unfinished uploads of a user", "refused")
    UPLOAD_KEPT_S = bound(
        "upload_kept", 86_400, "seconds", "an upload that nothing was made of", "it is deleted"
    )
    FETCH_S = bound("fetch", 1800.0, "seconds", "fetching a file from its address", "refused")
    FETCH_REDIRECTS_MAX = bound(
        "fetch_redirects", 5, "redirects", "from an address to the file", "refused"
    )
    PROJECTS_MAX = bound("projects", 500, "projects", "projects of a user", "refused")
    PROJECT_BYTES_MAX = bound(
        "project_files", 50 * 1024 * MIB, "bytes", "files of all projects of a user", "refused"
    )
    PROJECT_LINES_MAX = bound(
        "project_lines", 20_000, "lines", "lines of a project", "the file is refused"
    )
    OVERVIEW_PAGE_MAX = bound(
        "overview_page", 500, "lines", "a page of a project's overview", "asked for anew"
    )
    PROJECT_TEXT_MAX = bound(
        "project_text", 2000, "characters", "a line's source or translation", "refused"
    )
    PROJECT_SPEAKERS_MAX = bound(
        "project_speakers", 100, "speakers", "speakers of a project", "refused"
    )
    COMMENTS_MAX = bound("comments", 200, "comments", "comments on a line", "refused")
    COMMENT_MAX = bound("comment", 2000, "characters", "a comment", "refused")
    SUBTITLES_MAX_BYTES = bound(
        "subtitles", 2 * MIB, "bytes", "subtitles that are given", "refused"
    )
    EXPORTS_MAX = bound(
        "exports", 20, "exports", "exports kept of a project", "the oldest is deleted"
    )
    SOUNDS_PRUNED_MAX = bound(
        "sounds_pruned",
        2000,
        "sounds",
        "sounds of a project deleted at the end of a job",
        "the next job deletes the rest",
    )
    JOBS_MAX = bound("jobs", 20, "jobs", "unfinished jobs of a user", "refused")
    PARTS_AT_ONCE = bound(
        "parts_at_once", 16, "parts", "parts of one job that wait in the broker", WAITS
    )
    PART_S = bound("part", 900, "seconds", "an attempt at a part of a job", "it is cut short")
    PART_LEASE_S = bound(
        "part_lease",
        30,
        "seconds",
        "a part of which its worker has said nothing",
        "another worker takes it",
    )
    PART_ATTEMPTS_MAX = bound(
        "part_attempts",
        4,
        "attempts",
        "failures of a part",
        "the job fails and may be tried again",
    )
    PART_TAKEOVERS_MAX = bound(
        "part_takeovers",
        20,
        "workers",
        "workers that died over a part",
        "the job fails and may be tried again",
    )
    ROW_WAIT_S = bound(
        "row_wait", 10.0, "seconds", "a request for a row that another one changes", "`row_busy`"
    )
    JOB_WAIT_S = bound("job_wait", 30.0, "seconds", "a request that waits for its job", "202")
    BATCH_LINE_S = bound("batch_line", 120.0, "seconds", "speaking a line of a file", TIMED_OUT)
    BATCH_SHORTER_S = bound(
        "batch_shorter", 20.0, "seconds", "another wording for a line", "it is hurried as it is"
    )
    FFMPEG_S = bound("ffmpeg", 3600.0, "seconds", "one pass of FFmpeg over a file", "the job fails")
    EVENT_STREAMS_MAX = bound(
        "event_streams", 64, "streams", "streams of jobs' events of one process", "503"
    )
    JOB_LOOK_S = bound(
        "job_look", 5.0, "seconds", "whoever watches a job, without a notice", "looked at"
    )
    EVENTS_S = bound(
        "event_stream", 3600.0, "seconds", "a stream of events", "ends; the client asks anew"
    )

DOCUMENT = Path(__file__).with_name("BOUNDS.md")
_HEAD = """# Bounds

Every queue, buffer, cache and wait of the server, how much there may be, and what happens \
beyond it. Made by `python -m pipeline.bounds`; a test compares. In the metrics a bound is \
`dubbing_bound{name="…"}`, and where a queue can be looked at, the fullest of its name is \
`dubbing_queue_size{queue="…"}`. Values of settings are their defaults here, and those in \
force there.

"""


def document() -> str:
    return _HEAD + as_markdown()


def main() -> int:
    if "--check" not in sys.argv:
        sys.stdout.write(document())
        return 0
    if DOCUMENT.read_text(encoding="utf-8") == document():
        return 0
    sys.stderr.write(f"{DOCUMENT} is old; run: python -m pipeline.bounds >{DOCUMENT}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
