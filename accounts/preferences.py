"""What a person wants dubbed: read by the pages, and by clients over REST."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf.locale import LANG_INFO
from django.core.exceptions import ValidationError

from accounts.models import Preferences, User
from pipeline.bounds import PREFERRED_LANGUAGES_MAX

LANGUAGES: dict[str, str] = dict(
    sorted(
        (
            (code, info["name"])
            for code, info in LANG_INFO.items()
            if "name" in info and code.isalpha() and len(code) <= 3
        ),
        key=lambda item: item[1],
    )
    # Django's own table names Chinese by its scripts only, and lacks some that engines have.
) | {"zh": "Chinese", "tl": "Filipino", "sd": "Sindhi", "yue": "Cantonese"}
"""Code → English name, by name."""


def preferences_of(user: User) -> Preferences:
    """The person's, or those of someone who said nothing."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def set_preferences(
    user: User, *, target_language: str, always_dub: Iterable[str], never_dub: Iterable[str]
) -> Preferences:
    """Raises ValidationError by field."""
    always, never = sorted(set(always_dub)), sorted(set(never_dub))
    wrong: dict[str, list[str]] = {}
    if target_language and target_language not in LANGUAGES:
        wrong["target_language"] = [_unknown([target_language])]
    for field, codes in (("always_dub", always), ("never_dub", never)):
        if unknown := [code for code in codes if code not in LANGUAGES]:
            wrong[field] = [_unknown(unknown)]
        elif len(codes) > PREFERRED_LANGUAGES_MAX:
            wrong[field] = [f"Choose at most {PREFERRED_LANGUAGES_MAX} languages."]
    if both := sorted(set(always) & set(never)):
        names = ", ".join(LANGUAGES.get(code, code) for code in both)
        wrong.setdefault("never_dub", []).append(
            f"{names} cannot be dubbed both always and never: take it out of one of the lists."
        )
    if wrong:
        raise ValidationError(wrong)
    found, _ = Preferences.objects.update_or_create(
        user=user,
        defaults={
            "target_language": target_language,
            "always_dub": always,
            "never_dub": never,
        },
    )
    return found


def _unknown(codes: list[str]) -> str:
    return f"Not a known language code: {', '.join(codes)}."
