"""Bounds of a run: what it hears, and its lines."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import SUBTITLE

with group("Hearing"):
    LIVE_MAX_S = bound(
        "inbox",
        10.0,
        "seconds",
        "live audio waiting to be heard",
        "the oldest goes, is counted and told (`audio_dropped`)",
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
        256,
        "pieces",
        "speech that the recogniser has not taken",
        "hearing waits, and then the inbox drops",
    )
    RECOGNISER_BEHIND_S = bound(
        "recogniser_behind",
        4.0,
        "seconds",
        "live speech waiting for a recogniser that does not catch up within ten seconds",
        "it goes, is counted and told (`audio_dropped`)",
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
