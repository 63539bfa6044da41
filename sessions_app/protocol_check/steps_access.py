"""Steps: who is let in, and where."""

from __future__ import annotations

import asyncio
import time
import uuid

from pipeline.wire import SUBPROTOCOL
from sessions_app.protocol.messages import SUBPROTOCOL_JSON, CloseCode
from sessions_app.protocol_check.probe import StepFailedError, expect, probe
from sessions_app.protocol_check.subject import NotCheckedError, Subject

RELEASE_S = 25.0
"""A session whose client left may be kept for it so long."""
RETRY_S = 0.5


async def without_a_token_nobody_is_let_in(subject: Subject) -> None:
    async with probe(subject.server) as connection:
        await connection.send(type="ping")
        expect_code(CloseCode.NOT_AUTHENTICATED, await connection.closed())


async def a_wrong_token_is_refused(subject: Subject) -> None:
    async with probe(subject.server, token="0" * 64) as connection:
        expect_code(CloseCode.NOT_AUTHENTICATED, await connection.closed())


async def a_token_in_a_header_is_taken(subject: Subject) -> None:
    for scheme in ("Token", "Bearer"):
        async with subject.open(scheme=scheme) as connection:
            await connection.alive()


async def a_token_as_a_subprotocol_is_taken_and_not_echoed(subject: Subject) -> None:
    for protocol in (SUBPROTOCOL, SUBPROTOCOL_JSON):
        offered = (protocol, f"token.{subject.token}")
        async with probe(subject.server, subprotocols=offered) as connection:
            chosen = connection.subprotocol
            expect(chosen == protocol, f"the subprotocol {protocol}", chosen or "none")
            await connection.alive()


async def wrong_addresses_are_told_apart(subject: Subject) -> None:
    for path, code in (
        ("/ws/check/not-a-uuid", CloseCode.BAD_ADDRESS),
        (f"/elsewhere/{uuid.uuid4()}", CloseCode.NO_SUCH_ADDRESS),
    ):
        async with subject.open(path=path) as connection:
            expect_code(code, await connection.closed())


async def an_unknown_session_is_made_for_who_asks(subject: Subject) -> None:
    async with subject.open(session_id=str(uuid.uuid4())) as connection:
        await connection.alive()


async def a_session_of_somebody_else_is_closed_to_us(subject: Subject) -> None:
    if subject.foreign_session is None:
        raise NotCheckedError("needs --foreign-session, the id of somebody else's session")
    async with subject.open(session_id=subject.foreign_session) as connection:
        expect_code(CloseCode.NOT_YOURS, await connection.closed())


async def only_one_connection_dubs_a_session(subject: Subject) -> None:
    async with subject.open() as first:
        await first.alive()
        async with subject.open(session_id=first.session_id) as second:
            expect_code(CloseCode.SESSION_BUSY, await second.closed())
        await first.alive()


async def a_session_can_be_entered_again(subject: Subject) -> None:
    async with subject.open() as first:
        await first.start(subject.target, subject.source)
    until = time.monotonic() + RELEASE_S
    while True:
        async with subject.open(session_id=first.session_id) as second:
            await second.send(type="ping", id="again")
            try:
                await second.until("pong")
            except StepFailedError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(RETRY_S)
                continue
            ready = await second.start(subject.target, subject.source)
            same = ready["session_id"] == first.session_id
            expect(same, f"session {first.session_id}", ready)
            return


def expect_code(code: CloseCode, came: int) -> None:
    expect(came == code, f"close code {int(code)} ({code.name})", f"close code {came}")


STEPS = (
    without_a_token_nobody_is_let_in,
    a_wrong_token_is_refused,
    a_token_in_a_header_is_taken,
    a_token_as_a_subprotocol_is_taken_and_not_echoed,
    wrong_addresses_are_told_apart,
    an_unknown_session_is_made_for_who_asks,
    a_session_of_somebody_else_is_closed_to_us,
    only_one_connection_dubs_a_session,
    a_session_can_be_entered_again,
)
