from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.guards.breaker import AT_ONCE, OF_THE_REQUEST, Breaker, BreakerRules
from pipeline.ports import EngineError

RULES = BreakerRules(failures=2, within_s=10.0, open_s=1.0, open_most_s=8.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("vendor", RULES, clock=clock)


def error(code: str = "vendor_failed") -> EngineError:
    return EngineError(code, "the test says so")


def test_one_failure_leaves_it_closed_and_two_open_it(breaker: Breaker) -> None:
    breaker.failed(error())
    assert breaker.closed
    breaker.failed(error())
    assert breaker.state == "open"
    assert breaker.reason == "vendor_failed"


def test_failures_far_apart_do_not_add_up(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed(error())
        clock.now += 11
    assert breaker.closed


def test_an_answer_that_never_came_opens_it_at_once(breaker: Breaker) -> None:
    breaker.failed(error("engine_timeout"))
    assert not breaker.closed


def test_an_answer_that_never_came_is_one_requests_own_while_others_are_answered(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(20):
        for _ in range(2 * RULES.answers):
            clock.now += 0.1
            breaker.succeeded()
        breaker.failed(error("engine_timeout"))
        assert breaker.closed
    # The vendor falls silent for everybody.
    clock.now += RULES.silent_s
    breaker.failed(error("engine_timeout"))
    assert not breaker.closed


def test_a_vendor_that_leaves_many_unanswered_is_left_alone_although_it_answers_some(
    breaker: Breaker, clock: Clock
) -> None:
    asked = 0
    while breaker.closed:
        asked += 1
        assert asked < 10
        clock.now += 0.1
        breaker.succeeded()
        breaker.failed(error("engine_timeout"))
    assert breaker.reason == "engine_timeout"


def test_requests_that_broke_with_one_connection_are_one_failure(
    breaker: Breaker, clock: Clock
) -> None:
    broken = error("vendor_unreachable")
    for _ in range(5):
        breaker.failed(broken)
    assert breaker.closed
    clock.now += RULES.silent_s
    breaker.failed(broken)
    assert not breaker.closed


@pytest.mark.parametrize("code", sorted(AT_ONCE))
def test_what_a_person_must_mend_is_not_tried_again_soon(
    code: str, breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(error(code))
    clock.now += RULES.open_most_s - 0.1
    assert not breaker.take_probe()
    clock.now += 0.2
    assert breaker.take_probe()


@pytest.mark.parametrize("code", [*sorted(OF_THE_REQUEST), "vendor_busy"])
def test_failures_of_a_request_say_nothing_of_the_vendor(code: str, breaker: Breaker) -> None:
    for _ in range(10):
        breaker.failed(error(code))
    assert breaker.closed


def test_there_is_one_probe_and_a_good_one_closes_it(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(error("engine_timeout"))
    assert not breaker.take_probe()
    clock.now += 1.0
    assert breaker.take_probe()
    assert not breaker.take_probe()
    breaker.succeeded()
    assert breaker.closed
    assert breaker.reason == ""


def test_waits_double_up_to_the_limit_and_begin_anew_after_success(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(error("engine_timeout"))
    waits = []
    for _ in range(6):
        waited = 0.0
        while not breaker.take_probe():
            clock.now += 0.5
            waited += 0.5
        waits.append(waited)
        breaker.failed(error())
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    while not breaker.take_probe():
        clock.now += 0.5
    breaker.succeeded()
    breaker.failed(error("engine_timeout"))
    clock.now += 1.0
    assert breaker.take_probe()


def test_a_late_answer_does_not_close_what_has_opened(breaker: Breaker) -> None:
    breaker.failed(error("engine_timeout"))
    breaker.succeeded()
    assert not breaker.closed


def test_a_probe_that_meets_a_failure_of_the_request_shows_that_it_answers(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(error("engine_timeout"))
    clock.now += 1.0
    assert breaker.take_probe()
    breaker.failed(error("vendor_refused"))
    assert breaker.closed


def test_a_probe_that_is_given_up_is_due_again(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(error("engine_timeout"))
    clock.now += 1.0
    assert breaker.take_probe()
    breaker.given_up()
    assert breaker.take_probe()


@given(st.lists(st.sampled_from(["ok", "fail", "timeout", "wait", "probe"]), max_size=60))
def test_it_never_lets_two_probes_out_and_always_comes_back(steps: list[str]) -> None:
    clock = Clock()
    breaker = Breaker("vendor", RULES, clock=clock)
    probing = False
    for step in steps:
        if step == "ok":
            breaker.succeeded()
            probing = probing and not breaker.closed
        elif step in ("fail", "timeout"):
            breaker.failed(error("engine_timeout" if step == "timeout" else "vendor_failed"))
            probing = False
        elif step == "wait":
            clock.now += 3.0
        elif breaker.take_probe():
            assert not probing
            probing = True
    clock.now += RULES.open_most_s + 1
    if not breaker.closed:
        if breaker.state == "half_open":
            breaker.given_up()
        assert breaker.take_probe()
        breaker.succeeded()
    assert breaker.closed
