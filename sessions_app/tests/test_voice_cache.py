from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.providers.scripted.speaking import ScriptedCloner, ScriptedSynthesizer
from sessions_app import wiring
from sessions_app.caches import redis_cache
from sessions_app.caches.redis_client import close_redis, redis_client
from sessions_app.caches.voice_cache import kept_voices, redis_voices

BASE = ScriptedSynthesizer().voices("es")[0]
SHAPED = replace(BASE, profile=48_000)


async def test_a_voice_is_kept_in_redis_for_its_owners_session_and_for_a_while() -> None:
    store, cloner = redis_voices(60), ScriptedCloner()
    mine = kept_voices(store, owner="user 1", session_id="a")
    before = set(await redis_client().keys("dubbing:voice:*"))
    mine.keep(cloner, "speaker-1", BASE, SHAPED, 3.0)
    await store.settled()
    found = await mine.find(cloner, "speaker-1", BASE)
    assert found is not None
    assert found.voice.profile == SHAPED.profile
    for owner, session_id in (("user 2", "a"), ("user 1", "b")):
        other = kept_voices(store, owner=owner, session_id=session_id)
        assert await other.find(cloner, "speaker-1", BASE) is None
    # Redis is shared by the tests of one run, and voices kept by others live longer.
    (name,) = set(await redis_client().keys("dubbing:voice:*")) - before
    assert b"speaker" not in name
    assert b"user" not in name
    assert 0 < await redis_client().ttl(name) <= 60
    await close_redis()


async def test_without_redis_voices_are_shaped_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        asked = 0

        async def get(self, name: str) -> None:
            Away.asked += 1
            raise ConnectionError("away")

    monkeypatch.setattr(redis_cache, "redis_client", Away)
    mine = kept_voices(redis_voices(60), owner="user 1", session_id="a")
    for _ in range(3):
        mine.keep(ScriptedCloner(), "speaker-1", BASE, SHAPED, 3.0)
        assert await mine.find(ScriptedCloner(), "speaker-1", BASE) is None
    assert Away.asked == 1, "it is left alone for a while"


@pytest.mark.parametrize(
    ("ttl_s", "preserve", "kept"), [(60, True, True), (0, True, False), (60, False, False)]
)
async def test_voices_are_kept_only_where_that_is_wanted(
    settings: pytest.MonkeyPatch, ttl_s: int, preserve: bool, kept: bool
) -> None:
    settings.CACHE_TTL = ttl_s  # type: ignore[attr-defined]
    plan = wiring.plan_for(
        session_id="a", source_language="en", target_language="es", preserve_voice=preserve
    )
    assert (wiring._voices_for(1, plan) is not None) is kept
