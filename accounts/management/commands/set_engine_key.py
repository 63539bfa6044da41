"""``manage.py set_engine_key --email … --vendor …``: a person's own key, from standard input.

Never from an argument: what stands on a command line, others on the machine can read.
"""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.selectors import user_by_email
from accounts.services import UserKeysOffError, forget_engine_key, keep_engine_key
from pipeline.bounds import ENGINE_KEY_MAX_CHARS
from pipeline.providers.catalogue import VENDORS
from pipeline.providers.keys import KeyShapeError


class Command(BaseCommand):
    help = "Keep a person's own key of a vendor's; it is read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--vendor", required=True, choices=list(VENDORS))
        parser.add_argument("--remove", action="store_true", help="take the key away instead")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_by_email(options["email"])
        if user is None:
            raise CommandError(
                f"Nobody has the address {options['email']}; make the account first: "
                "manage.py create_user --email …"
            )
        vendor = options["vendor"]
        if options["remove"]:
            if not forget_engine_key(user, vendor=vendor):
                raise CommandError(f"{user.email} has no key from {VENDORS[vendor]}.")
            self.stdout.write(f"Took away the key of {VENDORS[vendor]}'s of {user.email}.")
            return
        try:
            key = keep_engine_key(user, vendor=vendor, text=_read_key())
        except (KeyShapeError, UserKeysOffError) as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(
            f"Kept the key of {VENDORS[vendor]}'s that ends in …{key.hint} for {user.email}. "
            f"Try it: manage.py check_engines --email {user.email}"
        )


def _read_key() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Key (one line; give a file as <file): ")
    return sys.stdin.read(ENGINE_KEY_MAX_CHARS + 1)
