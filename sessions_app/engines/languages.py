"""Language codes as clients write them, and what the engines can make of them. Pure."""

from __future__ import annotations

import re

from pipeline.bounds import CANDIDATES_MAX
from pipeline.plan import AUTO, Engines
from pipeline.ports import EngineError
from pipeline.wire import WireError

_LANGUAGE = re.compile(r"(auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)")


def language_of(text: str, field: str) -> str:
    """The primary language of a tag: “es-MX” is es. Raises WireError."""
    if not _LANGUAGE.fullmatch(text):
        raise WireError("language_invalid", f"{field} is not a language code such as “es”.")
    return re.split("[-_]", text)[0].lower()


def target_of(text: str) -> str:
    """Like ``language_of`` for the language to dub into, which must be named."""
    if text == AUTO:
        raise WireError("language_invalid", "target_language must name a language.")
    return language_of(text, "target_language")


def candidates_of(texts: list[str], source_language: str) -> tuple[str, ...]:
    """The languages that “auto” is to choose among, each once. Raises WireError."""
    if not texts:
        return ()
    if source_language != AUTO:
        raise WireError(
            "candidates_invalid",
            "source_candidates go with source_language “auto”; leave them out when it is named.",
        )
    if len(texts) > CANDIDATES_MAX or AUTO in texts:
        raise WireError(
            "candidates_invalid", f"source_candidates name at most {CANDIDATES_MAX} languages."
        )
    return tuple(dict.fromkeys(language_of(text, "source_candidates") for text in texts))


def resolve_source(
    engines: Engines,
    wanted: str,
    target: str,
    *,
    candidates: tuple[str, ...] = (),
    usual: tuple[str, ...] = (),
) -> tuple[str, tuple[str, ...]]:
    """The language to recognise, and what “auto” then chooses among.

    An engine that tells languages apart keeps “auto”: among the session's candidates, else
    among any where it can, else among the ``usual`` ones that can be dubbed. For an engine
    that cannot, it becomes the likeliest language there is. Raises EngineError.
    """
    if wanted != AUTO:
        return wanted, ()
    recognizer = engines.recognizer
    known = recognizer.languages
    able = {source for source, to in engines.translator.pairs() if to == target}
    if candidates and recognizer.candidates_max > 1:
        return AUTO, candidates
    if recognizer.finds_any and not candidates:
        return AUTO, ()
    if recognizer.candidates_max > 1:
        among = tuple(one for one in usual if one in known and (one in able or one == target))
        if len(among) > 1:
            return AUTO, among[: recognizer.candidates_max]
    usable = sorted(able & known) or sorted(known)
    if not usable:
        raise EngineError(
            "source_language_unsupported",
            f"{recognizer.name} recognises no language on this server.",
            recoverable=False,
        )
    if named := [one for one in candidates if one in usable]:
        return named[0], ()
    return ("en" if "en" in usable else usable[0]), ()


def available_pairs(engines: Engines) -> list[tuple[str, str]]:
    """(source, target) pairs that can be heard, translated and spoken."""
    spoken = engines.synthesizer.languages()
    return sorted(
        (source, target)
        for source, target in engines.translator.pairs()
        if source in engines.recognizer.languages and target in spoken
    )
