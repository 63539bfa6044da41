from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.guards.gate import FairGate
from pipeline.ports import EngineError


async def test_no_more_than_the_limit_are_inside() -> None:
    gate = FairGate(3)
    inside = most = 0

    async def work(user: str) -> None:
        nonlocal inside, most
        async with gate.turn(user):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(work(f"u{n % 4}") for n in range(40)))
    assert most == 3
    assert (gate.inside, gate.waiting) == (0, 0)


async def test_a_user_with_many_requests_does_not_keep_another_waiting() -> None:
    gate = FairGate(1)
    order: list[str] = []

    async def work(user: str) -> None:
        async with gate.turn(user):
            order.append(user)
            await asyncio.sleep(0)

    greedy = [asyncio.create_task(work("greedy")) for _ in range(20)]
    await asyncio.sleep(0)
    modest = [asyncio.create_task(work("modest")) for _ in range(2)]
    await asyncio.gather(*greedy, *modest)
    assert order[:8].count("modest") == 2


async def test_too_many_in_line_are_refused() -> None:
    gate = FairGate(1, waiting_max=2)
    go = asyncio.Event()

    async def work() -> None:
        async with gate.turn("u"):
            await go.wait()

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(EngineError) as refused:
        async with gate.turn("v"):
            pass
    assert refused.value.code == "vendor_busy"
    go.set()
    await asyncio.gather(*tasks)


async def test_a_learned_limit_counts_at_once_and_never_exceeds_ours() -> None:
    gate = FairGate(4)
    gate.learn(2)
    assert gate.limit == 2
    gate.learn(50)
    assert gate.limit == 4
    gate.learn(None)
    assert gate.limit == 4


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=30),
)
def test_cancelled_waiters_leave_no_place_behind(
    limit: int, people: list[tuple[str, bool]]
) -> None:
    async def play() -> None:
        gate = FairGate(limit)
        served: Counter[str] = Counter()

        async def work(user: str) -> None:
            async with gate.turn(user):
                await asyncio.sleep(0)
                served[user] += 1

        tasks = [(asyncio.create_task(work(user)), leaves) for user, leaves in people]
        await asyncio.sleep(0)
        for task, leaves in tasks:
            if leaves:
                task.cancel()
                await asyncio.sleep(0)
        await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        assert (gate.inside, gate.waiting) == (0, 0)
        stayed = sum(not leaves for _, leaves in people)
        assert sum(served.values()) >= stayed
        async with gate.turn("late"):
            assert gate.inside == 1

    asyncio.run(play())
