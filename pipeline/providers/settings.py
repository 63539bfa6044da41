"""What engines need to know of the installation; never the global settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    models: Path
    """Folder of exported models."""
    streams_max: int = 10
    """Recogniser streams at once."""
    voice_stability: float = 0.5
    voice_clarity: float = 0.75
