"""One true-to-life example of every message; a test holds them against the schemas."""

from __future__ import annotations

import base64
from typing import Any

from pipeline.events import CueAudio
from pipeline.wire import AudioFrame, encode_cue_audio, encode_source_audio

_SESSION = "0b7f6b1e-2f0c-4a53-9d0a-5c1d8f3e7a21"
_ACTOR = "7d1c6d0e-91b4-4f0e-8f0a-2b6a3c1f9e55"
_CLONE = "5e0b3c1d-2f6a-4c7b-8d9e-6a1f0c2b4d37"
_SAMPLE = "c4e2f0a9-7c35-4c1b-a6d0-94f6f1b7a3e8"
_PCM = bytes.fromhex("0000 1027 f0d8")
_BASE64 = base64.b64encode(_PCM).decode()
_PROBLEM = "There are 1.2 s of speech; a clone needs at least 3 s."
_LATENCIES = {
    "endpoint_ms": 262.4,
    "recognition_ms": 38.1,
    "translation_ms": 7.9,
    "synthesis_ms": 51.6,
    "total_ms": 421.3,
    "lag_ms": 2438.0,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "authenticate": {"token": "<an API token or a ticket>"},
    "start_dubbing": {
        "target_language": "es",
        "source_language": "auto",
        "preserve_voice": True,
        "glossary": {"Live dubbing": "Live dubbing", "chunk": "fragmento"},
        "engines": {"recognition": "google", "synthesis": "elevenlabs"},
        "recognition": {"model": "long", "region": "eu", "endpointing": "short"},
        "source_candidates": ["en", "fr"],
        "team": 3,
        "source_text": True,
        "discard": False,
        "title": "https://example.org/lectures/4",
        "number": 1,
    },
    "follow_dubbing": {
        "session": "7d1c2f40-93b1-4e0e-8a55-0f6f7a0f3b12",
        "preserve_voice": False,
        "engines": {"synthesis": "offline"},
        "number": 1,
    },
    "audio_chunk": {"audio_data": _BASE64, "sequence": 0, "media_time": 0.0},
    "source_text": {
        "language": "de",
        "from_s": 12.4,
        "until_s": 42.4,
        "cues": [{"start_s": 12.48, "end_s": 14.02, "text": "Guten Morgen zusammen."}],
        "run": 1,
        "number": 2,
    },
    "stop_dubbing": {"discard": False, "number": 1},
    "create_voice_clone": {
        "speaker_id": "S1",
        "audio_samples": [_BASE64],
        "actor": "0b6ef4f5-3a07-4a4c-9f0d-5b0b8f6f2c11",
        "number": 1,
    },
    "identify_speaker": {"speaker": "S1", "actor": _ACTOR, "verdict": "confirm", "number": 2},
    "keep_sample": {
        "speaker": "S1",
        "actor": _ACTOR,
        "consent": None,
        "name": "Interview",
        "number": 3,
    },
    "acknowledge": {"sequence": 41},
    "ping": {"id": 7},
    "resumed": {"session_id": _SESSION, "how": "same", "chunk": 1203, "number": 1},
    "ready": {
        "session_id": _SESSION,
        "source_language": "en",
        "target_language": "es",
        "preserve_voice": True,
        "sample_rate": 16000,
        "engines": {
            "recognition": "pocketsphinx",
            "translation": "apertium",
            "synthesis": "espeak",
        },
        "protocol": "dub.v1",
        "follows": None,
    },
    "language": {"language": "fr"},
    "partial_transcript": {"utterance": 3, "text": "good morning to", "language": "en"},
    "transcript": {
        "line": 5,
        "text": "Good morning to everybody here.",
        "language": "en",
        "speaker": "S1",
        "start_s": 12.48,
        "end_s": 14.02,
        "heard_s": 14.27,
    },
    "speaker": {
        "speaker": "S1",
        "voice": "espeak:es:m3",
        "voice_name": "Bruno",
        "similarity": 0.912,
        "shaped": True,
    },
    "identity": {
        "speaker": "S1",
        "state": "confirmed",
        "actor": _ACTOR,
        "name": "Ana Ruiz",
        "confidence": 0.87,
        "by_person": False,
    },
    "translation": {"line": 5, "text": "Buenos días a todos.", "language": "es"},
    "cue": {
        "cue": 5,
        "line": 5,
        "speaker": "S1",
        "start_s": 14.51,
        "duration_s": 1.62,
        "sample_rate": 16000,
        "tempo": 1.0,
        "engine": "espeak",
        "voice": "espeak:es:m3",
        "latencies": _LATENCIES,
    },
    "cue_audio": {
        "cue": 5,
        "start_s": 14.51,
        "sample_rate": 16000,
        "last": False,
        "audio_data": _BASE64,
    },
    "cue_end": {"cue": 5, "duration_s": 1.604},
    "skipped": {"line": 6, "reason": "backlog", "text": "Empecemos."},
    "merged": {"line": 7, "into": 8},
    "acknowledgement": {"chunk": 1203, "number": 1},
    "notice": {"code": "chunks_missing", "message": "3 chunks never came."},
    "error": {
        "code": "pair_unsupported",
        "message": "apertium does not translate en into “ja”. From en you can choose: ca, es.",
        "details": {"available": [["en", "ca"], ["en", "es"]]},
    },
    "voice_clone": {
        "speaker_id": "ana",
        "accepted": False,
        "message": f"The samples will not do: {_PROBLEM}",
        "problems": [_PROBLEM],
        "total_s": 2.5,
        "speech_s": 1.2,
        "level_dbfs": -21.4,
        "clipped_share": 0.0,
        "clone": None,
    },
    "clone_progress": {"clone": _CLONE, "state": "making", "step": "preview", "problem": ""},
    "sample_kept": {"speaker": "S1", "actor": _ACTOR, "sample": _SAMPLE, "duration_s": 8.4},
    "job": {
        "job": "0f4a9c1e-3d5b-4b7e-9a52-6a1c2f1e7d10",
        "project": "5d3b2f60-8a8b-4a0e-a1f1-3a4b5c6d7e8f",
        "kind": "dub",
        "state": "running",
        "step": "speak",
        "parts": 24,
        "done": 7,
        "problem": "",
    },
    "pong": {"id": 7},
    "summary": {
        "lines": 31,
        "speakers": 2,
        "skipped": 1,
        "merged": 2,
        "errors": 0,
        "media_s": 90.0,
        "p50": _LATENCIES,
        "p95": {**_LATENCIES, "endpoint_ms": 845.0, "total_ms": 942.0, "lag_ms": 2735.0},
    },
    "closing": {
        "close_code": 1012,
        "code": "restarting",
        "message": "The server restarts; connect again and resume.",
        "resume": True,
    },
}

FRAMES: dict[str, bytes] = {
    "source_frame": encode_source_audio(AudioFrame(sequence=2, media_time_us=128_000, pcm=_PCM)),
    "cue_frame": encode_cue_audio(
        CueAudio(cue=5, start_s=14.51, sample_rate=16_000, pcm=_PCM, last=True), sequence=42
    ),
}


def example(kind: str, *, sequence: int | None) -> dict[str, Any]:
    """As it goes over the socket; ``sequence`` in what the server says."""
    numbered = {} if sequence is None else {"sequence": sequence}
    return {**numbered, "type": kind, **EXAMPLES[kind]}
