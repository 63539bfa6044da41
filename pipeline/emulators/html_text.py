"""Text that a translation service takes for HTML: what is kept, what comes back escaped."""

from __future__ import annotations

import html
import re

_KEPT = re.compile(
    r"<(\w+)\b[^>]*\b(?:translate=[\"']?no\b|class=[\"']?notranslate\b)[^>]*>(.*?)</\1>",
    re.DOTALL,
)
_TAG = re.compile(r"<[^>]+>")


def read(source: str) -> tuple[str, dict[str, str]]:
    """Plain text, and what must stay as it is → the element it stood in."""
    kept = {html.unescape(match[2]): match[0] for match in _KEPT.finditer(source) if match[2]}
    return html.unescape(_TAG.sub("", source)), kept


def write(translated: str, kept: dict[str, str]) -> str:
    """As the service writes HTML: apostrophes and quotes escaped, kept elements in place."""
    escaped = html.escape(translated).replace("&#x27;", "&#39;")
    for text, element in kept.items():
        escaped = escaped.replace(html.escape(text).replace("&#x27;", "&#39;"), element)
    return escaped
