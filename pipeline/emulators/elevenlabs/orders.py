"""What a text-to-speech request asks for, checked as the vendor checks it.

Fields that the vendor does not know it ignores; so does this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.account import Account
from pipeline.emulators.elevenlabs.catalog import DEFAULT_MODEL, MODELS, Model
from pipeline.emulators.elevenlabs.formats import DEFAULT_FORMAT, OutputFormat, read_format
from pipeline.emulators.elevenlabs.mouths import Saying
from pipeline.emulators.elevenlabs.voices import StoredVoice, VoiceSettings

_RANGES = {
    "stability": (0.0, 1.0),
    "similarity_boost": (0.0, 1.0),
    "style": (0.0, 1.0),
    "speed": (0.7, 1.2),
}
_NORMALIZATIONS = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class Order:
    """All of a request but its text, which a socket brings later."""

    voice: StoredVoice
    model: Model
    format: OutputFormat
    language: str
    settings: VoiceSettings

    def saying(self, text: str, settings: VoiceSettings | None = None) -> Saying:
        return Saying(
            text=text,
            language=self.language,
            voice=self.voice,
            settings=settings or self.settings,
            rate_hz=self.format.rate_hz,
        )


def read_order(account: Account, voice_id: str, asked: Mapping[str, object]) -> Order:
    """``asked`` are the fields of a body, or of a socket's address, with ``output_format``.

    Raises RefusalError.
    """
    model = read_model(asked.get("model_id"))
    wanted = read_format(_string(asked, "output_format") or DEFAULT_FORMAT, account.plan)
    language = _string(asked, "language_code")
    if language and (not model.takes_language or language not in model.languages):
        raise errors.unsupported_language(model.id, language)
    normalization = _string(asked, "apply_text_normalization")
    if normalization and normalization not in _NORMALIZATIONS:
        loc = ("body", "apply_text_normalization")
        raise errors.UnprocessableError([(loc, "Input should be 'auto', 'on' or 'off'", "enum")])
    previous = asked.get("previous_request_ids")
    if isinstance(previous, list) and len(previous) > 3:
        loc = ("body", "previous_request_ids")
        raise errors.UnprocessableError([(loc, "List should have at most 3 items", "too_long")])
    voice = account.voices.get(voice_id)
    if voice.category == "professional" and account.plan.tier in {"free", "starter"}:
        raise errors.only_for_creators()
    settings = read_settings(asked.get("voice_settings"), voice.settings)
    return Order(voice, model, wanted, language, settings)


def read_model(value: object) -> Model:
    """Raises RefusalError("model_not_found")."""
    model_id = value if isinstance(value, str) and value else DEFAULT_MODEL
    if model_id not in MODELS:
        raise errors.model_not_found(model_id)
    return MODELS[model_id]


def read_text(body: Mapping[str, object], model: Model) -> str:
    """Raises RefusalError: 422 without a text, input_text_empty, max_character_limit_exceeded."""
    if "text" not in body:
        raise errors.missing("body", "text")
    text = body["text"]
    if not isinstance(text, str):
        loc = ("body", "text")
        raise errors.UnprocessableError([(loc, "Input should be a valid string", "string_type")])
    if not text.strip():
        raise errors.RefusalError(400, "input_text_empty", "Input text can not be empty.")
    if len(text) > model.characters:
        raise errors.text_too_long(len(text), model.characters)
    return text


def read_settings(value: object, base: VoiceSettings, *loc: str) -> VoiceSettings:
    """``voice_settings`` on top of the voice's own; null leaves a field as it is.

    Raises RefusalError: 422 for a wrong kind, invalid_voice_settings out of range.
    """
    place = loc or ("body", "voice_settings")
    if value is None:
        return base
    if not isinstance(value, dict):
        msg = "Input should be a valid dictionary"
        raise errors.UnprocessableError([(place, msg, "model_attributes_type")])
    changes: dict[str, float] = {}
    for name, (low, high) in _RANGES.items():
        given = value.get(name)
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int | float):
            msg = "Input should be a valid number"
            raise errors.UnprocessableError([((*place, name), msg, "float_type")])
        if not low <= given <= high:
            raise errors.invalid_settings(name, low, high, given)
        changes[name] = float(given)
    boost = value.get("use_speaker_boost")
    return VoiceSettings(
        stability=changes.get("stability", base.stability),
        similarity_boost=changes.get("similarity_boost", base.similarity_boost),
        style=changes.get("style", base.style),
        use_speaker_boost=base.use_speaker_boost if boost is None else bool(boost),
        speed=changes.get("speed", base.speed),
    )


def _string(asked: Mapping[str, object], name: str) -> str:
    value = asked.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        msg = "Input should be a valid string"
        raise errors.UnprocessableError([(("body", name), msg, "string_type")])
    return value
