"""Who fills which role: the setting, the session's wish, and the keys that there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.ports import EngineError
from pipeline.providers.catalogue import PROVIDERS, Provider, parse_engines
from pipeline.providers.choice import choose
from pipeline.providers.settings import ElevenLabsAccess, EngineSettings, GoogleAccess

GOOGLE, ELEVEN, BOTH = {"google"}, {"elevenlabs"}, {"google", "elevenlabs"}


@pytest.mark.parametrize(
    ("setting", "given", "wish", "expected"),
    [
        ("auto", set(), {}, ("offline", "offline", "offline")),
        ("auto", GOOGLE, {}, ("google", "google", "offline")),
        ("auto", ELEVEN, {}, ("offline", "offline", "elevenlabs")),
        ("auto", BOTH, {}, ("google", "google", "elevenlabs")),
        ("auto", BOTH, {"synthesis": "offline"}, ("google", "google", "offline")),
        ("offline", BOTH, {}, ("offline", "offline", "offline")),
        ("offline", BOTH, {"recognition": "google"}, ("google", "offline", "offline")),
        ("cloud", BOTH, {}, ("google", "google", "elevenlabs")),
        ("emulated", BOTH, {}, ("google", "google", "elevenlabs")),
        ("cloud", ELEVEN, {"recognition": "offline", "translation": "offline"},
         ("offline", "offline", "elevenlabs")),
        ("translator=google", BOTH, {}, ("google", "google", "elevenlabs")),
        ("recognizer=offline, synthesizer=offline", BOTH, {}, ("offline", "google", "offline")),
    ],
)  # fmt: skip
def test_wishes_go_before_the_setting_and_keys_decide_what_is_open(
    setting: str, given: set[str], wish: dict[str, str], expected: tuple[str, str, str]
) -> None:
    choice = choose(setting, given=given, wish=wish)
    assert (choice["recognizer"], choice["translator"], choice["synthesizer"]) == expected
    assert choice["cloner"] == choice["synthesizer"]
    assert choice["detector"] == choice["encoder"] == "offline"


def test_scripted_engines_come_with_scripted_ears() -> None:
    assert set(choose("scripted", given=BOTH).values()) == {"scripted"}


@pytest.mark.parametrize(
    ("setting", "wish", "code", "says"),
    [
        ("cloud", {}, "key_missing", "Google"),
        ("offline", {"synthesis": "elevenlabs"}, "key_missing", "ElevenLabs"),
        ("offline", {"synthesis": "elevnlabs"}, "engine_unknown", "elevenlabs, offline"),
        ("offline", {"synthesis": "google"}, "engine_role_unknown", "elevenlabs, offline"),
        ("offline", {"hearing": "google"}, "engine_role_unknown", "recognition, translation"),
        ("offline", {"recognition": "whisper"}, "model_missing", "WHISPER_MODEL"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    setting: str, wish: dict[str, str], code: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        PROVIDERS,
        "whisper",
        Provider(module="", roles=frozenset({"recognizer"}), needs="whisper"),
    )
    with pytest.raises(EngineError, match=says) as refused:
        choose(setting, given=set(), wish=wish)
    assert refused.value.code == code
    assert not refused.value.recoverable


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Provider(module="", roles=frozenset({"recognizer"}), package="no_such_package")
    monkeypatch.setitem(PROVIDERS, "absent", missing)
    with pytest.raises(EngineError, match="no_such_package"):
        choose("offline", given=set(), wish={"recognition": "absent"})


@pytest.mark.parametrize(
    "setting", ["cloudy", "google", "recognizer=elevenlabs", "hearing=google", "recognizer=x"]
)
def test_a_wrong_setting_says_what_is_allowed(setting: str) -> None:
    with pytest.raises(ValueError, match="one of"):
        parse_engines(setting)


def test_choosing_loads_no_engine_and_no_cloud() -> None:
    program = (
        "import sys; from pipeline.providers.choice import choose;"
        "choose('auto', given={'google', 'elevenlabs'});"
        "found = {n for n in sys.modules if n.startswith(('pipeline.providers.off',"
        " 'pipeline.providers.google', 'pipeline.providers.eleven', 'elevenlabs', 'grpc'))};"
        "sys.exit(', '.join(found) if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_settings_of_engines_never_show_their_keys() -> None:
    settings = EngineSettings(
        models=Path(),
        google=GoogleAccess(credentials="s3cret-json", api_key="s3cret-key"),
        elevenlabs=ElevenLabsAccess(api_key="s3cret-voice"),
    )
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(settings)
