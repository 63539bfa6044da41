"""Bounds of engines and the guards around them."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import ENGINE_ERROR, MIB, REPLACED, WAITS

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
        "recogniser_backlog", 5.0, "seconds", "audio on its way to a recogniser's process", WAITS
    )
    SPHINX_BACKLOG_S = bound(
        "sphinx_backlog",
        1.0,
        "seconds",
        "the same of one that gains nothing by getting more at once",
        WAITS,
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
    ENCODER_MAX_S = bound(
        "voiceprint_audio", 30.0, "seconds", "audio of one voiceprint", "the rest is left out"
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
