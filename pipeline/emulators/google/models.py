"""Which recognition models, places and languages the emulated Speech-to-Text v2 has.

A part of the vendor's tables, enough for every rule to be met; the names are its own.
"""

from __future__ import annotations

from collections.abc import Mapping

MULTI_REGIONS = frozenset({"global", "us", "eu"})
"""Where one request may name several languages."""

LOCATIONS = MULTI_REGIONS | {
    "us-central1", "us-east1", "us-west1", "northamerica-northeast1", "europe-west1",
    "europe-west2", "europe-west3", "europe-west4", "asia-northeast1", "asia-southeast1",
    "asia-south1", "australia-southeast1",
}  # fmt: skip

_CHIRP_2 = frozenset({"us-central1", "europe-west4", "asia-southeast1"})
_CHIRP_3 = frozenset(
    {"us", "eu", "asia-northeast1", "asia-southeast1", "asia-south1", "europe-west2"}
)
MODELS: Mapping[str, frozenset[str]] = {
    "long": LOCATIONS,
    "short": LOCATIONS,
    "latest_long": LOCATIONS,
    "latest_short": LOCATIONS,
    "telephony": LOCATIONS,
    "telephony_short": LOCATIONS,
    "chirp_2": _CHIRP_2,
    "chirp_3": _CHIRP_3,
}
"""Model → the locations that serve it."""

LOCALES: Mapping[str, str] = {
    "af": "af-ZA", "ar": "ar-EG", "bg": "bg-BG", "bn": "bn-BD", "ca": "ca-ES", "cs": "cs-CZ",
    "da": "da-DK", "de": "de-DE", "el": "el-GR", "en": "en-US", "es": "es-ES", "et": "et-EE",
    "eu": "eu-ES", "fa": "fa-IR", "fi": "fi-FI", "fil": "fil-PH", "fr": "fr-FR", "gl": "gl-ES",
    "gu": "gu-IN", "he": "iw-IL", "hi": "hi-IN", "hr": "hr-HR", "hu": "hu-HU", "hy": "hy-AM",
    "id": "id-ID", "is": "is-IS", "it": "it-IT", "ja": "ja-JP", "ka": "ka-GE", "kk": "kk-KZ",
    "kn": "kn-IN", "ko": "ko-KR", "lt": "lt-LT", "lv": "lv-LV", "mk": "mk-MK", "ml": "ml-IN",
    "mr": "mr-IN", "ms": "ms-MY", "nb": "no-NO", "nl": "nl-NL", "no": "no-NO", "pl": "pl-PL",
    "pt": "pt-BR", "ro": "ro-RO", "ru": "ru-RU", "sk": "sk-SK", "sl": "sl-SI", "sq": "sq-AL",
    "sr": "sr-RS", "sv": "sv-SE", "sw": "sw-KE", "ta": "ta-IN", "te": "te-IN", "th": "th-TH",
    "tr": "tr-TR", "uk": "uk-UA", "ur": "ur-PK", "vi": "vi-VN", "zh": "cmn-Hans-CN",
}  # fmt: skip
"""ISO 639-1 code → the locale that the service answers with where it finds a language out."""

LANGUAGE_CODES = frozenset(LOCALES.values()) | {
    "de-AT", "de-CH", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ", "en-ZA", "es-419",
    "es-AR", "es-CL", "es-CO", "es-MX", "es-US", "fr-BE", "fr-CA", "fr-CH", "it-CH", "nl-BE",
    "pt-PT", "ar-AE", "ar-SA", "ar-XA", "cmn-Hant-TW", "yue-Hant-HK",
}  # fmt: skip

_BASES = {"iw": "he", "cmn": "zh", "yue": "zh", "nb": "no"}


def is_chirp(model: str) -> bool:
    return model.startswith("chirp")


def base_of(code: str) -> str:
    """ISO 639-1 code of a BCP-47 code: ``es-US`` → ``es``, ``cmn-Hans-CN`` → ``zh``."""
    language = code.split("-", 1)[0].lower()
    return _BASES.get(language, language)
