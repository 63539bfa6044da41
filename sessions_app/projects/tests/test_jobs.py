"""Parts of jobs: claimed once, taken from the dead, cancelled, tried again, told to webhooks."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connection, connections, transaction
from django.test import AsyncClient
from django.utils import timezone
from redis.exceptions import TimeoutError as RedisTimeoutError
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team, User, WebhookEvent
from accounts.personal_data import ObstacleError, delete_account
from accounts.services import create_user
from accounts.webhooks.delivering import BACKOFF_S, UNREACHED_S, deliver_due
from accounts.webhooks.services import create_webhook
from accounts.webhooks.tests.receiver import answers, receiving
from accounts.webhooks.tests.test_deliveries import later
from pipeline.bounds import PART_LEASE_S, PART_S
from pipeline.providers.scripted.sounds import utterances
from pipeline.tests.waiting import wait_until
from sessions_app import services
from sessions_app.holding import save_lines
from sessions_app.projects import jobs, making, uploads, worker_loop
from sessions_app.projects.api import events
from sessions_app.projects.editing import edit_line
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import flac_of, workspace
from sessions_app.projects.job_models import Export, Job, JobKind, JobPart, JobState, PartState
from sessions_app.projects.jobs import ClaimLostError
from sessions_app.projects.models import Change, Project, ProjectLine, StoredStretch
from sessions_app.projects.notices import group_of, tell_soon
from sessions_app.projects.progress import progress
from sessions_app.projects.running import work
from sessions_app.projects.steps import probing, writing
from sessions_app.projects.tests.conftest import Drain, dubbed
from sessions_app.tests.engines import stalled
from sessions_app.tests.test_record import line as line_record
from voices.files import delete_discarded
from voices.models.files import DiscardedFile

TALK = flac_of(utterances((1.5, 110.0), (1.5, 240.0), (1.5, 110.0)), 16_000)


@pytest.fixture
def job(ana: User, scripted: None) -> Job:
    """Under way; nobody works on it."""
    upload = uploads.whole(ana, name="talk.flac", content=TALK)
    _, job = making.create_project(ana, upload=upload, source_language="en", target_language="es")
    return job


def first_part(job: Job) -> JobPart:
    part = JobPart.objects.filter(job=job).exclude(state=PartState.DONE).first()
    assert part is not None
    return part


def test_a_part_is_claimed_by_one_and_taken_over_only_from_the_dead(job: Job) -> None:
    part = first_part(job)
    mine = jobs.claim(part.pk)
    assert mine is not None
    assert jobs.claim(part.pk) is None
    assert jobs.alive(mine)
    # The broker knows that the worker is gone; or nothing was heard of it for long enough.
    theirs = jobs.claim(part.pk, redelivered=True)
    assert theirs is not None
    assert not jobs.alive(mine)
    silent = timezone.now() - timedelta(seconds=PART_LEASE_S + 1)
    JobPart.objects.filter(pk=part.pk).update(claimed_at=silent)
    assert jobs.look_after() == 1
    last = jobs.claim(part.pk)
    assert last is not None
    assert last.part.takeovers == 2


def test_what_two_workers_made_of_a_part_is_written_once(job: Job) -> None:
    part = first_part(job)
    slow = jobs.claim(part.pk)
    quick = jobs.claim(part.pk, redelivered=True)
    assert slow is not None
    assert quick is not None
    written: list[str] = []
    jobs.finish(quick, write=lambda: written.append("quick"))
    with pytest.raises(ClaimLostError):
        jobs.finish(slow, write=lambda: written.append("slow"))
    assert written == ["quick"]


def test_a_message_that_comes_twice_does_nothing_the_second_time(job: Job, drain: Drain) -> None:
    part = first_part(job)
    work(part.pk)
    work(part.pk)
    drain(job)
    assert job.state == JobState.DONE
    work(part.pk, redelivered=True)
    numbers = list(job.project.lines.values_list("number", flat=True))
    assert numbers == [0, 1, 2]


def test_a_cancelled_job_stops_and_goes_on_where_it_was(job: Job, drain: Drain) -> None:
    work(first_part(job).pk)
    done = set(job.parts.filter(state=PartState.DONE).values_list("pk", flat=True))
    jobs.cancel(job)
    work(first_part(job).pk)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert set(job.parts.filter(state=PartState.DONE).values_list("pk", flat=True)) == done
    with pytest.raises(ProjectError, match="already"):
        jobs.cancel(job)
    jobs.again(job)
    assert drain(job).state == JobState.DONE
    # What had been done was not done again.
    assert job.parts.filter(step="probe").count() == 1


def test_a_part_that_is_cancelled_while_it_is_recognised_does_not_wait_for_its_end(
    job: Job, storage: Any, settings: Any, drain: Drain
) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.stalled_engines"
    work(first_part(job).pk)
    part = first_part(job)
    assert part.step == "recognise"
    files = {one for one in storage.rglob("*") if one.is_file()}
    with ThreadPoolExecutor(1, initializer=connections.close_all) as worker:
        doing = worker.submit(work, part.pk)
        wait_until(lambda: bool(stalled) and stalled[-1].opened > 0)
        jobs.cancel(job)
        # It would take an hour.
        doing.result(90)
        worker.submit(connections.close_all).result(90)
    recogniser = stalled[-1]
    wait_until(lambda: recogniser.closed == recogniser.opened)
    part.refresh_from_db()
    assert (part.state, part.result) == (PartState.CLAIMED, None)
    assert {one for one in storage.rglob("*") if one.is_file()} == files
    assert list((storage.parent / "work").iterdir()) == []
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    worker_loop.close()
    jobs.again(job)
    assert drain(job).state == JobState.DONE


async def test_who_follows_a_job_is_woken_by_notices(
    job: Job, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "JOB_LOOK_S", 600.0)
    client = AsyncClient()
    assert job.by is not None
    await client.aforce_login(job.by)
    answer: Any = await client.get(f"/api/jobs/{job.pk}/events")
    assert answer["Content-Type"] == "text/event-stream"
    told: list[str] = []

    def done() -> None:
        drain(job)
        connections.close_all()

    async with asyncio.timeout(60):
        async for piece in answer.streaming_content:
            told.append(piece.decode())
            if len(told) == 1:
                assert '"state": "running"' in told[0]
                await asyncio.to_thread(done)
    await sync_to_async(connections.close_all)()
    assert told[-1].startswith("event: end")
    assert '"state": "done"' in told[-2]


def test_voiceprints_of_a_job_that_nobody_goes_on_with_are_gone_after_a_day(
    job: Job, drain: Drain
) -> None:
    while JobPart.objects.filter(job=job, step="speakers").first() is None:
        work(first_part(job).pk)
    jobs.cancel(job)
    heard = JobPart.objects.filter(job=job, step="recognise", result__isnull=False)
    assert heard.exists()
    Job.objects.filter(pk=job.pk).update(ended_at=timezone.now() - timedelta(days=2))
    jobs.look_after()
    assert not heard.exists()
    # Gone on with after all, its sound is heard again.
    jobs.again(job)
    assert drain(job).state == JobState.DONE
    assert job.project.lines.count() == 3
    assert not JobPart.objects.filter(job=job, result__isnull=False).exists()


def test_a_part_that_fails_again_and_again_ends_the_job_and_may_be_retried(
    ana: User, job: Job, drain: Drain, settings: Any
) -> None:
    create_webhook(ana, url="https://receiver.example/x", event_types=["*"], team=None)
    good = settings.DUBBING_ENGINES
    settings.DUBBING_ENGINES = "sessions_app.projects.tests.test_jobs.no_engines"
    assert drain(job).state == JobState.FAILED
    assert job.problem
    settings.DUBBING_ENGINES = good
    jobs.again(job)
    assert drain(job).state == JobState.DONE
    told = list(WebhookEvent.objects.order_by("happened_at").values_list("type", flat=True))
    assert told == ["project.job_failed", "project.job_done"]


def test_a_receiver_that_is_down_for_a_while_hears_once_of_the_job_and_of_the_export(
    ana: User, job: Job, drain: Drain, settings: Any, free_port: int
) -> None:
    settings.WEBHOOKS_PRIVATE_ADDRESSES = True
    _, secret = create_webhook(
        ana, url=f"http://127.0.0.1:{free_port}/hook", event_types=["*"], team=None
    )
    assert drain(job).state == JobState.DONE
    deliver_due()
    later(BACKOFF_S[0] + UNREACHED_S)
    export = making.export(job.project, by=ana, form="srt")
    assert drain(export.job).state == JobState.DONE
    deliver_due()
    later(2 * BACKOFF_S[1] + UNREACHED_S)
    # It is up again, but not well yet.
    with receiving(port=free_port, behaviour=answers(503)) as receiver:
        deliver_due()
        receiver.behaviour = answers(200)
        for pause in BACKOFF_S:
            later(2 * pause)
            deliver_due()
    told = {one.event["type"]: one.event["data"] for one in receiver.accepted}
    assert len(receiver.accepted) == len(told) == 2
    assert told["project.job_done"]["job"] == str(job.pk)
    assert told["project.export_done"]["export"] == str(export.pk)
    assert all(one.verified(secret) for one in receiver.received)
    assert {one.id for one in receiver.received} == {one.id for one in receiver.accepted}


async def test_what_is_left_out_because_it_was_told_a_moment_ago_is_told_when_that_is_over(
    job: Job,
) -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group_of(job.pk), channel)
    told: list[Any] = []

    def tell_thrice() -> None:
        # In one thread: each would have a connection of its own, and only this one is closed.
        try:
            for _ in range(3):
                tell_soon(job)
        finally:
            connections.close_all()

    await asyncio.to_thread(tell_thrice)
    async with asyncio.timeout(60):
        # The first, and all the others together.
        while len(told) < 2:
            with suppress(RedisTimeoutError):
                told.append(await layer.receive(channel))


def test_a_project_that_is_deleted_under_a_worker_ends_its_part_without_a_fault(
    ana: User, job: Job, drain: Drain, storage: Any, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    mine = jobs.claim(first_part(job).pk)
    assert mine is not None
    take_original = probing.take_original

    def taken(*given: Any, **named: Any) -> None:
        # Between two looks of its heart.
        Project.objects.get(pk=job.project_id).delete()
        take_original(*given, **named)

    monkeypatch.setattr(probing, "take_original", taken)
    work(mine.part.pk, redelivered=True)
    with pytest.raises(ClaimLostError):
        jobs.finish(mine)
    jobs.fail(mine, ProjectError("internal_error", "It was deleted."))
    assert not Job.objects.filter(pk=job.pk).exists()
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []
    with transaction.atomic():
        DiscardedFile.objects.update(after=timezone.now())
    delete_discarded()
    assert [one for one in storage.rglob("*") if one.is_file()] == []


def test_an_export_that_is_deleted_before_it_is_written_is_no_fault(
    ana: User, job: Job, drain: Drain, storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_webhook(ana, url="https://receiver.example/x", event_types=["*"], team=None)
    assert drain(job).state == JobState.DONE
    client = APIClient()
    client.force_authenticate(ana)
    export = making.export(job.project, by=ana, form="srt")
    assert client.delete(f"/api/exports/{export.pk}").status_code == 204
    export.job.refresh_from_db()
    assert export.job.state == JobState.CANCELLED
    ended = drain(jobs.again(export.job))
    assert (ended.state, ended.problem) == (JobState.FAILED, "export_gone")

    # While it is written; and by a job that does more, which goes on.
    write = writing._write

    def written(work: Any, row: Export, folder: Any) -> Any:
        path = write(work, row, folder)
        Export.objects.get(pk=row.pk).delete()
        return path

    files = {one for one in storage.rglob("*") if one.is_file()}
    monkeypatch.setattr(writing, "_write", written)
    more = making.export(job.project, by=ana, form="srt").job
    Job.objects.filter(pk=more.pk).update(kind=JobKind.REDUB)
    assert drain(more).state == JobState.DONE
    with transaction.atomic():
        DiscardedFile.objects.update(after=timezone.now())
    delete_discarded()
    assert {one for one in storage.rglob("*") if one.is_file()} == files


def no_engines() -> Any:
    raise RuntimeError("there are none today")


def test_what_a_killed_worker_had_on_its_disk_goes_with_the_next_part(storage: Any) -> None:
    left = storage.parent / "work" / "part-of-the-dead"
    left.mkdir(parents=True)
    (left / "video.mp4").write_bytes(b"x")
    long_ago = time.time() - 10 * PART_S
    os.utime(left, (long_ago, long_ago))
    with workspace() as mine:
        assert mine.exists()
        assert not left.exists()
    assert list((storage.parent / "work").iterdir()) == []


def test_what_is_cut_is_heard_while_the_rest_is_cut_and_an_attempt_that_died_leaves_nothing(
    job: Job, drain: Drain
) -> None:
    probe = first_part(job)
    dying = jobs.claim(probe.pk)
    assert dying is not None
    jobs.add_ahead(dying, "recognise", {"stretch": 0})
    ahead = jobs.claim(job.parts.get(step="recognise").pk)
    assert ahead is not None
    assert jobs.alive(ahead)
    job.refresh_from_db()
    assert [(one["step"], one["state"]) for one in progress(job)][:3] == [
        ("probe", "running"), ("recognise", "running"), ("speakers", "waiting")
    ]  # fmt: skip
    work(probe.pk, redelivered=True)
    assert not jobs.alive(ahead)
    with pytest.raises(ClaimLostError):
        jobs.add_ahead(dying, "recognise", {"stretch": 1})
    job.refresh_from_db()
    assert job.step == "recognise"
    assert job.parts.filter(step="recognise").count() == job.project.stretches.count() == 1
    assert drain(job).state == JobState.DONE
    assert job.project.lines.count() == 3


def test_what_was_done_ahead_to_its_end_is_passed_over(job: Job) -> None:
    probe = jobs.claim(first_part(job).pk)
    assert probe is not None
    StoredStretch.objects.create(
        project=job.project, number=0, start=0, samples=16_000, has_speech=True, audio="x.flac"
    )
    jobs.add_ahead(probe, "recognise", {"stretch": 0})
    ahead = jobs.claim(job.parts.get(step="recognise").pk)
    assert ahead is not None
    jobs.finish(ahead, result=b"\x90")
    job.refresh_from_db()
    assert job.step == "probe"
    jobs.finish(probe)
    job.refresh_from_db()
    assert job.step == "speakers"
    assert jobs.results(job, "recognise") == [b"\x90"]


def test_one_job_at_a_time_changes_a_project(ana: User, job: Job) -> None:
    with pytest.raises(ProjectError) as refused:
        making.redub(job.project, by=ana)
    assert refused.value.code == "project_busy"


def test_a_hundred_edits_at_once_by_several_people_lose_none(
    ana: User, scripted: None, drain: Drain
) -> None:
    project, _ = dubbed(ana, TALK, drain)
    people = [ana, *(create_user(email=f"{n}@example.org", password=None) for n in range(3))]
    ProjectLine.objects.bulk_create(
        ProjectLine(project=project, number=10 + n, start_s=20.0 + n, end_s=20.5 + n, language="en")
        for n in range(20)
    )
    start = threading.Barrier(8)

    def edit(number: int) -> None:
        """Five edits of each line: each adds a word to what is there."""
        from django.db import transaction

        if number < 8:
            start.wait(30)
        try:
            with transaction.atomic():
                rows = ProjectLine.objects.select_for_update(of=("self",))
                line = rows.get(project=project, number=10 + number % 20)
                text = f"{line.target_text} {number}".strip()
                edit_line(line, by=people[number % 4], changes={"target_text": text})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(edit, range(100)))
    said = " ".join(
        ProjectLine.objects.filter(project=project, number__gte=10).values_list(
            "target_text", flat=True
        )
    )
    assert sorted(map(int, said.split())) == list(range(100))
    assert Change.objects.filter(project=project).count() == 100
    revisions = ProjectLine.objects.filter(project=project, number__gte=10)
    assert set(revisions.values_list("revision", flat=True)) == {6}


def test_edits_and_those_who_take_them_back_do_not_wait_for_one_another_for_ever(
    ana: User, scripted: None, drain: Drain
) -> None:
    project, _ = dubbed(ana, TALK, drain)
    address = f"/api/projects/{project.pk}"

    def act(number: int) -> int:
        client = APIClient()
        client.force_authenticate(ana)
        try:
            if number % 2:
                return client.post(f"{address}/undo").status_code
            changes = {"target_text": f"wording {number}"}
            line = f"{address}/lines/{number // 2 % 2}"
            return client.patch(line, changes, format="json", headers={"If-Match": "*"}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(act, range(80)))
    assert set(answers[::2]) == {200}
    assert set(answers[1::2]) <= {200, 409}


def test_who_waits_too_long_for_a_row_is_told_that_it_is_busy(
    job: Job, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = drain(job).project
    monkeypatch.setattr("accounts.rest.row_waits.ROW_WAIT_S", 0.1)
    client = APIClient()
    client.force_authenticate(project.owner)

    def edit() -> Any:
        try:
            return client.patch(
                f"/api/projects/{project.pk}/lines/0",
                {"target_text": "Otra cosa."},
                format="json",
                headers={"If-Match": "*"},
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        ProjectLine.objects.select_for_update(of=("self",)).get(project=project, number=0)
        answer = other.submit(edit).result(30)
    assert (answer.status_code, answer.json()["code"]) == (503, "row_busy")
    assert answer["Retry-After"] == "1"
    assert edit().status_code == 200


def test_a_session_opens_as_a_project_and_its_original_is_added(
    ana: User, scripted: None, drain: Drain
) -> None:
    session = services.create_session(ana, target_language="es", title="Lecture")
    spoken = [
        replace(
            line_record(n),
            target_text=f"número {n}",
            start_s=2.1 * n + 0.2,
            end_s=2.1 * n + 1.7,
            speaker=f"S{n % 2 + 1}",
        )
        for n in range(3)
    ]
    save_lines(session.pk, spoken)
    of_session = list(session.lines.order_by("sequence"))
    project = making.open_session(ana, session)
    lines = list(project.lines.order_by("number"))
    assert [one.source_text for one in lines] == [one.source_text for one in of_session]
    assert [one.target_text for one in lines] == [one.target_text for one in of_session]
    export = making.export(project, by=ana, form="srt")
    assert drain(export.job).state == JobState.DONE
    with pytest.raises(ProjectError) as refused:
        making.export(project, by=ana, form="mix")
    assert refused.value.code == "not_dubbed"
    upload = uploads.whole(ana, name="lecture.flac", content=TALK)
    job = drain(making.add_original(project, by=ana, upload=upload))
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    project.refresh_from_db()
    assert project.mix
    labels = project.lines.order_by("number").values_list("speaker__label", flat=True)
    assert list(labels) == ["S1", "S2", "S1"]
    assert [one.target_text for one in project.lines.order_by("number")] == [
        one.target_text for one in of_session
    ]


def test_an_account_goes_with_its_projects_and_their_files(
    ana: User, job: Job, drain: Drain, storage: Any
) -> None:
    team = Team.objects.create(name="us")
    Membership.objects.create(team=team, user=ana, role=Role.OWNER)
    with pytest.raises(ObstacleError, match="being dubbed"):
        delete_account(ana)
    drain(job)
    assert any(path.is_file() for path in storage.rglob("*"))
    delete_account(ana)
    assert not Project.objects.exists()
    assert [path for path in storage.rglob("*") if path.is_file()] == []
    connections.close_all()
