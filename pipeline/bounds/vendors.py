"""Bounds of engines by vendor, and the stand-ins of those vendors."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import MIB, SUBTITLE, TIMED_OUT, WAITS

with group("Engines"):
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
        "google_translation_attempt", 1.25, "seconds", "one attempt to translate", "another one"
    )
    GOOGLE_SENT_S = bound(
        "google_translation_sent",
        0.1,
        "seconds",
        "a cancelled call being let out to Google",
        "it is ended there",
    )
    GOOGLE_TRANSLATION_S = bound(
        "google_translation", 3.0, "seconds", "a text's translation in all", SUBTITLE
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
