"""Resumable uploads: pieces in order, each kept as it comes, wherever it ends."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import (
    MEDIA_MAX_BYTES,
    PROJECT_BYTES_MAX,
    UPLOAD_KEPT_S,
    UPLOAD_PIECE_MAX_BYTES,
    UPLOADS_MAX,
)
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import FOLDER, plain_name
from sessions_app.projects.job_models import UNFINISHED, Job, Upload, UploadPiece
from sessions_app.projects.selectors import bytes_of
from voices.files import keep, store

_LOOKED_AT = 512
_NEVER = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


@transaction.atomic
def begin(owner: User, *, name: str, size_bytes: int) -> Upload:
    """Raises ProjectError."""
    User.objects.select_for_update().get(pk=owner.pk)
    if not 0 < size_bytes <= MEDIA_MAX_BYTES:
        raise ProjectError(
            "media_too_large",
            f"A file has 1 byte to {MEDIA_MAX_BYTES // 1024**3} GiB.",
            field="size_bytes",
        )
    if Upload.objects.filter(owner=owner)[UPLOADS_MAX - 1 : UPLOADS_MAX].exists():
        raise ProjectError(
            "limit_reached",
            f"You have {UPLOADS_MAX} uploads that nothing was made of; delete one first.",
        )
    if bytes_of(owner.pk) + size_bytes > PROJECT_BYTES_MAX:
        raise ProjectError(
            "limit_reached",
            f"Your projects take {PROJECT_BYTES_MAX // 1024**3} GiB; delete what is not needed.",
        )
    return Upload.objects.create(
        owner=owner, name=plain_name(name, "upload"), size_bytes=size_bytes
    )


def append(upload_id: uuid.UUID, *, owner: User, offset: int, content: bytes) -> Upload:
    """Take the piece that begins at ``offset``. Raises ProjectError and Upload.DoesNotExist.

    Of two that send the same piece the first is taken.
    """
    if len(content) > UPLOAD_PIECE_MAX_BYTES:
        raise ProjectError(
            "piece_too_large", f"A piece has at most {UPLOAD_PIECE_MAX_BYTES // 1024**2} MiB."
        )
    if not content:
        raise ProjectError("piece_empty", "The piece is empty; send some bytes of the file.")
    # The long part is done before the row is locked.
    _refuse_unpromising(offset, content)
    name = store(io.BytesIO(content), folder=FOLDER, suffix=".piece")
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=upload_id, owner=owner)
        if offset != upload.offset:
            raise ProjectError(
                "upload_offset_wrong",
                f"The next piece begins at {upload.offset}, not at {offset}.",
            )
        if offset + len(content) > upload.size_bytes:
            raise ProjectError(
                "upload_too_long", f"The upload has {upload.size_bytes} bytes, as you said."
            )
        UploadPiece.objects.create(upload=upload, offset=offset, size_bytes=len(content), file=name)
        upload.offset += len(content)
        upload.save(update_fields=["offset", "touched_at"])
        keep(name)
    return upload


def whole(owner: User, *, name: str, content: bytes) -> Upload:
    """A small file that has come at once. Raises ProjectError."""
    with transaction.atomic():
        upload = begin(owner, name=name, size_bytes=len(content))
        for offset in range(0, len(content), UPLOAD_PIECE_MAX_BYTES):
            piece = content[offset : offset + UPLOAD_PIECE_MAX_BYTES]
            upload = append(upload.pk, owner=owner, offset=offset, content=piece)
    return upload


def forget_old_uploads() -> int:
    """Delete uploads of which nothing was made in a day; returns how many."""
    limit = timezone.now() - timedelta(seconds=UPLOAD_KEPT_S)
    waited_for = Job.objects.filter(state__in=UNFINISHED).values_list("options__upload", flat=True)
    wanted = {one for one in waited_for if one}
    old = [one for one in Upload.objects.filter(touched_at__lt=limit) if str(one.pk) not in wanted]
    for upload in old:
        upload.delete()
    return len(old)


def _refuse_unpromising(offset: int, content: bytes) -> None:
    """What cannot be sound or video is refused with its first bytes, not after two gigabytes."""
    if offset:
        return
    head = content[:_LOOKED_AT]
    for start, what in _NEVER:
        if head.startswith(start):
            raise ProjectError(
                "media_unreadable",
                f"This is {what}, not an audio or video file. Send the file itself, not packed.",
            )
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<svg")):
        raise ProjectError("media_unreadable", "This is a web page, not an audio or video file.")
