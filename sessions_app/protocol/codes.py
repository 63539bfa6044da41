"""Every stable code that a client may be told, explained once.

Programs decide by the code; the message beside it is for people and may change. A test
looks for codes in the source tree that are missing here, and for ones that are gone.
"""

from __future__ import annotations

from sessions_app.protocol.messages import CloseCode

Explained = dict[str, str]

ERRORS: dict[str, Explained] = {
    "Messages and frames": {
        "message_not_json": "The text is not JSON.",
        "message_invalid": "The JSON is not a message of the protocol; the text names the field.",
        "message_too_long": "A text message is longer than 2 MiB.",
        "too_fast": "Messages come faster than allowed, or encoded files faster than they can be "
        "decoded: some were left out.",
        "already_authenticated": "An `authenticate` message came when it was known who you are.",
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
        "candidates_invalid": "`source_candidates` are more than four, or the source is named.",
        "source_text_invalid": "The times of a `source_text` are not in order or too far apart, "
        "or its language is not the run's.",
        "title_unknown": "There is no title of this id, or none that you may see.",
        "sample_rate_unsupported": "The sample rate is not 8000 to 48000 Hz.",
        "glossary_too_long": "The glossary has more than 2000 terms, or 100000 characters.",
        "start_timeout": "The engines took too long to start; start dubbing again.",
        "finish_timeout": "What was left at the end could not be dubbed in time.",
        "quota_exceeded": "What you may dub today is used up, or the database has been away for "
        "too long to reserve more of it: what was said is still dubbed, and dubbing starts "
        "again tomorrow (UTC), or when the database is back.",
        "session_lost": "Another connection has taken the session; this one dubs no longer.",
    },
    "Following": {
        "follow_unknown": "No session of this id that you may follow is being dubbed: there is "
        "none, it is somebody else's, or it has not started or has ended.",
        "followers_full": "As many follow the session as may.",
        "following": "Sound came while another session is followed; send none, or start_dubbing.",
        "follow_unanswered": "The database does not answer, so that nobody knows whether you may "
        "follow: try again.",
        "leader_gone": "The session that you follow ended before a line was translated.",
        "team_unknown": "You are in no team with this number.",
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
    "Keeping a sample": {
        "actor_read_only": "The actor is a team's in which you only look on.",
        "consent_foreign": "The consent is another actor's.",
        "consent_invalid": "The consent has expired, was revoked, or does not hold yet.",
        "consent_missing": "There is no valid consent of the actor to keep recordings.",
        "consent_narrow": "The consent does not allow keeping recordings.",
        "consent_unknown": "There is no consent of this id that you may see.",
        "limit_reached": "The actor has as many samples as one may have.",
        "sample_busy": "Another sample is being kept; wait for its answer.",
        "sample_not_kept": "The sample could not be stored in time; nothing of it was kept, or it "
        "is in the actor's list.",
        "sample_short": "Less than 3 s of the speaker's speech is left of the last 12 s: say it "
        "again when they have spoken longer.",
        "speaker_other": "The speaker is somebody else, or a person said that they are not this "
        "actor: correct that first.",
    },
    "Speakers": {
        "actor_unknown": "There is no actor of this id, or none that is yours to use.",
        "corrections_busy": "Earlier decisions about speakers are still being written; wait.",
        "speaker_unknown": "Nobody of this name was heard in the session.",
    },
    "Engines": {
        "engine_busy": "An engine has too much to do at once; the line is skipped.",
        "engine_closed": "The translator is being shut down.",
        "engine_failed": "The engines could not be started, for a reason the server's log has.",
        "engine_missing": "A program, library or model that an engine needs is not there.",
        "engine_role_unknown": "An engine is asked for a role that it does not have, or that there "
        "is not; the text says which engines have it.",
        "engine_sets_full": "Too many different engines and keys are in use at once; try later.",
        "engine_stopped": "An engine's process ended; it is started again.",
        "engine_timeout": "An engine did not answer in time.",
        "engine_unknown": "There is no engine of this name; the text says which there are.",
        "key_missing": "The engine needs a key from its vendor: give your own, or ask whoever runs "
        "the server.",
        "key_refused": "The vendor does not accept the key, or the key may not do this.",
        "key_unreadable": "Your key can no longer be read, because the server's own key changed: "
        "enter it again.",
        "language_unsupported": "An engine cannot do this language.",
        "model_missing": "The recogniser's model is not named, or not on the server.",
        "model_unknown": "The engine does not know the model that is set.",
        "model_unusable": "The recogniser's model is not one that it can use.",
        "nothing_to_speak": "There is nothing in the text that can be spoken.",
        "plan_too_small": "The vendor's plan does not include this.",
        "quota_used_up": "What was bought at the vendor is used up.",
        "recognizer_busy": "The recogniser serves as many sessions as it can.",
        "speaker_model_missing": "The model that tells speakers apart is not installed.",
        "speech_unusable": "This speech cannot be used to shape a voice.",
        "synthesis_failed": "A line could not be spoken.",
        "text_too_long": "A clause is longer than the engine takes.",
        "translation_failed": "A line could not be translated.",
        "vendor_busy": "The vendor gets too many requests at once or a minute; later may do.",
        "vendor_failed": "The vendor says that the fault is its own.",
        "vendor_malformed": "The vendor's answer is not what its documents say.",
        "vendor_refused": "The vendor takes the request for wrong.",
        "vendor_unreachable": "The vendor cannot be reached, or the connection broke.",
        "voice_gone": "The vendor has no such voice any more.",
        "voice_unknown": "The engine has no voice of this name.",
        "voices_full": "The vendor stores no more voices.",
        "voices_missing": "The account at the vendor has no voices to speak with.",
    },
    "Server": {
        "internal_error": "A fault in the server, which its log describes.",
    },
}

NOTICES: Explained = {
    "audio_dropped": "Some of the source was not heard: it came faster than it is spoken, or the "
    "server could not keep up.",
    "chunks_missing": "The numbers of the client's chunks have a gap.",
    "database_away": "The database does not answer: dubbing goes on, new sessions have to wait.",
    "disk_full": "The server's disk is full: dubbing goes on, files cannot be kept.",
    "engine_back": "The engine that was chosen works again, and is used again.",
    "engine_stands_in": "An engine does not work: another one stands in for it.",
    "engines_failed": "The engines could not be started: dubbing cannot begin until they can.",
    "fault_over": "One of the server's faults has ended; the message says which.",
    "leader_away": "The session that you follow has lost its client, or moves to another server "
    "process: it is waited for.",
    "leader_back": "The session that you follow goes on.",
    "leader_left": "The session that you follow has ended, or you may not follow it any more: what "
    "was said is still dubbed.",
    "lines_missed": "Lines of the session that you follow were lost: your connection is far too "
    "slow, or you were away for too long.",
    "media_jump": "The media time jumped ahead; dubbing goes on from there.",
    "messages_lost": "You came back too late for some messages: they were not kept so long.",
    "quota_ending": "A minute or less is left of what you may have dubbed today, or a tenth of "
    "what it may cost.",
    "recognizer_missing": "Nothing here recognises the source language: what is dubbed is what "
    "`source_text` says.",
    "recognizer_restarted": "The recogniser was started again; nothing is lost.",
    "record_incomplete": "The database is away: dubbing goes on, parts of the record are missing.",
    "redis_away": "Redis does not answer: dubbing goes on, but a dropped session can be resumed on "
    "the same server process only.",
    "restarting": "The server restarts: it finishes what was said and closes with 1012.",
    "source_language_assumed": "Nothing tells languages apart here, so “auto” became this one.",
    "worker_away": "The background worker does not answer: dubbing goes on, files have to wait.",
}

SKIPS: Explained = {
    "backlog": "The dub was too far behind; the line is shown instead of spoken.",
    "same_language": "It was spoken in the target language already: the original is heard.",
    "discarded": "It was not wanted any more: `discard` ended the run.",
    "merged": "On record only, where the socket says `merged`: spoken as part of another line.",
}
"""Reasons of ``skipped``, and of lines on record, beside the errors of engines."""

CLOSINGS: dict[str, tuple[CloseCode, str]] = {
    "restarting": (
        CloseCode.RESTART,
        "The server restarts. Connect again at once and resume: a new process goes on.",
    ),
    "overloaded": (
        CloseCode.OVERLOAD,
        "The server dubs as much as it can. Come back in a while.",
    ),
    "database_away": (
        CloseCode.OVERLOAD,
        "Without the database nobody can be let in. Come back in a few seconds.",
    ),
    "bad_address": (
        CloseCode.BAD_ADDRESS,
        "The address is not a name of 1 to 64 characters and a UUID. Mend it.",
    ),
    "bad_resume": (
        CloseCode.BAD_ADDRESS,
        "`resume`, `cue` or `samples` in the query is not a count. Mend it, or come without.",
    ),
    "not_authenticated": (
        CloseCode.NOT_AUTHENTICATED,
        "No credential came in time, or something else came first. Send one.",
    ),
    "credential_invalid": (
        CloseCode.NOT_AUTHENTICATED,
        "The token or ticket is wrong, used up or has expired. Get a new one.",
    ),
    "scope_missing": (
        CloseCode.NOT_AUTHENTICATED,
        "The token may not dub. Take one with the scope `dub`, or with every scope.",
    ),
    "origin_not_allowed": (
        CloseCode.NOT_AUTHENTICATED,
        "Pages of this origin may not open sockets. Whoever runs the server can allow it in "
        "`ALLOWED_ORIGINS`.",
    ),
    "session_forbidden": (
        CloseCode.NOT_YOURS,
        "The session belongs to somebody else. Take a UUID of your own.",
    ),
    "session_busy": (
        CloseCode.SESSION_BUSY,
        "Another connection dubs the session, or did so less than 45 seconds ago and its process "
        "is gone. Resume if it was yours; else wait, or take another UUID.",
    ),
    "taken_over": (
        CloseCode.TAKEN_OVER,
        "Your session goes on over a newer connection. Leave it there: do not come back.",
    ),
    "too_many_sessions": (
        CloseCode.QUOTA,
        "You dub as many sessions as you may; those that wait for their client count. End one.",
    ),
    "quota_exceeded": (
        CloseCode.QUOTA,
        "What you may dub today is used up, or reserved by other sessions of yours, which give "
        "back what they do not use. Come back tomorrow (UTC).",
    ),
    "too_fast": (
        CloseCode.QUOTA,
        "Far too many messages a second; the session has ended. Send short chunks as they are "
        "spoken, and begin anew.",
    ),
}
"""Reasons of ``closing``: the close code that follows, and what the client should do."""

FILES: Explained = {
    "container_unsupported": "Video cannot be written to this kind of file.",
    "ffmpeg_failed": "FFmpeg could not make anything of the file.",
    "ffmpeg_missing": "The ffmpeg program is not installed.",
    "ffmpeg_timeout": "FFmpeg took too long over the file.",
    "media_missing": "There is no such file.",
    "media_too_long": "The recording is longer than what may be uploaded.",
    "media_unreadable": "The file is no audio or video that can be read.",
    "media_unwritable": "The file cannot be written.",
    "media_without_audio": "The file has no audio track.",
    "media_without_video": "The file has no picture.",
    "mux_failed": "The video could not be put together.",
    "mux_timeout": "Putting the video together took too long.",
}
"""Said of files only, never on the socket."""

CLONES: Explained = {
    "not_analysed": "Its recordings are still being analysed; it goes on by itself.",
    "sample_unreadable": "A recording of it can no longer be read.",
    "speakers_differ": "Its recordings do not sound like one person; leave out those of others.",
    "voice_silent": "The voice that was made says hardly anything.",
}
"""Said of clones and previews of voices only, never on the socket."""
