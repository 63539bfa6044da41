"""Jobs cut into parts: written down first, done by whichever worker claims one.

The database says what is to be done, the broker only wakes workers up; a message that is lost,
comes twice or comes late changes nothing. A part is claimed by one worker, which says every few
seconds that it lives; one that is gone loses it to another. What a part makes is written in the
transaction that ends it, and only by who still has the claim: nothing comes twice.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from pipeline.bounds import (
    JOBS_MAX,
    PART_ATTEMPTS_MAX,
    PART_LEASE_S,
    PART_TAKEOVERS_MAX,
    PARTS_AT_ONCE,
    UPLOAD_KEPT_S,
)
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.events import tell_job
from sessions_app.projects.job_models import (
    UNFINISHED,
    Job,
    JobKind,
    JobPart,
    JobState,
    PartState,
)
from sessions_app.projects.models import Project
from sessions_app.projects.notices import tell, tell_soon
from sessions_app.projects.sending import send, send_soon, wake

log = logging.getLogger(__name__)
_RESEND_S = 120
"""A message that has been waiting so long may be lost."""

Plan = Callable[[Job], Sequence[Mapping[str, Any]]]
PLANS: dict[str, Plan] = {}
"""Step → what its parts are to do; ``steps`` fills it. A step without parts is passed over."""


class ClaimLostError(Exception):
    """The part is somebody else's by now, or its job has ended."""


@dataclass(frozen=True, slots=True)
class Claimed:
    part: JobPart
    claim: uuid.UUID

    @property
    def job(self) -> Job:
        return self.part.job


def start(
    project: Project,
    *,
    by: User,
    kind: JobKind,
    steps: Sequence[str],
    options: Mapping[str, Any] | None = None,
) -> Job:
    """A new job; its work begins when the transaction is done. Raises ProjectError."""
    with transaction.atomic():
        unfinished = Job.objects.filter(by=by, state__in=UNFINISHED)
        if unfinished[JOBS_MAX - 1 : JOBS_MAX].exists():
            raise ProjectError(
                "limit_reached", f"You have {JOBS_MAX} unfinished jobs; wait for one or cancel it."
            )
        try:
            with transaction.atomic():
                job = Job.objects.create(
                    project=project,
                    by=by,
                    kind=kind,
                    state=JobState.RUNNING,
                    started_at=timezone.now(),
                    options={**(options or {}), "steps": list(steps)},
                )
        except IntegrityError:
            raise ProjectError(
                "project_busy", "Another job of the project is under way; wait for it or cancel it."
            ) from None
        _advance(job)
    return job


