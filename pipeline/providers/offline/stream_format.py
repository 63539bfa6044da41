"""Reading Apertium's stream format: escapes resolved, marks taken out and noted."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ESCAPE_OR_MARK = re.compile(r"\\(?P<literal>.)|(?P<mark>[*#@])(?P<word>\w*)|[~\[\]]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    unknown: frozenset[str]
    """Words that the analyser does not know, as they were written."""


def read_reply(raw: str) -> Reply:
    """What a pipeline answered, as plain text.

    ``*`` marks words unknown to the analyser, ``@`` to the bilingual dictionary,
    ``#`` forms that the generator could not make; ``~`` and brackets are the
    format's own.
    """
    unknown: set[str] = set()

    def resolve(match: re.Match[str]) -> str:
        if match["literal"] is not None:
            return match["literal"]
        if match["mark"] == "*" and match["word"]:
            unknown.add(match["word"])
        return match["word"] or ""

    text = _ESCAPE_OR_MARK.sub(resolve, raw)
    return Reply(" ".join(text.split()), frozenset(unknown))
