"""What engines need to know of the installation; never the global settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.bounds import STREAMS_PER_CORE


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    models: Path
    """Folder of exported models."""
    streams_max: int = STREAMS_PER_CORE * (os.cpu_count() or 1)
    """Recogniser streams at once; one takes about 0.3 of a core on clean speech."""
    voice_stability: float = 0.5
    voice_clarity: float = 0.75
