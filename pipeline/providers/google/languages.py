"""Languages by their ISO 639-1 codes, and what Google's services call them. Pure.

Speech-to-Text wants a locale (``es-ES``), Translation mostly the code itself. The tables
are the vendor's published lists, as far as there is an ISO 639-1 code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.ports import EngineError

CANDIDATES_MOST = 4
AUTO = "auto"
AUTO_MODEL = "chirp_3"

LOCALES: Mapping[str, str] = {
    "af": "af-ZA", "ar": "ar-EG", "bg": "bg-BG", "bn": "bn-BD", "ca": "ca-ES", "cs": "cs-CZ",
    "da": "da-DK", "de": "de-DE", "el": "el-GR", "en": "en-US", "es": "es-ES", "et": "et-EE",
    "eu": "eu-ES", "fa": "fa-IR", "fi": "fi-FI", "fr": "fr-FR", "gl": "gl-ES", "gu": "gu-IN",
    "he": "iw-IL", "hi": "hi-IN", "hr": "hr-HR", "hu": "hu-HU", "hy": "hy-AM", "id": "id-ID",
    "is": "is-IS", "it": "it-IT", "ja": "ja-JP", "ka": "ka-GE", "kk": "kk-KZ", "kn": "kn-IN",
    "ko": "ko-KR", "lt": "lt-LT", "lv": "lv-LV", "mk": "mk-MK", "ml": "ml-IN", "mr": "mr-IN",
    "ms": "ms-MY", "nl": "nl-NL", "no": "no-NO", "pl": "pl-PL", "pt": "pt-BR", "ro": "ro-RO",
    "ru": "ru-RU", "sk": "sk-SK", "sl": "sl-SI", "sq": "sq-AL", "sr": "sr-RS", "sv": "sv-SE",
    "sw": "sw-KE", "ta": "ta-IN", "te": "te-IN", "th": "th-TH", "tr": "tr-TR", "uk": "uk-UA",
    "ur": "ur-PK", "vi": "vi-VN", "zh": "cmn-Hans-CN",
}  # fmt: skip
"""ISO 639-1 code → the locale that is asked for where the source names no country."""

SPEECH_LANGUAGES = frozenset(LOCALES)

_TRANSLATION_CODES: Mapping[str, str] = {"zh": "zh-CN", "he": "iw", "jv": "jw", "nb": "no"}
"""ISO 639-1 code → Translation's own, where it is another."""

TRANSLATION_LANGUAGES = frozenset(
    "af am ar as ay az be bg bm bn bs ca co cs cy da de dv ee el en eo es et eu fa fi fr fy ga "
    "gd gl gn gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt "
    "lv mg mi mk ml mn mr ms mt my ne nl no ny om or pa pl ps pt qu ro ru rw sa sd si sk sl sm "
    "sn so sq sr st su sv sw ta te tg th ti tk tl tr ts tt ug uk ur uz vi xh yi yo zh zu".split()
)
"""What Translation has in both directions."""

_ISO: Mapping[str, str] = {
    "iw": "he", "cmn": "zh", "yue": "zh", "nb": "no", "jw": "jv", "fil": "tl", "in": "id",
}  # fmt: skip

_MULTIPLE = frozenset({"global", "us", "eu"})
_AUTO_MODEL_REGIONS = frozenset({"us", "eu", "asia-northeast1", "asia-southeast1"})


def iso_of(code: str) -> str:
    """ISO 639-1 code of one of Google's: ``es-US`` → ``es``, ``cmn-Hans-CN`` → ``zh``.

    "" for one that has none.
    """
    base = code.replace("_", "-").split("-", 1)[0].lower()
    base = _ISO.get(base, base)
    return base if len(base) == 2 else ""


def translation_code(language: str) -> str:
    return _TRANSLATION_CODES.get(language, language)


def finds_any(model: str, region: str) -> bool:
    """Whether a session may leave its languages open at this model and region."""
    return is_chirp(model) or region in _AUTO_MODEL_REGIONS


def is_chirp(model: str) -> bool:
    return model.startswith("chirp")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stream is to be asked for."""

    model: str
    codes: tuple[str, ...]


def asked_for(
    languages: Sequence[str], *, model: str, configured: str, region: str, name: str
) -> Asked:
    """Model and codes for candidates; ``model`` is the session's wish, "" for none.

    With no candidates a model is taken that finds any language out, unless the session
    insists on one that cannot. Raises EngineError("source_language_unsupported").
    """
    if not languages:
        return Asked(_model_for_any(model, configured, region), (AUTO,))
    if unknown := sorted(set(languages) - SPEECH_LANGUAGES):
        raise _unsupported(
            f"{name} does not recognise “{unknown[0]}”. "
            f"It recognises: {', '.join(sorted(SPEECH_LANGUAGES))}."
        )
    if len(languages) > CANDIDATES_MOST:
        raise _unsupported(
            f"{name} tells at most {CANDIDATES_MOST} languages apart; {len(languages)} were named."
        )
    if len(languages) > 1 and region not in _MULTIPLE:
        raise _unsupported(
            f"{name} tells languages apart only in the regions {', '.join(sorted(_MULTIPLE))}, "
            f"not in {region}: choose another region, or name one language."
        )
    return Asked(model or configured, tuple(LOCALES[language] for language in languages))


def _model_for_any(model: str, configured: str, region: str) -> str:
    if model:
        if is_chirp(model):
            return model
        raise _unsupported(
            f"The model “{model}” does not find the language out: "
            f"name up to {CANDIDATES_MOST} languages, or choose {AUTO_MODEL}."
        )
    if is_chirp(configured):
        return configured
    if region in _AUTO_MODEL_REGIONS:
        return AUTO_MODEL
    raise _unsupported(
        f"Only Chirp models find any language out, and {AUTO_MODEL} is not served in {region}: "
        f"name up to {CANDIDATES_MOST} languages, or choose one of the regions "
        f"{', '.join(sorted(_AUTO_MODEL_REGIONS))}."
    )


def _unsupported(message: str) -> EngineError:
    return EngineError("source_language_unsupported", message, recoverable=False)
