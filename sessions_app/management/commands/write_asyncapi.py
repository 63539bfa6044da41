"""``manage.py write_asyncapi``: keep the committed document of the socket as the source is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app.protocol.asyncapi import PATH, as_text


class Command(BaseCommand):
    help = "Write sessions_app/protocol/asyncapi.json from the typed messages of the socket."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when it would change"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            PATH.write_text(as_text(), encoding="utf-8")
            self.stdout.write(f"Wrote {PATH}")
        elif not PATH.exists() or PATH.read_text(encoding="utf-8") != as_text():
            raise CommandError(f"{PATH.name} is not as the source is: run manage.py write_asyncapi")
