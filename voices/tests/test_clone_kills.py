"""A real worker is killed at every step of making a clone: one clone at the end, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from pipeline.emulators.behaviour import Delays
from pipeline.tests.waiting import wait_until
from voices import services
from voices.cloning.making import MAKE
from voices.models import Actor, CloneStep, DiscardedClone, VoiceClone
from voices.tests.conftest import analysed, consent_of, uploaded
from voices.tests.test_clones import clip
from voices.tests.vendor import running_vendor, stored

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = "killed-workers"
TRIES = 4
"""To meet a worker at a step that it has done in a moment."""
STEPS = [
    CloneStep.COLLECT,
    CloneStep.CHECK,
    CloneStep.CREATE,
    CloneStep.PREVIEW,
    CloneStep.MEASURE,
]


@contextmanager
def worker(var: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker on this test's database; killed at the end, with all its processes."""
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "dubbing_project.celery"]
    command += ["worker", "--concurrency=1", "--loglevel=WARNING", "--without-gossip"]
    command += ["--without-mingle", "--queues", QUEUE]
    with (var / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=django_settings.BASE_DIR,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(90)


def test_killed_at_every_step_there_is_one_clone(
    actor: Actor, ana: User, media: Path, tmp_path: Path, speech_data: Path, settings: object
) -> None:
    delays = Delays(administration=0.4, first_sound=0.3)
    with running_vendor(delays=delays) as vendor:
        given = {
            "ELEVENLABS_API_KEY": vendor.api_key,
            "ELEVENLABS_BASE_URL": vendor.base_url,
            "CLOUD_ROOT_CERTIFICATES": str(vendor.certificate),
        }
        name = connection.settings_dict["NAME"]
        address = os.environ["DATABASE_URL"]
        environment = given | {
            "DATABASE_URL": address.rpartition("/")[0] + f"/{name}",
            "DUBBING_VAR": str(tmp_path),
            "DUBBING_MODELS": str(django_settings.DUBBING_MODELS),
        }
        consent_of(actor, ana)
        analysed(uploaded(actor, ana, clip(speech_data, "3080", 0, 1, 2)))
        clone, _ = services.request_clone(actor, owner=ana, by=ana, engine="elevenlabs")
        order = list(CloneStep)

        def reached(step: CloneStep) -> bool:
            clone.refresh_from_db()
            assert clone.state in {"waiting", "making"}, clone.problem
            return (
                clone.state == "making"
                and bool(clone.step)
                and order.index(CloneStep(clone.step)) >= order.index(step)
            )

        def killed_at(step: CloneStep) -> str:
            """Or at a later one, where this process was not quick enough."""
            current_app.send_task(MAKE, [str(clone.pk)], queue=QUEUE)
            with worker(tmp_path, environment) as process:
                wait_until(
                    lambda: reached(step), within_s=180, every_s=0.005, what=f"a worker at {step}"
                )
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(90)
            # Its claim runs out, as if time went by; it was left at that step.
            clone.refresh_from_db()
            assert clone.state == "making"
            left_at = clone.step
            VoiceClone.objects.filter(pk=clone.pk).update(
                claimed_at=timezone.now() - timedelta(hours=1), step=""
            )
            assert len(stored(vendor)) <= 1
            return left_at

        for step in STEPS:
            assert any(killed_at(step) == step for _ in range(TRIES)), step
        current_app.send_task(MAKE, [str(clone.pk)], queue=QUEUE)
        with worker(tmp_path, environment):

            def ready() -> bool:
                clone.refresh_from_db()
                assert clone.state in {"waiting", "making", "ready"}, clone.problem
                return clone.state == "ready"

            wait_until(ready, within_s=180, what="a worker that makes it")
        assert VoiceClone.objects.count() == 1
        assert stored(vendor) == [clone.vendor_id]
        assert vendor.counters.requests["clone"] <= 2
        assert not DiscardedClone.objects.exists()
