"""Titles: two sessions of one film have one title, however its address was written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import parse_qsl, urlencode, urlsplit

from accounts.models import Team, User
from voices.models import Title

_TRACKING = re.compile(r"(utm_.*|fbclid|gclid|si|feature|ref|t|time_continue|list|index)\Z")
_URL = re.compile(r"https?://\S{3,}\Z", re.IGNORECASE)


def title_key(name: str, url: str = "") -> str:
    """SHA-256 of what stays the same: the address without tracking, times and fragment, or
    the name without case, accents, marks and spaces."""
    text = _plain_url(url) if url else _plain_name(name)
    return hashlib.sha256(text.encode()).hexdigest()


def ensure_title(
    text: str, *, owner: User, team: Team | None = None, name: str = ""
) -> Title | None:
    """The owner's title of that name or address, made if there is none; None for blank text."""
    text = text.strip()
    if not text:
        return None
    url = text[:2000] if _URL.match(text) else ""
    shown = (name or text).strip()[:300]
    title, _ = Title.objects.get_or_create(
        key=title_key(shown, url), owner=owner, defaults={"name": shown, "url": url, "team": team}
    )
    return title


def _plain_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
        query = sorted(pair for pair in parse_qsl(parts.query) if not _TRACKING.match(pair[0]))
    except ValueError:
        return _plain_name(url)
    if host == "youtu.be":
        return _plain_url(f"https://youtube.com/watch?v={parts.path.strip('/')}")
    return f"{host}{parts.path.rstrip('/')}?{urlencode(query)}"


def _plain_name(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(one for one in letters if _counts(one))
    return kept or name.strip()


def _counts(letter: str) -> bool:
    """Whether it makes another word. Accents of letters and the points of Hebrew and Arabic do
    not; the vowel signs of Indic scripts, Thai tone marks and Japanese voicing marks do."""
    if unicodedata.category(letter) not in ("Mn", "Mc"):
        return letter.isalnum()
    if "\ufe00" <= letter <= "\ufe0f":
        return False  # how an emoji is drawn
    # Canonical combining classes: 10 to 36 are those points, from 200 on accents.
    return not (10 <= unicodedata.combining(letter) <= 36 or unicodedata.combining(letter) >= 200)
