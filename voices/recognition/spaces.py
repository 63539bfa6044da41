"""Under which names voiceprints are stored: only those of one name are ever compared."""

from __future__ import annotations

from pipeline.speakers.identification import Band


def stored_encoder(encoder: str, band: Band) -> str:
    """What ``Voiceprint.encoder`` says: the narrow band counts as an encoder of its own."""
    return encoder if band == "wide" else f"{encoder}-narrow"
