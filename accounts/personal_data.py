"""What is kept of a person, in every app: given to them as a copy, deleted when they go.

Each app registers a ``Keeper`` when it is loaded. Rows that hang on the user with
``on_delete=CASCADE`` go by themselves; ``forget`` is for what does not: files, caches.
"""

from __future__ import annotations

import json
import logging
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from accounts.models import DataExport, User
from pipeline.bounds import EXPORT_DAYS, EXPORT_MAX_BYTES

log = logging.getLogger(__name__)

Rows = Iterable[Mapping[str, Any]]


def _nothing_in_the_way(user: User) -> str | None:  # noqa: ARG001 - of every keeper's form
    return None


def _nothing_else(user: User) -> None:
    """Everything goes with the user's row."""


@dataclass(frozen=True, slots=True)
class Keeper:
    export: Callable[[User], Iterator[tuple[str, Rows]]]
    """Gives a name, such as ``sessions``, and the rows that become a JSON Lines file of it."""
    obstacle: Callable[[User], str | None] = _nothing_in_the_way
    """Why the account cannot be deleted now, and what to do about it."""
    forget: Callable[[User], None] = _nothing_else


_keepers: dict[str, Keeper] = {}


def register(app: str, keeper: Keeper) -> None:
    _keepers[app] = keeper


class ObstacleError(Exception):
    """Why an account cannot be deleted now; each reason says what to do."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class ExportTooLargeError(Exception):
    """The copy would be larger than EXPORT_MAX_BYTES."""


def delete_account(user: User) -> None:
    """The person and everything of theirs. Raises ObstacleError, and nothing is deleted."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        reasons = [reason for one in _keepers.values() if (reason := one.obstacle(user))]
        if reasons:
            raise ObstacleError(reasons)
        for keeper in _keepers.values():
            keeper.forget(user)
        user_id = user.pk
        user.delete()
    log.info("account deleted", extra={"user": user_id})


def ask_for_export(user: User) -> DataExport:
    """A copy will be made in the background, in place of an earlier one."""
    forget_export(user)
    now = timezone.now()
    return DataExport.objects.create(
        user=user, asked_at=now, expires_at=now + timedelta(days=EXPORT_DAYS)
    )


def forget_export(user: User) -> None:
    for export in DataExport.objects.filter(user=user):
        _delete(export)


def make_export(user_id: int) -> None:
    """Write the copy that was asked for; what fails is noted, and asked for again by hand."""
    export = DataExport.objects.filter(user_id=user_id, state=DataExport.State.WAITING).first()
    if export is None:
        return
    try:
        with tempfile.TemporaryFile(prefix="dubbing-export-") as file:
            _write(export.user, file)
            size = file.tell()
            file.seek(0)
            name = default_storage.save(f"exports/{uuid.uuid4().hex}.zip", File(file))
    except Exception as error:
        log.exception("export failed", extra={"user": user_id, "code": type(error).__name__})
        DataExport.objects.filter(user_id=user_id, asked_at=export.asked_at).update(
            state=DataExport.State.FAILED
        )
        return
    kept = DataExport.objects.filter(user_id=user_id, asked_at=export.asked_at).update(
        state=DataExport.State.READY, file=name, size_bytes=size
    )
    if not kept:
        # Asked for anew, or the person has gone, while it was made.
        default_storage.delete(name)


def sweep_exports() -> int:
    """Delete the copies that have been kept long enough; returns how many."""
    old = list(DataExport.objects.filter(expires_at__lte=timezone.now())[:1000])
    for export in old:
        _delete(export)
    return len(old)


def _delete(export: DataExport) -> None:
    if export.file:
        default_storage.delete(export.file)
    export.delete()


def _write(user: User, file: Any) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for keeper in _keepers.values():
            for name, rows in keeper.export(user):
                with archive.open(f"{name}.jsonl", "w", force_zip64=True) as part:
                    for row in rows:
                        text = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
                        part.write(text.encode() + b"\n")
                        if file.tell() > EXPORT_MAX_BYTES:
                            raise ExportTooLargeError
