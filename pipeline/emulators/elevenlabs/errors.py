"""What ElevenLabs says when it refuses: one maker for each thing that can be wrong.

Codes and texts were taken from issues and from recorded answers of the real service;
where neither was to be had the name is a guess and says so.
"""

from __future__ import annotations

from pipeline.emulators.elevenlabs.catalog import Plan
from pipeline.emulators.elevenlabs.refusal import Json, RefusalError, UnprocessableError

__all__ = ["Json", "RefusalError", "UnprocessableError"]


def missing(*loc: str) -> UnprocessableError:
    return UnprocessableError([(loc, "Field required", "missing")])


def no_key() -> RefusalError:
    return RefusalError(
        401,
        "needs_authorization",
        "Neither authorization header nor xi-api-key received, please provide one.",
        socket="authentication_required",
    )


def invalid_key() -> RefusalError:
    return RefusalError(401, "invalid_api_key", "Invalid API key", code="unauthorized")


def unusual_activity() -> RefusalError:
    return RefusalError(
        401,
        "detected_unusual_activity",
        "Unusual activity detected. Free Tier usage disabled. If you are using a proxy/VPN you "
        "might need to purchase a Paid Plan to not trigger our abuse detectors.",
    )


def quota_exceeded(quota: int, left: int, needed: int) -> RefusalError:
    return RefusalError(
        401,
        "quota_exceeded",
        f"This request exceeds your quota of {quota}. You have {left} credits remaining, while "
        f"{needed} credits are required for this request.",
    )


def voice_not_found(voice_id: str) -> RefusalError:
    """The sockets have another name and another text for it."""
    return RefusalError(
        400,
        "voice_not_found",
        f"A voice with voice_id '{voice_id}' was not found.",
        http_newer=404,
        socket="voice_id_does_not_exist",
        socket_message=f"A voice with voice_id {voice_id} does not exist.",
    )


def voice_limit_reached(used: int, limit: int) -> RefusalError:
    return RefusalError(
        400,
        "voice_limit_reached",
        f"You have reached your maximum amount of custom voices ({used} / {limit}). You can "
        "upgrade your subscription to increase your custom voice limit.",
    )


def cloning_not_included() -> RefusalError:
    return RefusalError(
        401,
        "can_not_use_instant_voice_cloning",
        "Your subscription does not include instant voice cloning. Please upgrade your plan.",
        http_newer=400,
        code="paid_plan_required",
    )


def only_for_creators() -> RefusalError:
    return RefusalError(
        403,
        "only_for_creator+",
        "Professional voices require a Creator tier subscription or above.",
        code="subscription_required",
    )


def text_too_long(length: int, most: int) -> RefusalError:
    return RefusalError(
        400,
        "max_character_limit_exceeded",
        f"A single request can contain at most {most} characters, this one has {length}.",
        code="text_too_long",
        param="text",
    )


def model_not_found(model_id: str) -> RefusalError:
    return RefusalError(
        400,
        "model_not_found",
        f"A model with model ID {model_id} does not exist.",
        param="model_id",
    )


def no_sockets(model_id: str) -> RefusalError:
    """Answered to the handshake itself, unlike everything else about a socket."""
    return RefusalError(
        400,
        "unsupported_model",
        f"Model '{model_id}' is not supported on the text-to-speech websocket endpoint. Use the "
        "text-to-dialogue websocket endpoint instead.",
        param="model_id",
    )


def unsupported_language(model_id: str, language: str) -> RefusalError:
    return RefusalError(
        400,
        "unsupported_language",
        f"Model '{model_id}' does not support the language_code {language}.",
        param="language_code",
    )


def invalid_format(name: str) -> RefusalError:
    return RefusalError(
        400, "invalid_output_format", f"Output format '{name}' is unknown.", param="output_format"
    )


def format_not_included(name: str) -> RefusalError:
    return RefusalError(
        403,
        "output_format_not_allowed",
        f"Output format '{name}' is only available on the Pro tier and above.",
        code="subscription_required",
    )


def invalid_settings(name: str, low: float, high: float, value: object) -> RefusalError:
    return RefusalError(
        400,
        "invalid_voice_settings",
        f"Invalid setting for {name} received, expected to be greater or equal to {low} and less "
        f"or equal to {high}, received {value}",
    )


def too_many_requests(plan: Plan, places: int) -> RefusalError:
    return RefusalError(
        429,
        "too_many_concurrent_requests",
        f"Too many concurrent requests. Your current subscription ({plan.tier}) is associated "
        f"with a maximum of {places} concurrent requests (running in parallel).",
        code="concurrent_limit_exceeded",
    )


def system_busy() -> RefusalError:
    return RefusalError(
        429,
        "system_busy",
        "We are sorry, the system is experiencing heavy traffic, please try again. Higher "
        "subscriptions have higher priority.",
    )


def already_running() -> RefusalError:
    """A guess: 409 is documented for requests that meet another one about the same thing."""
    return RefusalError(409, "already_running", "Another request about this is being processed.")


def failed(http: int) -> RefusalError:
    return RefusalError(http, "internal_server_error", "Something went wrong on our side.")


def too_many_contexts(most: int) -> RefusalError:
    return RefusalError(
        400,
        "max_active_conversations",
        f"Maximum simultaneous contexts per WebSocket connection exceeded ({most}). Please close "
        "an existing context before opening a new one.",
    )


def input_timeout(seconds: float) -> RefusalError:
    return RefusalError(
        400,
        "input_timeout_exceeded",
        f"Have not received a new text input within the timeout of {seconds} seconds. Streaming "
        "input terminated. Please make sure to either feed the input in the timely manner, or to "
        'send the end of input text (empty string "") when done.',
    )


def bad_message(why: str) -> RefusalError:
    """A guess at the name."""
    return RefusalError(400, "invalid_message", why)
