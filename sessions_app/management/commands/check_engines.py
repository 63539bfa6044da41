"""``manage.py check_engines``: tries each engine and its key with one cheap call."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import user_by_email
from sessions_app.engines.engine_list import Checked, check_installation, check_keys_of


class Command(BaseCommand):
    help = "Say of each engine whether it works with its key: the installation's, or a person's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="check this person's own keys instead")

    def handle(self, *args: Any, **options: Any) -> None:
        found = self._of_person(options["email"]) if options["email"] else check_installation()
        for one in found:
            self.stdout.write(_line(one))
        # An engine without a key is nothing wrong: not everybody needs every vendor.
        wrong = [one.engine for one in found if not one.result.ok and _is_wanted(one)]
        if wrong:
            raise CommandError(f"These do not work: {', '.join(wrong)}.")

    def _of_person(self, email: str) -> list[Checked]:
        user = user_by_email(email)
        if user is None:
            raise CommandError(f"Nobody has the address {email}.")
        found = check_keys_of(user.pk)
        if not found:
            raise CommandError(
                f"{user.email} has no key that is used here; manage.py set_engine_key takes one."
            )
        return found


def _is_wanted(one: Checked) -> bool:
    return bool(one.key) or one.engine == "offline"


def _line(one: Checked) -> str:
    state = "ok" if one.result.ok else ("WRONG" if _is_wanted(one) else "–")
    details = ", ".join(f"{name} {value}" for name, value in one.result.details.items())
    reason = f" ({one.result.code})" if one.result.code else ""
    return f"{one.engine:<12}{state:<7}{one.result.message}{reason}" + (
        f" [{details}]" if details else ""
    )
