"""``manage.py create_user --email …``: an account, with a password that is asked for."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import create_user


class Command(BaseCommand):
    help = "Make an account; the password is asked for, or read from standard input in a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--admin", action="store_true", help="may use the admin pages")
        parser.add_argument(
            "--no-password", action="store_true", help="tokens only, no login on the pages"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        password = None if options["no_password"] else _ask_password()
        try:
            user = create_user(email=options["email"], password=password, is_staff=options["admin"])
        except ValidationError as wrong:
            raise CommandError(" ".join(wrong.messages)) from None
        self.stdout.write(f"Made the account {user.email}.")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except EOFError:
        raise CommandError("No password was given; --no-password is for none.") from None
    if again != password:
        raise CommandError("The two passwords differ.")
    return password
