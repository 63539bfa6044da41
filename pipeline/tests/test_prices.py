"""What engines cost, as the operator writes it."""

from __future__ import annotations

import pytest

from pipeline import metrics
from pipeline.guards.prices import ENGINES, parse_prices
from pipeline.guards.usage import Meter, Used
from pipeline.providers.elevenlabs.synthesizer import ElevenLabsSynthesizer
from pipeline.providers.google.recognizer import GoogleRecognizer
from pipeline.providers.google.translator import GoogleTranslator
from pipeline.providers.offline.recognizer import PocketSphinxRecognizer
from pipeline.providers.offline.translator import ApertiumTranslator


def test_a_price_is_money_for_so_many_units() -> None:
    prices = parse_prices(
        "google-speech:recognition=0.016/60, google-translate:translation=20/1000000,"
        "elevenlabs:synthesis=0.15/1000"
    )
    assert prices["google-speech", "recognition"].of(90.0) == pytest.approx(0.024)
    assert prices["google-translate", "translation"].of(500) == pytest.approx(0.01)
    assert prices["elevenlabs", "synthesis"].of(2000) == pytest.approx(0.3)
    assert parse_prices("") == {}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("elevenlabs=0.15/1000", "engine:leg=money/units"),
        ("elevenlabs:synthesis=0.15", "engine:leg=money/units"),
        ("elevenlabs:synthesis=-1/1000", "engine:leg=money/units"),
        ("elevenlabs:synthesis=1e3/1000", "engine:leg=money/units"),
        ("elevenlabs:synthesis=0.15/0", "units above 0"),
        ("elevenlabs:synthesis=0.15/1000,", "engine:leg=money/units"),
        ("elevenlabs:speaking=0.15/1000", "recognition, translation, synthesis"),
        ("google-translation:translation=20/1000", "google-translate"),
        ("elevenlabs:recognition=0.15/1000", "google-speech"),
        ("espeak:synthesis=0/1,espeak:synthesis=1/1", "one price for espeak:synthesis"),
    ],
)
def test_a_wrong_price_says_what_is_allowed(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_prices(setting)


def test_prices_go_by_the_names_that_engines_have() -> None:
    assert {GoogleRecognizer.name, PocketSphinxRecognizer.name} <= set(ENGINES["recognition"])
    assert {GoogleTranslator.name, ApertiumTranslator.name} <= set(ENGINES["translation"])
    assert ElevenLabsSynthesizer.name in ENGINES["synthesis"]


def test_what_could_not_be_stored_comes_again_and_is_counted_once_in_the_metrics() -> None:
    def shown(name: str, **labels: str) -> float:
        return metrics.REGISTRY.get_sample_value(name, labels) or 0.0

    meter = Meter()
    meter.count("metered", "recognition", 0.0)
    meter.count("metered", "recognition", 1.5, requests=0)
    meter.count("metered", "translation", 20)
    taken = meter.take()
    assert meter.take() == ()
    meter.count("metered", "translation", 5)
    meter.give_back(taken)
    assert set(meter.take()) == {
        Used("metered", "recognition", 1.5, 1),
        Used("metered", "translation", 25, 2),
    }
    recognised = {"engine": "metered", "leg": "recognition"}
    assert shown("dubbing_engine_used_total", unit="seconds", **recognised) == 1.5
    assert shown("dubbing_engine_requests_total", **recognised) == 1
    translated = {"engine": "metered", "leg": "translation"}
    assert shown("dubbing_engine_used_total", unit="characters", **translated) == 25
    assert shown("dubbing_engine_requests_total", **translated) == 2
