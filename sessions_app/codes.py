"""Every stable code that a client may be told, explained once.

Programs decide by the code; the message beside it is for people and may change. A test
looks for codes in the source tree that are missing here, and for ones that are gone.
"""

from __future__ import annotations

Explained = dict[str, str]

ERRORS: dict[str, Explained] = {
    "Messages and frames": {
        "message_not_json": "The text is not JSON.",
        "message_invalid": "The JSON is not a message of the protocol; the text names the field.",
        "message_too_long": "A text message is longer than 2 MiB.",
        "too_fast": "Encoded files come faster than they can be decoded; one message was lost.",
        "frame_short": "A binary frame is shorter than its header.",
        "frame_kind": "A binary frame is of a kind that a client does not send.",
        "frame_header": "A header field that must be zero is not.",
        "frame_media_time": "The media time in a frame is beyond 2^53 microseconds.",
        "frame_odd": "The sound in a frame is not a whole number of 16-bit samples.",
        "frame_too_long": "A frame holds more sound than the server's MAX_CHUNK_DURATION.",
        "sequence_invalid": "The sequence of an audio chunk is not a count from 0.",
        "media_time_invalid": "The media time of an audio chunk is not a position in seconds.",
    },
    "Dubbing": {
        "not_started": "Sound or a stop came while nothing is dubbed; send start_dubbing.",
        "too_many_runs": "Dubbing is restarted faster than runs end; wait for a summary.",
        "language_invalid": "A language is not a code such as “es”, or the target is “auto”.",
        "source_language_unsupported": "The recogniser does not know the source language.",
        "pair_unsupported": "There is no translation between the two languages; the details "
        "list the pairs there are.",
        "target_language_unsupported": "There is a translation, but no voice for its language.",
        "sample_rate_unsupported": "The sample rate is not 8000 to 48000 Hz.",
        "glossary_too_long": "The glossary has more than 2000 terms.",
        "start_timeout": "The engines took too long to start; start dubbing again.",
        "finish_timeout": "What was left at the end could not be dubbed in time.",
        "session_lost": "Another connection has taken the session; this one dubs no longer.",
    },
    "Audio": {
        "audio_odd": "Raw audio is not a whole number of 16-bit samples.",
        "chunk_too_long": "A chunk holds more sound than the server's MAX_CHUNK_DURATION.",
        "audio_format_unknown": "The audio is not WAV, FLAC, OGG or MP3.",
        "audio_too_long": "The encoded audio lasts longer than is allowed there.",
        "audio_unreadable": "The audio looks like a known format but cannot be decoded.",
    },
    "Voice samples": {
        "voice_check_busy": "Other samples are being checked; wait for their answer.",
        "voice_samples_count": "Send 1 to 20 recordings.",
        "voice_samples_long": "The recordings last more than 120 s in all.",
        "speaker_id_invalid": "The speaker_id does not have 1 to 64 characters.",
    },
    "Engines": {
        "engine_busy": "An engine has too much to do at once; the line is skipped.",
        "engine_closed": "The translator is being shut down.",
        "engine_failed": "The engines could not be started, for a reason the server's log has.",
        "engine_missing": "A program or library that an engine needs is not installed.",
        "engine_role_unknown": "The server's setting asks an engine for a role it does not have.",
        "engine_stopped": "An engine's process ended; it is started again.",
        "engine_timeout": "An engine did not answer in time.",
        "engine_unknown": "The server's setting names an engine that does not exist.",
        "language_unsupported": "An engine cannot do this language.",
        "nothing_to_speak": "There is nothing in the text that can be spoken.",
        "recognizer_busy": "The recogniser serves as many sessions as it can.",
        "speaker_model_missing": "The model that tells speakers apart is not installed.",
        "speech_unusable": "This speech cannot be used to shape a voice.",
        "synthesis_failed": "A line could not be spoken.",
        "text_too_long": "A clause is longer than the engine takes.",
        "translation_failed": "A line could not be translated.",
        "voice_unknown": "The engine has no voice of this name.",
    },
    "Server": {
        "internal_error": "A fault in the server, which its log describes.",
    },
}

NOTICES: Explained = {
    "audio_dropped": "The server could not keep up: some of the source was not heard.",
    "chunks_missing": "The numbers of the client's chunks have a gap.",
    "media_jump": "The media time jumped ahead; dubbing goes on from there.",
    "recognizer_restarted": "The recogniser was started again; nothing is lost.",
    "record_incomplete": "The database is away: dubbing goes on, parts of the record are missing.",
    "source_language_assumed": "Nothing tells languages apart here, so “auto” became this one.",
}

SKIPS: Explained = {
    "backlog": "The dub was too far behind; the line is shown instead of spoken.",
}
"""Reasons of ``skipped`` beside the errors of engines."""

FILES: Explained = {
    "container_unsupported": "Video cannot be written to this kind of file.",
    "ffmpeg_missing": "The ffmpeg program is not installed.",
    "media_missing": "There is no such file.",
    "media_unreadable": "The file is no audio or video that can be read.",
    "media_unwritable": "The file cannot be written.",
    "media_without_audio": "The file has no audio track.",
    "media_without_video": "The file has no picture.",
    "mux_failed": "The video could not be put together.",
    "mux_timeout": "Putting the video together took too long.",
}
"""Said by the dubbing of files only, never on the socket."""
