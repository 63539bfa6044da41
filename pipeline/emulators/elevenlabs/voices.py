"""The voices that the emulator stores: stock ones, and clones in a limited number of slots."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.refusal import Json
from pipeline.providers.offline.espeak_voices import BY_KEY

PREVIEW_TEXT = "This is how I sound."


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """``voice_settings`` of a request, or what a voice has of its own."""

    stability: float = 0.5
    similarity_boost: float = 0.75
    style: float = 0.0
    use_speaker_boost: bool = True
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One file that a clone was made from."""

    id: str
    file_name: str
    mime_type: str
    size_bytes: int
    duration_s: float

    def as_json(self) -> Json:
        return {
            "sample_id": self.id,
            "file_name": self.file_name,
            "mime_type": self.mime_type,
            "size_bytes": self.size_bytes,
            "hash": self.id,
            "duration_secs": round(self.duration_s, 3),
        }


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """``variant`` is espeak's, ``pitch_hz`` what a hum sounds at; ``profile`` is what the
    mouth learned of a clone's samples and opaque to everyone else."""

    id: str
    name: str
    category: str
    variant: str
    pitch_hz: float
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    settings: VoiceSettings = VoiceSettings()
    samples: tuple[Sample, ...] = ()
    created_at_unix: int = 0
    profile: object | None = None

    @property
    def is_stock(self) -> bool:
        return self.category == "premade"

    def as_json(self, base_url: str) -> Json:
        return {
            "voice_id": self.id,
            "name": self.name,
            "samples": [sample.as_json() for sample in self.samples] or None,
            "category": self.category,
            "labels": dict(self.labels),
            "description": self.description or None,
            "preview_url": f"{base_url}/previews/{self.id}.mp3",
            "available_for_tiers": [],
            "settings": settings_json(self.settings),
            "high_quality_base_model_ids": ["eleven_flash_v2_5", "eleven_multilingual_v2"],
            "verified_languages": [],
            "is_owner": not self.is_stock,
            "is_legacy": False,
            "is_mixed": False,
            "created_at_unix": self.created_at_unix or None,
        }


def settings_json(settings: VoiceSettings) -> Json:
    return {
        "stability": settings.stability,
        "similarity_boost": settings.similarity_boost,
        "style": settings.style,
        "use_speaker_boost": settings.use_speaker_boost,
        "speed": settings.speed,
    }


def voice_id_of(name: str) -> str:
    """Twenty letters and digits, as the real ones have."""
    return "emu" + hashlib.sha256(name.encode()).hexdigest()[:17]


def _stock() -> Iterator[StoredVoice]:
    rows = (
        ("Clear high", "f2", "female", "young", "american", "conversational"),
        ("Calm low", "m3", "male", "middle_aged", "american", "narration"),
        ("Warm middle", "f1", "female", "middle_aged", "british", "narration"),
        ("Bright middle", "m7", "male", "young", "american", "conversational"),
        ("Light high", "f5", "female", "young", "british", "social_media"),
        ("Deep low", "m1", "male", "old", "british", "narration"),
        ("Even high", "f4", "female", "old", "american", "news"),
        ("Firm low", "m6", "male", "middle_aged", "australian", "news"),
    )
    for name, variant, gender, age, accent, use in rows:
        yield StoredVoice(
            id=voice_id_of(name),
            name=name,
            category="premade",
            variant=variant,
            pitch_hz=BY_KEY[variant].pitch_hz,
            labels={
                "gender": gender,
                "age": age,
                "accent": accent,
                "language": "en",
                "use_case": use,
            },
            description=f"A {name.lower()} voice made by rules.",
        )


STOCK: tuple[StoredVoice, ...] = tuple(_stock())


class VoiceShelf:
    """All voices of the one account, in the order in which they came."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.edits = 0
        self._voices = {voice.id: voice for voice in STOCK}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[StoredVoice]:
        return iter(tuple(self._voices.values()))

    @property
    def used(self) -> int:
        return sum(not voice.is_stock for voice in self._voices.values())

    def get(self, voice_id: str) -> StoredVoice:
        """Raises RefusalError("voice_not_found")."""
        if voice_id not in self._voices:
            raise errors.voice_not_found(voice_id)
        return self._voices[voice_id]

    def require_slot(self) -> None:
        """Raises RefusalError("voice_limit_reached")."""
        if self.used >= self.slots:
            raise errors.voice_limit_reached(self.used, self.slots)

    def add(
        self,
        name: str,
        *,
        base: StoredVoice,
        labels: Mapping[str, str],
        description: str,
        samples: Sequence[Sample],
        profile: object | None,
    ) -> StoredVoice:
        """A clone; ``base`` is the stock voice that speaks where no profile is used."""
        self.require_slot()
        self.edits += 1
        voice = replace(
            base,
            id=voice_id_of(f"{name} {next(self._numbers)}"),
            name=name,
            category="cloned",
            labels=dict(labels),
            description=description,
            samples=tuple(samples),
            created_at_unix=int(time.time()),
            profile=profile,
        )
        self._voices[voice.id] = voice
        return voice

    def put(self, voice: StoredVoice) -> None:
        """Store an edited voice, or one that a test wants to be there."""
        self.edits += 1
        self._voices[voice.id] = voice

    def delete(self, voice_id: str) -> None:
        """Raises RefusalError: not there, or a stock voice."""
        if self.get(voice_id).is_stock:
            raise errors.RefusalError(
                400, "voice_not_deletable", "Premade voices cannot be deleted.", code="forbidden"
            )
        del self._voices[voice_id]
