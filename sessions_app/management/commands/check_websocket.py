"""``manage.py check_websocket``: does a running server speak the protocol, message by message?"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from accounts.selectors import user_by_email
from accounts.services import TokenLimitReachedError, create_token
from sessions_app.protocol_check.run import check
from sessions_app.protocol_check.subject import Subject

TOKEN_LASTS = timedelta(hours=1)


class Command(BaseCommand):
    help = (
        "Drive a running server through every message of its socket protocol and say what "
        "each step expected and got. Ends with 1 when a step fails. With --token it needs no "
        "database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--server", help="http://… or ws://…; default: the one of PORT here")
        credential = parser.add_mutually_exclusive_group(required=True)
        credential.add_argument("--token", help="API token")
        credential.add_argument("--email", help="whose token to make, for an hour")
        parser.add_argument("--from", dest="source", default="en", help="source language")
        parser.add_argument("--to", default="es", help="target language")
        parser.add_argument("--audio", type=Path, help="speech to dub; default: the demo's clip")
        parser.add_argument("--foreign-session", help="id of a session of somebody else")

    def handle(self, *args: Any, **options: Any) -> None:
        server = options["server"] or f"ws://127.0.0.1:{settings.PORT}"
        subject = Subject(
            server=server.rstrip("/").replace("http", "ws", 1),
            token=options["token"] or _make_token(options["email"]),
            source=options["source"],
            target=options["to"],
            clip=options["audio"] or settings.DUBBING_VAR / "demo" / "dialogue.wav",
            foreign_session=options["foreign_session"],
        )
        try:
            failed = asyncio.run(self._check(subject))
        except KeyboardInterrupt:
            raise CommandError("stopped") from None
        if failed:
            raise CommandError(f"{failed} steps failed.")
        self.stdout.write("The server speaks the protocol.")

    async def _check(self, subject: Subject) -> int:
        """Number of failed steps; each is told as soon as it is done."""
        failed = 0
        async for outcome in check(subject):
            self.stdout.write(f"{outcome.how:<12} {outcome.name}")
            if outcome.how == "failed":
                failed += 1
                self.stdout.write(f"{'':13}expected: {outcome.expected}")
                self.stdout.write(f"{'':13}came:     {outcome.came}")
            elif outcome.came:
                self.stdout.write(f"{'':13}{outcome.came}")
            self.stdout.flush()
        return failed


def _make_token(email: str) -> str:
    try:
        user = user_by_email(email)
        if user is None:
            raise CommandError(f"Nobody has the address {email}; see manage.py create_user.")
        return create_token(user, name="check_websocket", lasts=TOKEN_LASTS).token
    except (ValidationError, TokenLimitReachedError, DatabaseError) as error:
        raise CommandError(f"No token could be made: {error}") from None
