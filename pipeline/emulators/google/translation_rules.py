"""What the emulated Translation v3 takes, and how it refuses the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import grpc

from pipeline.emulators.google.status import RefusalError

SERVICE = "translate.googleapis.com"
PARENT = re.compile(r"projects/[^/]+(?:/locations/([^/]+))?")
_MODEL = re.compile(r"projects/[^/]+/locations/([^/]+)/models/(.+)")
GENERAL_MODELS = frozenset({"general/nmt", "general/translation-llm", "general/base"})
REGIONS = frozenset({"us-central1", "europe-west1", "europe-west4", "asia-northeast1"})
"""Where glossaries and adaptive translation live; ``global`` is none of them."""

LANGUAGES = frozenset(
    """
    af sq am ar hy as ay az bm eu be bn bho bs bg ca ceb ny zh zh-CN zh-TW co hr cs da dv doi nl
    en eo et ee tl fil fi fr fy gl ka de el gn gu ht ha haw iw he hi hmn hu is ig ilo id ga it ja
    jv jw kn kk km rw gom ko kri ku ckb ky lo la lv ln lt lg lb mk mai mg ms ml mt mi mr mni-Mtei
    lus mn my ne no nso or om ps fa pl pt pt-BR pt-PT pa qu ro ru sm sa gd sr st sn sd si sk sl so
    es su sw sv tg ta tt te th ti ts tr tk ak uk ur ug uz vi cy xh yi yo zu fr-CA
    """.split()
)
"""Codes as the service writes them; ``es-US`` and ``cmn-Hans-CN`` are not among them."""
_BASES = {"iw": "he", "zh-CN": "zh", "zh-TW": "zh", "pt-BR": "pt", "pt-PT": "pt", "fr-CA": "fr"}


@dataclass(kw_only=True)
class TranslationRules:
    """Documented limits; tests shorten them."""

    contents_most: int = 1_024
    """Texts of one request."""
    code_points: int = 30_720
    """Of one request's texts together."""
    characters_a_minute: int = 6_000_000
    quota_status: Literal["RESOURCE_EXHAUSTED", "PERMISSION_DENIED"] = "RESOURCE_EXHAUSTED"
    """The quota's page says 403, Google's own rule for quotas 429: clients meet both."""
    clock: Callable[[], float] = time.monotonic


class Quota:
    """Characters of a minute that began with the first call after the last one."""

    def __init__(self, rules: TranslationRules) -> None:
        self._rules = rules
        self._began = rules.clock()
        self._used = 0

    def take(self, characters: int) -> None:
        """Raises RefusalError where the minute has no room for so many more."""
        now = self._rules.clock()
        if now - self._began >= 60:
            self._began, self._used = now, 0
        if self._used + characters > self._rules.characters_a_minute:
            forbidden = self._rules.quota_status == "PERMISSION_DENIED"
            raise RefusalError(
                grpc.StatusCode[self._rules.quota_status],
                "User Rate Limit Exceeded"
                if forbidden
                else "Quota exceeded for quota metric 'Number of characters' and limit "
                "'Number of characters per minute'.",
                "RATE_LIMIT_EXCEEDED",
                {"service": SERVICE, "quota_limit": "CharactersPerMinutePerProject"},
                retry_s=None if forbidden else 60 - (now - self._began),
            )
        self._used += characters


def base_of(code: str) -> str:
    """ISO 639-1 code of one of ``LANGUAGES``."""
    return _BASES.get(code, code)


def location_of(parent: str) -> str:
    """Raises RefusalError where there is no parent or it is no project's."""
    found = PARENT.fullmatch(parent)
    if found is None:
        raise invalid(f"Invalid parent resource name. Parent: {parent}")
    return found[1] or "global"


def regional(parent: str, what: str) -> str:
    location = location_of(parent)
    if location not in REGIONS:
        raise invalid(f"Location {location} is not supported for {what}; use a regional one.")
    return location


def check_language(code: str, side: str) -> None:
    """``side``: Source or Target."""
    if code not in LANGUAGES:
        raise invalid(f"{side} language is invalid.")


def check_model(model: str, location: str) -> None:
    if not model:
        return
    found = _MODEL.fullmatch(model)
    if found is None or found[2] not in GENERAL_MODELS:
        raise invalid(f"Invalid model name; model: {model}")
    if found[1] != location:
        raise invalid("The model must be in the same location as the request's parent.")


def check_mime_type(mime_type: str) -> bool:
    """Whether the text is HTML, which it is where nothing is said."""
    if mime_type not in {"", "text/html", "text/plain"}:
        raise invalid(f"Unsupported mime type: {mime_type}")
    return mime_type != "text/plain"


def check_contents(contents: Sequence[str], rules: TranslationRules) -> int:
    """Code points of all of them."""
    if not contents:
        raise invalid("Contents is required.")
    if len(contents) > rules.contents_most:
        raise invalid(f"Too many text segments: at most {rules.contents_most} are allowed.")
    characters = sum(map(len, contents))
    if characters > rules.code_points:
        raise invalid("Text is too long.")
    return characters


def check_pair(source: str, target: str, among: Collection[str]) -> None:
    if {source, target} - set(among):
        raise invalid("The glossary does not have this language pair.")


def invalid(message: str) -> RefusalError:
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, message)
