from __future__ import annotations

import pytest

from pipeline.ports import TranslationRequest
from pipeline.providers.scripted.speaking import ScriptedTranslator
from sessions_app.caches import redis_cache
from sessions_app.caches.redis_client import close_redis, redis_client
from sessions_app.caches.translation_cache import RedisTranslations, cached

REQUEST = TranslationRequest("nobody but us is here", "en", "es")


async def test_a_text_is_kept_in_redis_for_its_owner_and_for_a_while() -> None:
    store, engine = RedisTranslations(60), ScriptedTranslator()
    translator = cached(engine, store, owner="user 1")
    made = await translator.translate(REQUEST)
    await store.settled()
    assert await translator.translate(REQUEST) == made
    assert len(engine.requests) == 1
    assert await cached(engine, store, owner="user 2").translate(REQUEST) == made
    assert len(engine.requests) == 2
    names = await redis_client().keys("dubbing:translation:*")
    assert names
    assert not any(b"nobody" in name for name in names)
    assert 0 < await redis_client().ttl(names[0]) <= 60
    await store.settled()
    await close_redis()


async def test_without_redis_translations_come_all_the_same(
    monkeypatch: pytest.MonkeyPatch, settings: pytest.MonkeyPatch
) -> None:
    class Away:
        asked = 0

        async def get(self, name: str) -> None:
            Away.asked += 1
            raise ConnectionError("away")

    monkeypatch.setattr(redis_cache, "redis_client", Away)
    store, engine = RedisTranslations(60), ScriptedTranslator()
    translator = cached(engine, store, owner="user 1")
    for _ in range(3):
        assert await translator.translate(REQUEST) == "es nobody but us is here"
    assert Away.asked == 1, "it is left alone for a while"
    assert len(engine.requests) == 3
