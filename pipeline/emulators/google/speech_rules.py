"""What the emulated ``StreamingRecognize`` takes, and how it refuses the rest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import grpc
from google.cloud.speech_v2.types import cloud_speech as speech

from pipeline.emulators.google import models
from pipeline.emulators.google.status import RefusalError

SERVICE = "speech.googleapis.com"
RECOGNIZER = re.compile(r"projects/[^/]+/locations/([^/]+)/recognizers/_")
_SENSITIVITY = speech.StreamingRecognitionFeatures.EndpointingSensitivity


@dataclass(kw_only=True)
class SpeechRules:
    """Documented limits and observed habits; tests shorten them."""

    region: str = "us"
    """The location whose endpoint this is."""
    stream_limit_s: float = 300.0
    limit_by: Literal["wall", "audio"] = "wall"
    """Whether the stream's limit counts time on ``clock`` or audio received."""
    clock: Callable[[], float] = time.monotonic
    idle_s: float = 5.5
    """Without any request for so long, the stream is ended."""
    message_bytes: int = 25_600
    languages_most: int = 4
    pace: float | None = 2.0
    """Audio may come so many times as fast as it plays, after a burst of ``pace_burst_s``:
    the real service asks for about real time and is generous. None: as fast as can be."""
    pace_burst_s: float = 15.0
    pause_s: Mapping[int, float] = field(
        default_factory=lambda: {
            _SENSITIVITY.ENDPOINTING_SENSITIVITY_UNSPECIFIED: 0.8,
            _SENSITIVITY.ENDPOINTING_SENSITIVITY_STANDARD: 0.8,
            _SENSITIVITY.ENDPOINTING_SENSITIVITY_SHORT: 0.5,
            _SENSITIVITY.ENDPOINTING_SENSITIVITY_SUPERSHORT: 0.3,
        }
    )
    """Endpointing sensitivity → silence after which an utterance is final."""
    utterance_s: float = 60.0
    """Continuous speech has no final for so long."""
    loud_rms: float = 150.0
    """RMS of 20 ms from which it counts as speech."""
    interim_every_s: float = 0.1
    """Audio between one look at the words and the next; unchanged words are not repeated."""
    sparse_interim_every_s: float = 1.0
    """The same for Chirp models, which tell little before a sentence is complete."""
    words_in_interims: bool = False
    """The real service has word times in finals only."""
    split_interims: bool = True
    """An interim has its settled words in one result and the newest in a second one."""
    unsteady: bool = False
    """The newest one or two words of an interim are sometimes other words at first."""
    punctuates: bool = True
    """Finals get a capital and a mark where they were asked for and the ear has none."""
    first_read_s: float = 0.25
    """How long the client's next messages are waited for before it is refused: grpc's client
    hides the status of a call that ends while it writes."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid configuration."""

    rate_hz: int
    model: str
    codes: tuple[str, ...]
    """BCP-47; empty: any language (``auto``)."""
    interims: bool
    events: bool
    word_times: bool
    punctuation: bool
    pause_s: float
    start_timeout_s: float | None
    end_timeout_s: float | None


def read_config(request: speech.StreamingRecognizeRequest, rules: SpeechRules) -> Asked:
    """Raises RefusalError with the service's own words."""
    _check_recognizer(request.recognizer, rules.region)
    if "streaming_config" not in request:
        raise _invalid("The first message of a streaming request must have a streaming_config.")
    config, features = request.streaming_config.config, request.streaming_config.streaming_features
    timeouts = features.voice_activity_timeout
    model = config.model
    codes = tuple(config.language_codes)
    _check_model(model, codes, rules)
    return Asked(
        rate_hz=_rate(config),
        model=model,
        codes=() if codes == ("auto",) else codes,
        interims=features.interim_results,
        events=features.enable_voice_activity_events,
        word_times=config.features.enable_word_time_offsets,
        punctuation=config.features.enable_automatic_punctuation,
        pause_s=rules.pause_s[features.endpointing_sensitivity],
        start_timeout_s=_seconds(timeouts, "speech_start_timeout"),
        end_timeout_s=_seconds(timeouts, "speech_end_timeout"),
    )


def _check_recognizer(name: str, region: str) -> None:
    found = RECOGNIZER.fullmatch(name)
    if found is None:
        raise _invalid("Invalid resource field value in the request.", "RESOURCE_NAME_INVALID")
    if found[1] != region:
        raise _invalid(
            f"Expected resource location to be {region}, but found {found[1]} in resource name."
        )


def _check_model(model: str, codes: tuple[str, ...], rules: SpeechRules) -> None:
    region = rules.region
    if region not in models.MODELS.get(model, ()):
        raise _invalid(f'The model "{model}" does not exist in the location named "{region}".')
    if not codes:
        raise _invalid("At least one language code must be provided.")
    if len(codes) > rules.languages_most:
        raise _invalid(
            f"At most {rules.languages_most} language codes are supported, "
            f"but {len(codes)} were provided."
        )
    if len(codes) > 1 and region not in models.MULTI_REGIONS:
        raise _invalid(
            "Recognizing multiple languages is only supported in the following locations: "
            "eu, global, us."
        )
    for code in codes:
        is_known = code in models.LANGUAGE_CODES
        if code == "auto":
            is_known = models.is_chirp(model) and len(codes) == 1
        if not is_known:
            raise _invalid(
                f'The language "{code}" is not supported by the model "{model}" '
                f'in the location named "{region}".'
            )


def _rate(config: speech.RecognitionConfig) -> int:
    if "explicit_decoding_config" not in config:
        raise _invalid(
            "Audio data does not appear to be in a supported encoding. If you believe this to be "
            "incorrect, try explicitly specifying the decoding parameters."
        )
    decoding = config.explicit_decoding_config
    if decoding.encoding != speech.ExplicitDecodingConfig.AudioEncoding.LINEAR16:
        raise _invalid("The emulator decodes LINEAR16 only.")
    if not 8_000 <= decoding.sample_rate_hertz <= 48_000:
        raise _invalid("The sample rate must be between 8000 and 48000 Hz.")
    if decoding.audio_channel_count != 1:
        raise _invalid("The emulator takes one audio channel only.")
    return decoding.sample_rate_hertz


def _seconds(
    timeouts: speech.StreamingRecognitionFeatures.VoiceActivityTimeout, name: str
) -> float | None:
    if name not in timeouts:
        return None
    seconds: float = getattr(timeouts, name).total_seconds()
    return seconds


def _invalid(message: str, reason: str = "") -> RefusalError:
    metadata = {"service": SERVICE} if reason else {}
    return RefusalError(grpc.StatusCode.INVALID_ARGUMENT, message, reason, metadata)
