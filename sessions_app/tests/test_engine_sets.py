"""Sets of engines: shared, bounded, made anew after a failure, closed when nobody needs them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import Engines
from pipeline.ports import EngineError
from pipeline.providers.catalogue import ROLES
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings
from pipeline.tests.waiting import until
from sessions_app.engines import engine_sets
from sessions_app.engines.engine_access import Wanted
from sessions_app.engines.engine_sets import EngineSets
from sessions_app.tests.engines import scripted_engines


def wanted(key: str) -> Wanted:
    access = ElevenLabsAccess(api_key=key)
    choice = tuple((role, "scripted") for role in ROLES)
    return Wanted(choice, EngineSettings(models=Path(), elevenlabs=access))


class Factory:
    """Scripted engines whose making can fail, and whose ends are counted."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.closed: list[str] = []
        self.failure: Exception | None = None

    def __call__(self, want: Wanted) -> Engines:
        assert want.settings.elevenlabs is not None
        key = want.settings.elevenlabs.api_key
        self.made.append(key)
        engines = scripted_engines()

        async def connect() -> None:
            if self.failure is not None:
                raise self.failure

        async def aclose() -> None:
            self.closed.append(key)

        recognizer: Any = engines.recognizer
        recognizer.connect, recognizer.aclose = connect, aclose
        return engines


@pytest.fixture
def factory() -> Factory:
    return Factory()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


async def test_who_wants_the_same_shares_it_and_other_keys_are_other_sets(
    factory: Factory,
) -> None:
    sets = EngineSets(factory)
    first, second = await asyncio.gather(sets.lease(wanted("a")), sets.lease(wanted("a")))
    third = await sets.lease(wanted("b"))
    assert first.engines is second.engines
    assert third.engines is not first.engines
    assert factory.made == ["a", "b"]
    await sets.aclose()
    assert sorted(factory.closed) == ["a", "b"]


async def test_the_one_used_longest_ago_makes_room(factory: Factory) -> None:
    sets = EngineSets(factory, most=2)
    (await sets.lease(wanted("a"))).release()
    (await sets.lease(wanted("b"))).release()
    (await sets.lease(wanted("a"))).release()
    await sets.lease(wanted("c"))
    await settled()
    assert factory.closed == ["b"]
    await sets.aclose()


async def test_what_a_run_uses_and_what_is_kept_warm_is_never_closed_for_room(
    factory: Factory,
) -> None:
    sets = EngineSets(factory, most=2)
    sets.warm(wanted("installation"))
    held = await sets.lease(wanted("a"))
    with pytest.raises(EngineError) as refused:
        await sets.lease(wanted("b"))
    assert refused.value.code == "engine_sets_full"
    held.release()
    held.release()
    await sets.lease(wanted("b"))
    await settled()
    assert factory.closed == ["a"]
    await sets.aclose()


async def test_a_set_that_is_idle_for_long_is_closed(factory: Factory) -> None:
    sets = EngineSets(factory, idle_s=0.05)
    sets.warm(wanted("installation"))
    (await sets.lease(wanted("installation"))).release()
    with await sets.lease(wanted("a")):
        await asyncio.sleep(0.1)
        assert factory.closed == []
    again = await sets.lease(wanted("a"))
    await asyncio.sleep(0.1)
    assert factory.closed == []
    again.release()
    await until(lambda: factory.closed == ["a"])
    await sets.aclose()


async def test_a_refused_key_is_tried_anew_by_the_next(factory: Factory) -> None:
    sets = EngineSets(factory)
    factory.failure = EngineError("key_refused", "no", recoverable=False)
    for _ in range(2):
        with pytest.raises(EngineError, match="no"):
            await sets.lease(wanted("a"))
    assert factory.made == factory.closed == ["a", "a"]
    assert [one.status() for one in sets.all()] == [
        {"state": "failed", "code": "key_refused", "ok": False}
    ]
    factory.failure = None
    with await sets.lease(wanted("a")) as engines:
        assert engines.names()["recognition"] == "scripted-recognizer"
    await sets.aclose()


async def test_a_failure_that_is_not_known_is_told_without_its_text(
    factory: Factory,
) -> None:
    sets = EngineSets(factory)
    factory.failure = RuntimeError("sk_s3cret")
    with pytest.raises(EngineError) as failed:
        await sets.lease(wanted("a"))
    assert failed.value.code == "engine_failed"
    assert "s3cret" not in str(failed.value)
    await sets.aclose()


async def test_one_that_gives_up_does_not_stop_what_others_wait_for(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = EngineSets(factory)
    impatient = asyncio.create_task(sets.lease(wanted("a")))
    patient = asyncio.create_task(sets.lease(wanted("a")))
    await asyncio.sleep(0)
    impatient.cancel()
    lease = await patient
    assert [one.users for one in sets.all()] == [1]
    lease.release()
    assert [one.users for one in sets.all()] == [0]
    await sets.aclose()


async def test_engines_that_do_not_start_are_given_up(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_sets, "ENGINE_SET_START_S", 0.05)
    sets = EngineSets(factory)

    def hanging(want: Wanted) -> Engines:
        engines = factory(want)

        async def connect() -> None:
            await asyncio.sleep(30)

        recognizer: Any = engines.recognizer
        recognizer.connect = connect
        return engines

    slow = EngineSets(hanging)
    with pytest.raises(EngineError) as failed:
        await slow.lease(wanted("a"))
    assert failed.value.code == "engine_timeout"
    assert factory.closed == ["a"]
    await sets.aclose()


def test_what_is_wanted_never_shows_its_keys() -> None:
    assert "s3cret" not in repr(wanted("s3cret"))
