"""Files in the storage: none is lost, and none stays when nothing refers to it any more.

A file that is being stored is on the list of those to delete until a row refers to it; when
the row lets go of it, in the same transaction it is on that list again. A process may be
killed between any two steps.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from pipeline.bounds import SAMPLE_PIECE_BYTES, STRAY_FILE_S
from voices.models.fields import stored_name
from voices.models.files import DiscardedFile

log = logging.getLogger(__name__)
_AT_ONCE = 200


def store(content: IO[Any] | File[Any], *, folder: str, suffix: str) -> str:
    """Put a file into the storage and return its name there.

    ``keep`` it in the transaction that writes the row: until then the file is to be deleted.
    """
    name = stored_name(folder, suffix)
    _note_before(name)
    saved = default_storage.save(name, File(content))
    if saved != name:
        DiscardedFile.objects.filter(name=name).update(name=saved)
    return saved


def _note_before(name: str) -> None:
    """Write down, at once and for good, that the file is to be deleted."""
    row = DiscardedFile(name=name, after=timezone.now() + timedelta(seconds=STRAY_FILE_S))
    if not connection.in_atomic_block:
        row.save()
        return

    def on_a_connection_of_its_own() -> None:
        # What a transaction writes is not there for who comes after a kill.
        try:
            row.save()
        finally:
            connection.close()

    writer = threading.Thread(target=on_a_connection_of_its_own, name="stored file")
    writer.start()
    writer.join()


def read(name: str | None) -> bytes:
    """All of a small file; nothing where there is no name. Raises what the storage raises."""
    if not name:
        return b""
    with default_storage.open(name, "rb") as stored:
        content: bytes = stored.read()
    return content


def fetch(name: str, path: Path) -> None:
    """Copy a stored file to ``path``, piece by piece."""
    with default_storage.open(name, "rb") as stored, path.open("wb") as local:
        while piece := stored.read(SAMPLE_PIECE_BYTES):
            local.write(piece)


def keep(name: str) -> None:
    """A row refers to the file from now on."""
    DiscardedFile.objects.filter(name=name).delete()


def discard(names: Iterable[str]) -> None:
    """No row refers to these files any more; they are deleted when the transaction is done."""
    gone = [name for name in names if name]
    if not gone:
        return
    now = timezone.now()
    DiscardedFile.objects.bulk_create(
        [DiscardedFile(name=name, after=now) for name in gone],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["after"],
    )
    transaction.on_commit(lambda: _delete(gone), robust=True)


def delete_discarded() -> int:
    """Delete what should have been deleted, and was not; returns how many files."""
    due = DiscardedFile.objects.filter(after__lte=timezone.now()).order_by("after")
    return _delete(due.values_list("name", flat=True)[:_AT_ONCE])


def _delete(names: Iterable[str]) -> int:
    done = 0
    for name in list(names):
        try:
            default_storage.delete(name)
        except Exception:  # a storage raises what its library raises
            log.exception("a stored file could not be deleted; it is tried again")
            continue
        DiscardedFile.objects.filter(name=name).delete()
        done += 1
    return done
