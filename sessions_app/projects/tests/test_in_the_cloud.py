"""A file dubbed by the clouds, through the vendors' clients: heard, translated, spoken, paid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest_asyncio
import soundfile
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import User
from accounts.services import keep_engine_key
from pipeline.emulators.elevenlabs.server import ElevenLabsEmulator
from pipeline.emulators.google.server import GoogleEmulator
from pipeline.tests.emulated_elevenlabs import emulated
from pipeline.tests.google_cloud import access, cloud
from pipeline.types import SAMPLE_RATE_HZ, Pcm
from sessions_app.models import EngineUse
from sessions_app.projects import jobs
from sessions_app.projects.files import flac_of
from sessions_app.projects.job_models import Job, JobState
from sessions_app.projects.models import Project
from sessions_app.projects.tests.conftest import Drain, dubbed

Cloud = tuple[GoogleEmulator, ElevenLabsEmulator]
CLIPS = ("librispeech/2033-164914-0004.flac", "librispeech/3080-5032-0003.flac")


@pytest_asyncio.fixture
async def vendors(ana: User, settings: Any, tmp_path: Path) -> AsyncIterator[Cloud]:
    async with cloud(tmp_path) as google, emulated(certificate=google.certificate) as voices:
        settings.ENGINES = "emulated"
        settings.FAILOVER = ""
        settings.GOOGLE_SPEECH_ENDPOINT = settings.GOOGLE_TRANSLATION_ENDPOINT = google.address
        settings.GOOGLE_SPEECH_REGION = google.speech.rules.region
        settings.ELEVENLABS_BASE_URL = voices.base_url
        settings.CLOUD_ROOT_CERTIFICATES = google.certificate.certificate
        yield google, voices
        # The database cannot be dropped while a thread of ours holds a connection to it.
        await sync_to_async(connections.close_all)()


def talk(folder: Path) -> Pcm:
    pause = np.zeros(SAMPLE_RATE_HZ, np.int16)
    clips = [soundfile.read(folder / name, dtype="int16")[0] for name in CLIPS]
    return np.concatenate([part for clip in clips for part in (clip, pause)])


def dub(ana: User, folder: Path, drain: Drain) -> tuple[Project, Job]:
    try:
        return dubbed(ana, flac_of(talk(folder), SAMPLE_RATE_HZ), drain)
    finally:
        connections.close_all()


def retried(job: Job, drain: Drain) -> Job:
    try:
        jobs.again(job)
        return drain(job)
    finally:
        connections.close_all()


async def test_a_file_is_dubbed_by_the_clouds_and_their_use_is_written_down(
    vendors: Cloud, ana: User, drain: Drain, speech_data: Path
) -> None:
    google, voices = vendors
    # Without keys nobody hears anything, and the job says so.
    _, job = await asyncio.to_thread(dub, ana, speech_data, drain)
    assert (job.state, job.problem) == (JobState.FAILED, "key_missing")
    assert "key" in job.problem_text
    keep = sync_to_async(keep_engine_key)
    await keep(ana, vendor="google", text=access(google).credentials)
    await keep(ana, vendor="elevenlabs", text=voices.api_key)

    # What a vendor refuses for good ends the job in words that say what to do …
    google.faults.always("billing_disabled", "speech")
    job = await asyncio.to_thread(retried, job, drain)
    assert (job.state, job.step) == (JobState.FAILED, "recognise")
    assert job.problem in {"key_refused", "plan_too_small", "quota_used_up"}
    assert job.problem_text
    google.faults.clear()

    # … and it goes on from there when that was mended; what passes is tried again.
    google.faults.once("unavailable", "translation")
    voices.faults.once("drop", "multi_stream_input.text")
    job = await asyncio.to_thread(retried, job, drain)
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    project = await Project.objects.aget(pk=job.project_id)
    assert project.engines["synthesis"] == "elevenlabs"
    lines = [one async for one in project.lines.select_related("sound").order_by("start_s")]
    assert lines
    assert all(one.sound and one.sound.engine == "elevenlabs" for one in lines)
    assert all(one.target_text for one in lines)
    assert google.counts.calls["StreamingRecognize"] >= 1
    # Nobody has consented to a voice that the vendor would make of them.
    assert voices.counters.requests["clone"] == 0

    used = {
        (one.engine, one.leg): one.amount
        async for one in EngineUse.objects.filter(user=ana).order_by("pk")
    }
    spoken = sum([one.amount async for one in EngineUse.objects.filter(user=ana, leg="synthesis")])
    assert {leg for _, leg in used} == {"recognition", "translation", "synthesis"}
    assert {engine for engine, _ in used} == {"google-speech", "google-translate", "elevenlabs"}
    # As the vendor counts it, with what broke off.
    assert spoken >= sum(len(one.target_text) for one in lines)


async def test_a_vendor_that_is_used_up_is_told_at_every_line(
    vendors: Cloud, ana: User, drain: Drain, speech_data: Path
) -> None:
    google, voices = vendors
    keep = sync_to_async(keep_engine_key)
    await keep(ana, vendor="google", text=access(google).credentials)
    await keep(ana, vendor="elevenlabs", text=voices.api_key)
    voices.faults.always("quota_exceeded", "multi_stream_input.text", "multi_stream_input")
    project, job = await asyncio.to_thread(dub, ana, speech_data, drain)
    assert job.state == JobState.DONE, job.problem_text
    lines = [one async for one in project.lines.order_by("start_s")]
    assert {one.problem for one in lines} == {"quota_used_up"}
    assert all(one.sound_id is None and one.target_text for one in lines)
