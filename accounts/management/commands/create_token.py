"""``manage.py create_token --email …``: an API token for someone who has an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import user_by_email
from accounts.services import TokenLimitReachedError, create_token


class Command(BaseCommand):
    help = "Make an API token and print it, for the only time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="command line", help="what to call the token")
        parser.add_argument("--days", type=int, help="life of the token; default: as set")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_by_email(options["email"])
        if user is None:
            raise CommandError(
                f"Nobody has the address {options['email']}; make the account first: "
                "manage.py create_user --email …"
            )
        days = options["days"]
        try:
            lasts = timedelta(days=days) if days is not None else None
            new = create_token(user, name=options["name"], lasts=lasts)
        except ValidationError as wrong:
            raise CommandError(" ".join(wrong.messages)) from None
        except (TokenLimitReachedError, OverflowError) as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(new.token)
