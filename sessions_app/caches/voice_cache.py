"""Speakers' shaped voices kept in Redis for CACHE_TTL seconds, and in no other place."""

from __future__ import annotations

from pipeline.bounds import VOICE_LOOK_S, VOICE_PUTS_MAX
from pipeline.voices.kept_voices import KeptVoices
from sessions_app.caches.redis_cache import RedisCache, secret_for


def redis_voices(ttl_s: int) -> RedisCache:
    """Port VoiceStore; belongs to one event loop."""
    return RedisCache(
        "voice", ttl_s, look_s=VOICE_LOOK_S, puts_max=VOICE_PUTS_MAX, queue="voice_puts"
    )


def kept_voices(store: RedisCache, *, owner: str, session_id: str) -> KeptVoices:
    """Those of one session of ``owner``, which nobody else can ask for."""
    secret = secret_for("voice cache")
    return KeptVoices(store, owner=owner, session_id=session_id, secret=secret)
