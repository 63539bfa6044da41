"""What engines need to know of the installation; never the global settings.

Keys are given as they are, for one installation or one user, and are never shown: they are
left out of every ``repr``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.bounds import STREAMS_PER_CORE


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleAccess:
    """Google Cloud Speech-to-Text v2 and Translation v3, reached with one set of keys."""

    credentials: str = field(default="", repr=False)
    """Text of a service account's JSON; "" where ``api_key`` is set."""
    api_key: str = field(default="", repr=False)
    project: str = ""
    """Id of the project that pays; "" takes the service account's own."""
    region: str = "eu"
    """Where speech is recognised: ``eu``, ``us``, ``global`` or a single region."""
    model: str = "long"
    """Recognition model where a session names none."""
    translation_region: str = "global"
    """Glossaries need a single region, such as ``us-central1``."""
    speech_endpoint: str = ""
    """``host:port`` instead of Google's own."""
    translation_endpoint: str = ""
    """``host:port`` instead of Google's own."""
    root_certificates: Path | None = None
    """PEM file of whoever signs for those endpoints; None: the public ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevenLabsAccess:
    api_key: str = field(repr=False)
    model: str = "eleven_flash_v2_5"
    base_url: str = "https://api.elevenlabs.io"
    output_format: str = "pcm_16000"
    """One of the vendor's ``pcm_*``; what is not 16 kHz costs the listener's rate conversion."""
    use_sockets: bool = True
    """False: every clause is a request over HTTP."""
    installation: str = "live-dubbing"
    """Marks the voices cloned here, so that no other installation's are ever deleted."""
    root_certificates: Path | None = None
    """PEM file of whoever signs for that address; None: the public ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    models: Path
    """Folder of exported models."""
    streams_max: int = STREAMS_PER_CORE * (os.cpu_count() or 1)
    """Recogniser streams at once; one takes about 0.3 of a core on clean speech."""
    voice_stability: float = 0.5
    voice_clarity: float = 0.75
    google: GoogleAccess | None = None
    elevenlabs: ElevenLabsAccess | None = None
    wsi_model: str = ""
    """Checkpoint of WSI, which then recognises actors: a file, a folder or a fetched name."""
    whisper_model: str = ""
    """Folder of a converted Whisper model, or the name of one that is there already."""
