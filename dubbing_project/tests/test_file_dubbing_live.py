"""A file over the real server, its worker and its storage, whatever happens to the worker."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import psutil
import pytest
import soundfile

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.test_live_end_to_end import token_of
from sessions_app.client import DubbingClient

KILLS = 10
LONGEST_S = 300


@pytest.fixture(scope="module")
def web(platform: RunningServices) -> Any:
    headers = {"Authorization": f"Token {token_of(platform, 'files@example.org')}"}
    with httpx.Client(base_url=platform.url, headers=headers, timeout=60) as client:
        yield client


def talk(folder: Path, names: list[str], pause_s: float = 0.7) -> bytes:
    pause = np.zeros(round(pause_s * 16_000), np.int16)
    pieces = []
    for name in names:
        pieces += [soundfile.read(folder / f"librispeech/{name}.flac", dtype="int16")[0], pause]
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(pieces), 16_000, format="FLAC")
    return content.getvalue()


def project_of(web: httpx.Client, content: bytes, name: str, target: str) -> tuple[str, str]:
    """Addresses of a project of the uploaded file, and of the job that dubs it."""
    upload = web.post("/api/uploads", json={"name": name, "size_bytes": len(content)}).json()
    size = upload["piece_max_bytes"]
    for offset in range(0, len(content), size):
        sent = web.patch(
            f"/api/uploads/{upload['id']}",
            content=content[offset : offset + size],
            headers={
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            },
        )
        assert sent.status_code == 200, sent.text
    body = {"upload": upload["id"], "source_language": "en", "target_language": target}
    made = web.post("/api/projects", json=body)
    assert made.status_code == 201, made.text
    return made.headers["Location"], f"/api/jobs/{made.json()['job']['id']}"


def ended(
    web: httpx.Client, job: str, meanwhile: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        body: dict[str, Any] = web.get(job).json()
        if body["state"] not in {"waiting", "running"}:
            return body
        meanwhile(body)
        time.sleep(0.3)
    raise AssertionError(f"the job has not ended: {web.get(job).json()}")


def lines_of(web: httpx.Client, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = web.get(f"{project}/lines?limit=100").json()["results"]
    return found


def pool_processes() -> list[psutil.Process]:
    """The worker's processes that do the tasks, of this test run alone."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            own, parents = process.cmdline(), process.parent()
            above = parents.cmdline() if parents else []
        except psutil.Error:
            continue
        if "worker" in own and "celery" in own and "worker" in above and "celery" in above:
            found.append(process)
    return found


def test_a_job_whose_worker_is_killed_ten_times_does_every_part_once(
    web: httpx.Client, speech_data: Path
) -> None:
    names = [f"{person}-000{n}" for n in range(4) for person in ("3080-5032", "2609-156975")]
    project, job = project_of(web, talk(speech_data, names), "talk.flac", "es")
    killed: list[int] = []

    def kill(body: dict[str, Any]) -> None:
        if len(killed) >= KILLS or body["step"] not in {"recognise", "speakers", "speak"}:
            return
        for process in pool_processes()[:1]:
            process.kill()
            killed.append(process.pid)

    done = ended(web, job, kill)
    assert (done["state"], done["problem_text"]) == ("done", "")
    assert len(killed) == KILLS
    lines = lines_of(web, project)
    assert len({line["number"] for line in lines}) == len(lines) >= len(names)
    assert [(one["state"], one["problem"]) for one in lines] == [("fresh", "")] * len(lines)
    # Of no stretch there are two sets of lines.
    assert all(a["end_s"] <= b["start_s"] + 0.3 for a, b in pairwise(lines))
    assert web.get(f"{project}/tracks/mix").status_code == 200


def test_a_video_is_dubbed_corrected_and_exported_by_the_client(
    web: httpx.Client, speech_data: Path
) -> None:
    token = web.headers["Authorization"].partition(" ")[2]
    with DubbingClient(str(web.base_url), token) as client:
        upload = client.upload(speech_data / "video/open_dubbing_englishvideo.mp4")
        made = client.create_project("es", upload=upload["id"], source_language="en")
        project, seen = made["id"], set[str]()
        assert made["job"] is not None
        done = client.wait_for_job(
            made["job"]["id"], timeout_s=LONGEST_S, on_progress=lambda job: seen.add(job["step"])
        )
        assert (done["state"], done["problem_text"]) == ("done", "")
        assert seen
        events = web.get(f"/api/jobs/{done['id']}/events")
        assert events.headers["Content-Type"] == "text/event-stream"
        assert events.text.startswith("event: progress\ndata: {")
        assert events.text.endswith("event: end\ndata: {}\n\n")
        assert done["export"] is not None
        file = client.exported(done["export"])
        _check_video(file)
        lines = list(client.project_lines(project))
        first, others = lines[0], [line["number"] for line in lines[1:]]
        sounds = {number: client.line_sound(project, number) for number in others}
        before = client.line_sound(project, first["number"])
        client.edit_project_line(project, first["number"], target_text="Ya está.")
        redub = client.wait_for_job(client.dub_project(project)["id"], timeout_s=LONGEST_S)
        assert redub["state"] == "done"
        assert client.line_sound(project, first["number"]) != before
        assert {number: client.line_sound(project, number) for number in others} == sounds
        assert client.project(project)["has_dub"]
        _cancelled_while_it_is_muxed(web, project)


def _cancelled_while_it_is_muxed(web: httpx.Client, project: str) -> None:
    for _ in range(5):
        export = web.post(f"/api/projects/{project}/exports", json={"form": "video"}).json()
        job = f"/api/jobs/{export['job']}"
        if (muxer := _held_muxer(web, job)) is not None:
            break
    else:
        raise AssertionError("no muxing was seen under way")
    assert web.post(f"{job}/cancel").json()["state"] == "cancelled"
    # Held as it is, it would never end by itself.
    psutil.wait_procs([muxer], timeout=LONGEST_S)
    assert not muxer.is_running()
    assert web.get(f"/api/exports/{export['id']}/file").status_code == 409
    assert web.post(f"{job}/retry").status_code == 202
    assert ended(web, job)["state"] == "done"
    _check_video(web.get(f"/api/exports/{export['id']}/file").content)


def _held_muxer(web: httpx.Client, job: str) -> psutil.Process | None:
    """FFmpeg as it copies the picture, stopped where it is; None: it was quicker."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        # More often than the job is asked for: it does not take long.
        for _ in range(20):
            for worker in pool_processes():
                for process in worker.children():
                    with suppress(psutil.Error):
                        if "copy" in process.cmdline():
                            process.suspend()
                            return process
        if web.get(job).json()["state"] == "done":
            return None
    raise AssertionError("the job does not end")


def _check_video(file: bytes) -> None:
    with av.open(io.BytesIO(file)) as video:
        streams = {(one.type, one.metadata.get("language")): one for one in video.streams}
        assert {kind for kind, _ in streams} == {"video", "audio", "subtitle"}
        assert {("audio", "spa"), ("audio", "eng"), ("subtitle", "spa")} <= set(streams)
        ends = [
            float(one.duration * one.time_base)
            for (kind, _), one in streams.items()
            if kind != "subtitle" and one.duration and one.time_base
        ]
        assert max(ends) - min(ends) <= 0.05
        assert "AI" in video.metadata["comment"]
