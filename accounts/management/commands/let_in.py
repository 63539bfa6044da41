"""``manage.py let_in --email …``: whoever runs the server vouches for who signed up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import let_in


class Command(BaseCommand):
    help = "Take an address as verified, where no mail can be sent to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        user = let_in(options["email"])
        if user is None:
            raise CommandError("Nobody has signed up with this address.")
        self.stdout.write(f"{user.email} can log in now.")
