"""Language codes as clients write them. Pure."""

from __future__ import annotations

import re

from pipeline.wire import WireError

_LANGUAGE = re.compile(r"(auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)")


def language_of(text: str, field: str) -> str:
    """The primary language of a tag: “es-MX” is es. Raises WireError."""
    if not _LANGUAGE.fullmatch(text):
        raise WireError("language_invalid", f"{field} is not a language code such as “es”.")
    return re.split("[-_]", text)[0].lower()


def target_of(text: str) -> str:
    """Like ``language_of`` for the language to dub into, which must be named."""
    if text == "auto":
        raise WireError("language_invalid", "target_language must name a language.")
    return language_of(text, "target_language")
