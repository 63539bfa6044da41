"""Steps: other ways in, and coming back after a broken connection."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from pipeline.wire import SUBPROTOCOL
from sessions_app.protocol.messages import CloseCode
from sessions_app.protocol_check.probe import StepFailedError, expect, probe
from sessions_app.protocol_check.steps_access import expect_code
from sessions_app.protocol_check.subject import Subject
from sessions_app.socket_client.live_client import LiveClient

HTTP_S = 10.0
PATIENCE_S = 30.0
CUT_S = 2.5
"""Of the speech: in the middle of a clause."""
FINISH_S = 120.0


async def a_ticket_opens_one_connection(subject: Subject) -> None:
    ticket = await asyncio.to_thread(_ticket, subject)
    offered = (SUBPROTOCOL, ticket["subprotocol"])
    async with probe(subject.server, subprotocols=offered) as connection:
        chosen = connection.subprotocol
        expect(chosen == SUBPROTOCOL, f"the subprotocol {SUBPROTOCOL}", chosen or "none")
        await connection.alive()
    async with probe(subject.server, subprotocols=offered) as connection:
        expect_code(CloseCode.NOT_AUTHENTICATED, await connection.closed())


async def a_first_message_may_say_who_it_is(subject: Subject) -> None:
    ticket = await asyncio.to_thread(_ticket, subject)
    for credential in (subject.token, ticket["ticket"]):
        async with probe(subject.server) as connection:
            await connection.send(type="authenticate", token=credential)
            await connection.alive()


async def a_first_message_that_names_nobody_ends_the_connection(subject: Subject) -> None:
    async with probe(subject.server) as connection:
        await connection.send(type="authenticate", token="0" * 64)
        expect_code(CloseCode.NOT_AUTHENTICATED, await connection.closed())
        expect(connection.heard("closing"), "a closing message", connection.events)


async def a_resume_that_makes_no_sense_is_refused(subject: Subject) -> None:
    async with subject.open(path=f"/ws/check/{subject.earlier().session_id}?resume=x") as other:
        expect_code(CloseCode.BAD_ADDRESS, await other.closed())


async def a_resume_of_nothing_begins_anew(subject: Subject) -> None:
    async with subject.open(path=f"/ws/check/{subject.earlier().session_id}?resume=7") as other:
        resumed = await other.until("resumed")
        expect(resumed["how"] == "new", "a resumed message with how=new", resumed)
        await other.alive()


async def a_broken_connection_is_resumed_without_loss(subject: Subject) -> None:
    async with LiveClient.connect(subject.server, subject.token, patience_s=PATIENCE_S) as client:
        await client.send(
            type="start_dubbing", target_language=subject.target, source_language=subject.source
        )
        streaming: asyncio.Task[None] | None = None
        async with asyncio.timeout(FINISH_S):
            async for event in client.events():
                if event["type"] == "ready":
                    streaming = asyncio.create_task(client.stream([subject.speech()]))
                    asyncio.get_running_loop().call_later(CUT_S, client.drop)
        if streaming is not None:
            await streaming
    came = {"resumes": client.resumes, "missing": client.missing}
    expect(set(client.resumes) <= {"same", "moved"} and client.resumes, "a resume", came)
    expect(not client.missing, "no message missing", came)
    heard = list(client.lines.values())
    whole = all(line.complete or line.skipped for line in heard)
    expect(heard and whole, "every line with all of its sound", [line.line for line in heard])


async def a_message_that_is_sent_again_counts_once(subject: Subject) -> None:
    async with subject.open() as connection:
        await connection.start(subject.target, subject.source, number=1)
        await connection.send(
            type="start_dubbing",
            target_language=subject.target,
            source_language=subject.source,
            number=1,
        )
        await connection.alive()
        await connection.stop()
        expect(len(connection.heard("ready")) == 1, "one ready message", connection.events)


async def messages_can_be_acknowledged(subject: Subject) -> None:
    async with subject.open() as connection:
        await connection.alive()
        await connection.send(type="acknowledge", sequence=0)
        await connection.alive()


def _ticket(subject: Subject) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - the server that the caller names
        f"{subject.http}/api/ticket",
        method="POST",
        headers={"Authorization": f"Token {subject.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=HTTP_S) as answer:  # noqa: S310
            ticket: dict[str, Any] = json.load(answer)
            return ticket
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise StepFailedError("a ticket from POST /api/ticket", str(error)) from None


STEPS = (
    a_ticket_opens_one_connection,
    a_first_message_may_say_who_it_is,
    a_first_message_that_names_nobody_ends_the_connection,
    a_resume_that_makes_no_sense_is_refused,
    a_resume_of_nothing_begins_anew,
    a_broken_connection_is_resumed_without_loss,
    a_message_that_is_sent_again_counts_once,
    messages_can_be_acknowledged,
)
