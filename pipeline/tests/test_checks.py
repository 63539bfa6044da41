"""Checks of engines: one cheap try, bounded, and in words without secrets."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.ports import EngineError
from pipeline.providers import checks
from pipeline.providers.catalogue import PROVIDERS, Provider
from pipeline.providers.checks import CheckResult, check_provider
from pipeline.providers.settings import EngineSettings
from pipeline.tests.emulated_elevenlabs import access_to, emulated
from pipeline.tests.google_cloud import access, cloud

SETTINGS = EngineSettings(models=Path("/nowhere"))


class Engine:
    def __init__(self, outcome: BaseException | None = None, *, waits_s: float = 0.0) -> None:
        self._outcome = outcome
        self._waits_s = waits_s
        self.closed = 0

    async def connect(self) -> None:
        await asyncio.sleep(self._waits_s)
        if self._outcome is not None:
            raise self._outcome

    async def aclose(self) -> None:
        self.closed += 1


def provide(monkeypatch: pytest.MonkeyPatch, **members: Any) -> None:
    module = ModuleType("provider_on_trial")
    module.__dict__.update(members)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    one = Provider(module=module.__name__, roles=frozenset({"translator"}))
    monkeypatch.setitem(PROVIDERS, "trial", one)


async def test_an_engine_without_a_check_of_its_own_is_connected_and_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine()
    provide(monkeypatch, translator=lambda settings: engine)
    assert (await check_provider("trial", SETTINGS)).ok
    assert engine.closed == 1


async def test_what_the_vendor_refuses_is_said_in_its_adapters_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(EngineError("key_refused", "The vendor does not accept the key."))
    provide(monkeypatch, translator=lambda settings: engine)
    result = await check_provider("trial", SETTINGS)
    assert (result.ok, result.code) == (False, "key_refused")
    assert result.message == "The vendor does not accept the key."
    assert engine.closed == 1


async def test_an_unknown_error_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provide(monkeypatch, translator=lambda settings: Engine(RuntimeError("sk_s3cret")))
    result = await check_provider("trial", SETTINGS)
    assert (result.ok, result.code) == (False, "engine_failed")
    assert "s3cret" not in result.message + caplog.text


async def test_a_vendor_that_does_not_answer_ends_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "ENGINE_CHECK_S", 0.05)
    engine = Engine(waits_s=30)
    provide(monkeypatch, translator=lambda settings: engine)
    result = await check_provider("trial", SETTINGS)
    assert (result.ok, result.code, engine.closed) == (False, "engine_timeout", 1)


async def test_a_providers_own_check_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(settings: EngineSettings) -> CheckResult:
        return CheckResult(ok=True, message="Fine.", details={"characters_left": 10_000})

    provide(monkeypatch, check=check)
    assert (await check_provider("trial", SETTINGS)).details == {"characters_left": 10_000}


async def test_a_provider_whose_library_is_missing_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Provider(module="no_such_library.engines", roles=frozenset({"translator"}))
    monkeypatch.setitem(PROVIDERS, "trial", one)
    result = await check_provider("trial", SETTINGS)
    assert result.code == "engine_missing"
    assert "no_such_library" in result.message


async def test_offline_engines_are_looked_for_and_not_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pipeline.providers.offline import checking

    def missing() -> Path:
        raise EngineError("engine_missing", "espeak-ng is not installed.")

    monkeypatch.setattr(checking, "data_folder", missing)
    result = await check_provider("offline", SETTINGS)
    assert not result.ok
    assert "espeak-ng" in result.message
    assert "tells speakers apart" in result.message


async def test_googles_key_is_tried_with_one_word(tmp_path: Path) -> None:
    async with cloud(tmp_path) as emulator:
        good = EngineSettings(models=Path(), google=access(emulator))
        found = await check_provider("google", good)
        assert (found.ok, found.code) == (True, "")
        assert found.details["region"] == emulator.speech.rules.region
        bad = EngineSettings(
            models=Path(), google=access(emulator, credentials="", api_key="x" * 39, project="p")
        )
        found = await check_provider("google", bad)
        assert (found.ok, found.code) == (False, "key_refused")
        assert "x" * 39 not in found.message


async def test_a_check_of_elevenlabs_says_what_is_left() -> None:
    async with emulated() as vendor:
        good = EngineSettings(models=Path(), elevenlabs=access_to(vendor))
        found = await check_provider("elevenlabs", good)
        assert (found.ok, found.code) == (True, "")
        assert int(found.details["characters_left"]) > 0
        assert found.details["plan"]
        wrong = access_to(vendor, api_key="sk_s3cret-and-wrong")
        bad = EngineSettings(models=Path(), elevenlabs=wrong)
        found = await check_provider("elevenlabs", bad)
        assert (found.ok, found.code) == (False, "key_refused")
        assert "s3cret" not in found.message


async def test_a_vendor_that_is_not_there_is_said_so() -> None:
    nowhere = "https://127.0.0.1:9"
    async with emulated() as vendor:
        away = EngineSettings(models=Path(), elevenlabs=access_to(vendor, base_url=nowhere))
        assert (await check_provider("elevenlabs", away)).code == "vendor_unreachable"
