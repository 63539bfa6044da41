"""Mails of a server that sends none: files for whoever runs it."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings


def link_to(address: str) -> str:
    """The link in the newest mail to somebody."""
    folder = Path(settings.EMAIL_FILE_PATH)
    for path in sorted(folder.glob("*.log"), key=lambda one: one.stat().st_mtime, reverse=True):
        text = path.read_text(encoding="utf-8")
        if f"To: {address}\n" in text and (found := re.search(r"https?://\S+", text)):
            return found[0]
    raise AssertionError(f"no mail to {address} in {folder}")
