"""Evidence of a consent: a signed paper or a recording, told by its content."""

from __future__ import annotations

import io

from pipeline.bounds import EVIDENCE_MAX_BYTES
from pipeline.sound.media import audio_container
from voices.errors import VoicesError

_SUFFIX = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "mp3": "audio/mpeg"}


def checked_evidence(content: bytes) -> tuple[io.BytesIO, str, str]:
    """The content, its suffix and its media type. Raises VoicesError."""
    if len(content) > EVIDENCE_MAX_BYTES:
        limit = EVIDENCE_MAX_BYTES // 1024**2
        raise VoicesError(
            "evidence_too_large", f"The evidence is larger than {limit} MiB.", field="evidence"
        )
    kind = _kind(content)
    if kind is None:
        raise VoicesError(
            "evidence_unreadable",
            "Evidence is a PDF, a JPEG, PNG or WebP picture, or a WAV, FLAC, OGG or MP3 recording.",
            field="evidence",
        )
    return io.BytesIO(content), *kind


def _kind(content: bytes) -> tuple[str, str] | None:
    if content.startswith(b"%PDF-"):
        return ".pdf", "application/pdf"
    if content.startswith(b"\xff\xd8\xff"):
        return ".jpg", "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png", "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return ".webp", "image/webp"
    container = audio_container(content)
    return (f".{container}", _SUFFIX[container]) if container else None
