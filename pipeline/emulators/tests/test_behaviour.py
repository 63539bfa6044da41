from __future__ import annotations

from pipeline.emulators.behaviour import Delays, Fault, Faults


def test_a_delay_without_jitter_is_its_mean() -> None:
    assert Delays(interim=0.15).draw("interim") == 0.15


def test_jitter_stays_within_its_share_and_repeats_with_its_seed() -> None:
    def drawn(seed: int) -> list[float]:
        delays = Delays(translation=0.1, jitter=0.5, seed=seed)
        return [delays.draw("translation") for _ in range(100)]

    assert all(0.05 <= one <= 0.15 for one in drawn(1))
    assert max(drawn(1)) - min(drawn(1)) > 0.05
    assert drawn(1) == drawn(1) != drawn(2)


def test_nothing_goes_wrong_unasked() -> None:
    assert Faults().pick("speech") is None


def test_a_fault_waits_for_its_call_and_ends_after_its_times() -> None:
    faults = Faults()
    faults.add(Fault(scenario="unavailable", legs=("speech",), after_n=1, times=2))
    picked = [faults.pick("speech") for _ in range(5)]
    assert [one is not None for one in picked] == [False, True, True, False, False]
    assert faults.counts == {"unavailable": 2}


def test_only_the_named_legs_fail() -> None:
    faults = Faults()
    faults.always("stall", "translation")
    assert faults.pick("speech") is None
    assert faults.pick("translation") is not None


def test_messages_inside_a_call_fail_only_where_they_are_named() -> None:
    faults = Faults()
    faults.always("drop")
    assert faults.pick("speech.audio") is None
    faults.always("drop", "speech.audio")
    assert faults.pick("speech.audio") is not None


def test_one_percent_is_about_one_percent() -> None:
    faults = Faults(seed=3)
    faults.with_probability(0.01, "unavailable")
    assert 60 < sum(faults.pick("translation") is not None for _ in range(10_000)) < 140


def test_cleared_faults_are_over_and_still_counted() -> None:
    faults = Faults()
    faults.once("unavailable", "speech")
    faults.pick("speech")
    faults.always("stall", "speech")
    faults.clear()
    assert faults.pick("speech") is None
    assert faults.counts["unavailable"] == 1