def cancel(job: Job) -> None:
    """What is under way ends at its next breath; what was finished stays. Raises ProjectError."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job.pk)
        if job.state not in UNFINISHED:
            raise ProjectError("job_ended", f"The job is {job.state} already.")
        _end(job, JobState.CANCELLED)


def again(job: Job) -> Job:
    """Go on with a job that failed or was cancelled, where it was. Raises ProjectError."""
    try:
        with transaction.atomic():
            job = Job.objects.select_for_update().get(pk=job.pk)
            if job.state not in {JobState.FAILED, JobState.CANCELLED}:
                raise ProjectError("job_ended", f"The job is {job.state}: there is nothing to do.")
            job.state, job.problem, job.problem_text = JobState.RUNNING, "", ""
            job.ended_at = None
            job.save()
            _hear_again(job)
            undone = job.parts.exclude(state=PartState.DONE)
            undone.update(
                state=PartState.WAITING, claim=None, sent_at=None, failures=0, takeovers=0
            )
            if not undone.filter(step=job.step).exists():
                _advance(job)
            send_soon(job)
    except IntegrityError:
        raise ProjectError(
            "project_busy", "Another job of the project is under way; wait for it or cancel it."
        ) from None
    return job


def _hear_again(job: Job) -> None:
    """What was heard is not kept for long; who speaks cannot be told without it."""
    gone = job.parts.filter(step="recognise", state=PartState.DONE, result=None)
    if job.step == "speakers" and gone.update(state=PartState.WAITING):
        job.parts.filter(step="speakers").delete()
        job.step = "recognise"
        job.save(update_fields=["step"])


# What workers do ----------------------------------------------------------------------


def claim(part_id: int, *, redelivered: bool = False) -> Claimed | None:
    """The part, if it is to be done and nobody alive does it. ``redelivered``: the broker says
    that the worker which had it is gone."""
    now = timezone.now()
    with transaction.atomic():
        rows = JobPart.objects.select_for_update(of=("self",)).select_related("job__project")
        part = rows.filter(pk=part_id).first()
        if part is None or part.job.state != JobState.RUNNING or part.state == PartState.DONE:
            return None
        if part.state == PartState.CLAIMED:
            silent_since = now - timedelta(seconds=PART_LEASE_S)
            heard_of = part.claimed_at is not None and part.claimed_at >= silent_since
            if heard_of and not redelivered:
                return None
            part.takeovers += 1
        claimed = Claimed(part, uuid.uuid4())
        part.state, part.claim, part.claimed_at = PartState.CLAIMED, claimed.claim, now
        part.save(update_fields=["state", "claim", "claimed_at", "takeovers"])
    if part.takeovers > PART_TAKEOVERS_MAX:
        fail(
            claimed,
            ProjectError("worker_lost", "A part of the file ends every worker that takes it."),
        )
        return None
    return claimed


def alive(claimed: Claimed) -> bool:
    """Say that its worker lives; False: it is no longer wanted."""
    return bool(_held(claimed).update(claimed_at=timezone.now()))


def wanted(claimed: Claimed) -> bool:
    """False: its job has ended, or another worker has it."""
    return _held(claimed).exists()


def _held(claimed: Claimed) -> QuerySet[JobPart]:
    return JobPart.objects.filter(
        pk=claimed.part.pk, claim=claimed.claim, job__state=JobState.RUNNING
    )


def finish(
    claimed: Claimed,
    *,
    result: bytes | None = None,
    took_s: float | None = None,
    write: Callable[[], None] = lambda: None,
) -> None:
    """The part is done: ``write`` what it made, and go on with the job. Raises ClaimLostError,
    and nothing is written."""
    with transaction.atomic():
        # None: it was deleted with its project.
        job = Job.objects.select_for_update().filter(pk=claimed.job.pk).first()
        if job is None or job.state != JobState.RUNNING:
            raise ClaimLostError
        mine = JobPart.objects.filter(
            pk=claimed.part.pk, claim=claimed.claim, state=PartState.CLAIMED
        )
        if not mine.update(state=PartState.DONE, result=result, took_s=took_s, claim=None):
            raise ClaimLostError
        write()
        if job.parts.filter(step=job.step).exclude(state=PartState.DONE).exists():
            send_soon(job)
            tell_soon(job)
        else:
            _advance(job)


def fail(claimed: Claimed, error: ProjectError, *, may_help: bool = False) -> None:
    """It could not be done. ``may_help``: try again, up to PART_ATTEMPTS_MAX times."""
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=claimed.job.pk).first()
        if job is None:
            return
        mine = JobPart.objects.filter(
            pk=claimed.part.pk, claim=claimed.claim, state=PartState.CLAIMED
        )
        again = may_help and claimed.part.failures + 1 < PART_ATTEMPTS_MAX
        failed = mine.update(
            state=PartState.WAITING, claim=None, failures=F("failures") + 1, sent_at=None
        )
        if not failed or job.state != JobState.RUNNING:
            return
        if again:
            send_soon(job)
            return
        job.problem, job.problem_text = error.code, str(error)[:500]
        _end(job, JobState.FAILED)


def add_ahead(claimed: Claimed, step: str, payload: Mapping[str, Any]) -> None:
    """A part of a later step, in the order of that step's plan, which may begin while this one
    goes on; in a transaction. Raises ClaimLostError."""
    if not alive(claimed):
        raise ClaimLostError
    job = claimed.job
    number = job.parts.filter(step=step).count()
    JobPart.objects.create(job=job, step=step, number=number, payload=dict(payload))
    send_soon(job)


def forget_ahead(claimed: Claimed, step: str) -> None:
    """What an attempt before this one had begun: whoever does it loses it."""
    claimed.job.parts.filter(step=step).delete()


def results(job: Job, step: str) -> list[bytes]:
    """What the parts of a step have left, in order."""
    rows = job.parts.filter(step=step).order_by("number").values_list("result", flat=True)
    return [bytes(one) for one in rows if one is not None]


def forget_results(job: Job, step: str) -> None:
    job.parts.filter(step=step).update(result=None)


def look_after() -> int:
    """Send what nobody works on although it should be; returns how many parts."""
    now = timezone.now()
    stale = Q(state=PartState.CLAIMED, claimed_at__lt=now - timedelta(seconds=PART_LEASE_S)) | Q(
        state=PartState.WAITING, sent_at__lt=now - timedelta(seconds=_RESEND_S)
    )
    rows = JobPart.objects.filter(stale, job__state=JobState.RUNNING)
    found = list(rows.values_list("pk", flat=True)[: 4 * PARTS_AT_ONCE])
    JobPart.objects.filter(pk__in=found).update(sent_at=now)
    for part_id in found:
        wake(part_id)
    for job in Job.objects.filter(state=JobState.RUNNING)[:200]:
        send(job.pk)
    # Voiceprints of jobs that ended otherwise than well, and are not gone on with.
    old = now - timedelta(seconds=UPLOAD_KEPT_S)
    JobPart.objects.filter(job__ended_at__lt=old, result__isnull=False).update(result=None)
    return len(found)


# Going on -----------------------------------------------------------------------------


def _advance(job: Job) -> None:
    """To the next step that has something to do, or to the end; the job is locked or new."""
    steps: list[str] = job.options["steps"]
    following = steps[steps.index(job.step) + 1 :] if job.step else steps
    for step in following:
        job.step = step
        payloads = PLANS[step](job)
        if payloads:
            _add(job, step, payloads)
            job.save(update_fields=["step"])
            if not job.parts.filter(step=step).exclude(state=PartState.DONE).exists():
                continue  # all of it was done ahead
            send_soon(job)
            tell(job)
            return
    _end(job, JobState.DONE)


def _add(job: Job, step: str, payloads: Iterable[Mapping[str, Any]]) -> None:
    JobPart.objects.bulk_create(
        (
            JobPart(job=job, step=step, number=number, payload=dict(payload))
            for number, payload in enumerate(payloads)
        ),
        # Those that were added ahead.
        ignore_conflicts=True,
    )


def _end(job: Job, state: JobState) -> None:
    job.state, job.ended_at = state, timezone.now()
    job.save()
    # Voiceprints and words of a run that nobody goes on with.
    if state == JobState.DONE:
        job.parts.update(result=None)
    tell_job(job)
    tell(job)
    log.info(
        "job ended",
        extra={"job": str(job.pk), "kind": job.kind, "state": state.value, "code": job.problem},
    )
