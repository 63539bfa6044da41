"""The WSI provider's engine, for operators who have weights."""

from __future__ import annotations

from pipeline.ports import SpeakerEncoder
from pipeline.providers.settings import EngineSettings
from pipeline.providers.wsi.encoder import WsiEncoder


def encoder(settings: EngineSettings) -> SpeakerEncoder:
    """Raises EngineError: engine_missing, model_missing, model_unusable."""
    return WsiEncoder.from_setting(settings.wsi_model)
