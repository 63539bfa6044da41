"""One part of a job, from its claim to its end: what a worker does with a message."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType

from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error as DatabaseError
from django.db import connection

from pipeline.bounds import PART_LEASE_S
from pipeline.guards.usage import Meter
from pipeline.ports import EngineError
from pipeline.sound.media import MediaError
from sessions_app.projects import jobs
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.jobs import Claimed, ClaimLostError
from sessions_app.usage import accounting
from sessions_app.usage import report as usage

log = logging.getLogger(__name__)
_BEAT_S = PART_LEASE_S / 6
_LOOK_S = 0.5
"""So often is looked whether it is still wanted: whoever cancels does not wait for its end."""


class Work:
    """A claimed part under way. A thread says every few seconds that its worker lives."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self.part = claimed.part
        self.job = claimed.job
        self.project = claimed.job.project
        self.meter = Meter()
        self._began = time.monotonic()
        self._lost = threading.Event()
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="claim", daemon=True)

    def __enter__(self) -> Work:
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._heart.join()

    def check(self) -> None:
        """Raises ClaimLostError when nobody wants it any more."""
        if self._lost.is_set():
            raise ClaimLostError

    def finish(
        self, *, result: bytes | None = None, write: Callable[[], None] = lambda: None
    ) -> None:
        """See ``jobs.finish``; what was used of the engines is counted with it."""
        self.count_use()
        took_s = time.monotonic() - self._began
        jobs.finish(self.claimed, result=result, took_s=took_s, write=write)

    def count_use(self) -> None:
        """Once for each part: what was taken of a vendor was taken, whatever becomes of it."""
        used = self.meter.take()
        if not used:
            return
        # It is the owner's keys that are used, whoever of the team asks.
        account = accounting.Account(uuid.uuid4(), uuid.UUID(int=0), self.project.owner_id)
        delta = accounting.Delta(1, usage.today(), 0.0, used)
        accounting.settle(account, delta, closes=True)

    def _beat(self) -> None:
        said = self._began
        try:
            while not self._over.wait(_LOOK_S):
                says = time.monotonic() - said >= _BEAT_S
                try:
                    wanted = jobs.alive if says else jobs.wanted
                    said = time.monotonic() if says else said
                    if not wanted(self.claimed):
                        self._lost.set()
                        return
                except DatabaseError as error:
                    log.warning("claim not renewed", extra={"error": type(error).__name__})
                    connection.close()
        finally:
            connection.close()


def work(part_id: int, *, redelivered: bool = False) -> None:
    """Do the part if it is still to be done. Never raises for what the part may do."""
    # Imported here: they register themselves, and load engines' code.
    from sessions_app.projects.steps import STEPS

    claimed = jobs.claim(part_id, redelivered=redelivered)
    if claimed is None:
        return
    log_of = {"job": str(claimed.job.pk), "step": claimed.part.step, "part": claimed.part.number}
    with Work(claimed) as under_way:
        try:
            STEPS[claimed.part.step](under_way)
        except ClaimLostError:
            log.info("part given up", extra=log_of)
        except (ProjectError, MediaError) as error:
            jobs.fail(claimed, ProjectError(error.code, str(error)))
        except EngineError as error:
            failed = ProjectError(error.code, str(error))
            jobs.fail(claimed, failed, may_help=error.recoverable)
        except SoftTimeLimitExceeded:
            slow = ProjectError("part_too_slow", "A part of the file took too long; try again.")
            jobs.fail(claimed, slow, may_help=True)
        except Exception:
            if not jobs.wanted(claimed):
                # What it was to write to is gone: its project was deleted.
                log.info("part given up", extra=log_of)
                return
            log.exception("part failed", extra=log_of)
            fault = ProjectError(
                "internal_error", "A fault of the server; try again, or tell its operator."
            )
            jobs.fail(claimed, fault, may_help=True)
