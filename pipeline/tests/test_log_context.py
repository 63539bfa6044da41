"""Ids follow the work: into its tasks and threads, and nowhere else."""

from __future__ import annotations

import asyncio

from pipeline.runtime import log_context


def test_a_block_adds_ids_and_gives_back_what_was_there() -> None:
    with log_context.bind(request="r"):
        with log_context.bind(session="s"):
            assert log_context.fields() == {"request": "r", "session": "s"}
        assert log_context.fields() == {"request": "r"}
    assert log_context.fields() == {}


async def test_tasks_and_threads_inherit_and_neighbours_do_not() -> None:
    async def conversation(session: str) -> tuple[str, str]:
        log_context.bind_task(session=session)
        await asyncio.sleep(0)
        own = asyncio.create_task(here())
        return await own, await asyncio.to_thread(lambda: log_context.fields()["session"])

    async def here() -> str:
        return log_context.fields()["session"]

    heard = await asyncio.gather(*(asyncio.create_task(conversation(s)) for s in "ab"))
    assert heard == [("a", "a"), ("b", "b")]
    assert log_context.fields() == {}


def test_a_thread_that_goes_on_to_other_work_lets_go_of_an_id() -> None:
    with log_context.bind(worker="w"):
        log_context.bind_task(task="t")
        log_context.unbind_task("task", "never bound")
        assert log_context.fields() == {"worker": "w"}
