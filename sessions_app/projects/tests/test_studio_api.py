"""A project over the interface: uploaded, dubbed, corrected, dubbed again, taken back, exported."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pysubs2
import pytest
import soundfile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from pipeline.providers.scripted.sounds import utterances
from sessions_app.projects.editing import checked_style
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import flac_of
from sessions_app.projects.inputs import inputs_of
from sessions_app.projects.job_models import Job
from sessions_app.projects.models import Project
from sessions_app.projects.selectors import bytes_of
from sessions_app.projects.selectors import lines_of as lines_of_project
from sessions_app.projects.tests.conftest import Drain
from sessions_app.projects.text_exports import DISCLOSURE

LOW, HIGH = 110.0, 240.0
TALK = utterances((2.0, LOW), (2.0, HIGH), (1.8, LOW), (2.2, HIGH))


@pytest.fixture
def client(ana: User, scripted: None, settings: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(ana)
    return client


@pytest.fixture
def project(client: APIClient, drain: Drain) -> str:
    """Uploaded in two pieces and dubbed; its address."""
    content = flac_of(TALK, 16_000)
    wish = {"name": "talk.flac", "size_bytes": len(content)}
    made = client.post("/api/uploads", wish, format="json")
    half = len(content) // 2
    for offset, piece in ((0, content[:half]), (half, content[half:])):
        sent = client.patch(
            made["Location"],
            piece,
            content_type="application/offset+octet-stream",
            HTTP_UPLOAD_OFFSET=str(offset),
        )
        assert sent.status_code == 200, sent.content
    body = {"upload": made.json()["id"], "source_language": "en", "target_language": "es"}
    answer = client.post("/api/projects", body, format="json")
    assert answer.status_code == 201, answer.content
    finish(drain, answer.json()["job"])
    return str(answer["Location"])


def finish(drain: Drain, job: dict[str, Any]) -> Job:
    ended = drain(Job.objects.get(pk=job["id"]))
    assert ended.state == "done", ended.problem_text
    return ended


def lines_of(client: APIClient, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{project}/lines?limit=100").json()["results"]
    return found


def edit(client: APIClient, path: str, **changes: Any) -> dict[str, Any]:
    tag = client.get(path)["ETag"]
    answer = client.patch(path, changes, format="json", HTTP_IF_MATCH=tag)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def sounds(client: APIClient, project: str) -> dict[int, bytes]:
    return {
        line["number"]: b"".join(client.get(f"{project}/lines/{line['number']}/audio"))
        for line in lines_of(client, project)
    }


def test_progress_names_every_step_and_its_parts(client: APIClient, project: str) -> None:
    job = client.get(f"/api/jobs?project={project.rpartition('/')[2]}").json()["results"][0]
    assert [one["step"] for one in job["steps"]] == [
        "probe",
        "recognise",
        "speakers",
        "speak",
        "mix",
        "mux",
    ]
    assert all(one["done"] == one["parts"] and one["state"] == "done" for one in job["steps"])
    # As a browser asks for them.
    stream = client.get(f"/api/jobs/{job['id']}/events", headers={"Accept": "text/event-stream"})
    events = b"".join(stream).decode()
    told = json.loads(events.split("data: ")[1].split("\n")[0])
    assert (told["state"], events.rstrip().endswith("event: end\ndata: {}")) == ("done", True)


def test_only_what_was_changed_is_spoken_again(
    client: APIClient, project: str, drain: Drain
) -> None:
    before = sounds(client, project)
    lines = lines_of(client, project)
    assert len(lines) == 4
    assert {line["state"] for line in lines} == {"fresh"}
    speakers = client.get(f"{project}/speakers").json()["results"]
    assert len(speakers) == 2
    edit(client, f"{project}/lines/{lines[0]['number']}", target_text="otra cosa")
    moved = edit(client, f"{project}/lines/{lines[2]['number']}", speaker=speakers[1]["label"])
    assert moved["state"] == "stale"
    stale = [line["number"] for line in lines_of(client, project) if line["state"] == "stale"]
    assert stale == [lines[0]["number"], lines[2]["number"]]
    finish(drain, client.post(f"{project}/dub").json())
    after = sounds(client, project)
    changed = [number for number in before if before[number] != after[number]]
    assert changed == stale
    assert {line["state"] for line in lines_of(client, project)} == {"fresh"}
    # Taken back, both have the sound that they had, and nothing has to be spoken for it.
    assert client.post(f"{project}/undo").status_code == 200
    assert client.post(f"{project}/undo").status_code == 200
    assert client.post(f"{project}/undo").json()["code"] == "nothing_to_undo"
    job = finish(drain, client.post(f"{project}/dub").json())
    assert sounds(client, project) == before
    assert job.parts.filter(step="mix").count() == 1


def test_what_another_engine_has_spoken_since_is_fresh_beside_what_was_spoken_before(
    client: APIClient, project: str, drain: Drain
) -> None:
    # Its owner had another engine when it was dubbed, whose name its sounds have.
    made = Project.objects.get(pk=project.rpartition("/")[2])
    now = made.engines["synthesis"]
    made.engines["synthesis"] = "before"
    made.save(update_fields=["engines"])
    for line in lines_of_project(made).exclude(number=0):
        assert line.sound is not None
        line.sound.engine = "before"
        line.sound.digest = inputs_of(line, made)
        line.sound.save(update_fields=["engine", "digest"])
    edit(client, f"{project}/lines/0", target_text="otra cosa")
    finish(drain, client.post(f"{project}/dub").json())
    lines = lines_of(client, project)
    assert [line["state"] for line in lines] == ["fresh"] * 4
    assert [line["sound"]["engine"] for line in lines] == [now, *["before"] * 3]
    overview = client.get(f"{project}/lines/overview").json()["results"]
    assert {line["state"] for line in overview} == {"fresh"}


def test_a_dub_that_is_asked_for_twice_under_a_key_is_one(client: APIClient, project: str) -> None:
    for what in ("dub", "check"):
        answers = [client.post(f"{project}/{what}", HTTP_IDEMPOTENCY_KEY=what) for _ in range(2)]
        assert [one.status_code for one in answers] == [202, 202]
        (job,) = {one.json()["id"] for one in answers}
        assert client.post(f"/api/jobs/{job}/cancel").status_code == 200


def test_what_files_take_is_counted_whole(
    client: APIClient, project: str, drain: Drain, storage: Any, ana: User
) -> None:
    def taken() -> int:
        return sum(path.stat().st_size for path in storage.rglob("*") if path.is_file())

    assert bytes_of(ana.pk) == taken()
    edit(client, f"{project}/lines/0", target_text="otra cosa mucho más larga que antes")
    finish(drain, client.post(f"{project}/dub").json())
    exported(client, project, drain, "mix")
    assert bytes_of(ana.pk) == taken()


def test_a_list_of_jobs_asks_no_more_for_many_than_for_few(
    client: APIClient, project: str, drain: Drain, django_assert_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as asked:
        (first,) = client.get("/api/jobs").json()["results"]
    few = len(asked)
    for _ in range(4):
        exported(client, project, drain, "srt")
    with django_assert_num_queries(few):
        many = client.get("/api/jobs").json()["results"]
    assert len(many) == 5
    assert many[-1]["steps"] == first["steps"]
    assert many[0]["steps"] == [{"step": "export", "state": "done", "parts": 1, "done": 1}]


def test_a_source_that_is_corrected_is_translated_again(
    client: APIClient, project: str, drain: Drain
) -> None:
    number = lines_of(client, project)[1]["number"]
    path = f"{project}/lines/{number}"
    before = client.get(path).json()
    edit(client, path, source_text="something else entirely")
    finish(drain, client.post(f"{project}/dub").json())
    after = client.get(path).json()
    assert after["target_text"] == "es something else entirely"
    undone = client.post(f"{path}/undo").json()
    assert undone["source_text"] == before["source_text"]
    assert undone["target_text"] == before["target_text"]


def test_an_edit_of_what_was_changed_meanwhile_is_refused(client: APIClient, project: str) -> None:
    path = f"{project}/lines/{lines_of(client, project)[0]['number']}"
    tag = client.get(path)["ETag"]
    edit(client, path, target_text="first")
    late = client.patch(path, {"target_text": "second"}, format="json", HTTP_IF_MATCH=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    unseen = client.patch(path, {"target_text": "third"}, format="json")
    assert unseen.json()["code"] == "if_match_required"
    assert client.get(path).json()["target_text"] == "first"


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ({"pitch_range": -1.6}, "pitch_range is 0.5 to 1.6."),
        ({"rate": 0}, "rate is 0.75 to 1.25."),
        ({"energy_db": 6.1}, "energy_db is -6 to 6."),
        ({"arousal": float("nan")}, "arousal is -1 to 1."),
        ({"volume": 1}, "A style has no volume."),
    ],
)
def test_a_style_that_no_voice_can_speak_is_refused(style: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectError, match=f"^{re.escape(said)}$") as refused:
        checked_style(style)
    assert refused.value.field == "style"


def test_lines_are_talked_about(client: APIClient, project: str) -> None:
    path = f"{project}/lines/{lines_of(client, project)[0]['number']}/comments"
    made = client.post(path, {"text": "Is this her name?"}, format="json").json()
    assert [one["text"] for one in client.get(path).json()["results"]] == ["Is this her name?"]
    assert client.delete(f"{path}/{made['id']}").status_code == 204
    assert client.get(path).json()["results"] == []


def exported(client: APIClient, project: str, drain: Drain, form: str, text: str = "") -> bytes:
    wish = {"form": form, **({"text": text} if text else {})}
    answer = client.post(f"{project}/exports", wish, format="json")
    assert answer.status_code == 202, answer.content
    finish(drain, {"id": answer.json()["job"]})
    return b"".join(client.get(f"{answer['Location']}/file"))


def test_exports_say_what_is_said_and_who_made_the_voices(
    client: APIClient, project: str, drain: Drain
) -> None:
    lines = lines_of(client, project)
    edit(client, f"{project}/lines/{lines[0]['number']}", target_text="=1+1 {fórmula}")
    # What people write is no line of a format's own, and no path.
    injected = "A talk\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,x"
    edit(client, project, title=injected)
    speaker = client.get(f"{project}/speakers").json()["results"][0]
    edit(client, f"{project}/speakers/{speaker['id']}", name=injected)
    edit(client, f"{project}/lines/{lines[1]['number']}", speaker="../../S9\\")
    finish(drain, client.post(f"{project}/dub").json())
    srt = exported(client, project, drain, "srt").decode()
    assert "=1+1 {fórmula}" in srt
    assert srt.count("-->") >= 4
    assert exported(client, project, drain, "vtt", "both").startswith(b"WEBVTT")
    ass = pysubs2.SSAFile.from_string(exported(client, project, drain, "ass").decode())
    assert ass[0].plaintext == "=1+1 (fórmula)"
    assert len(ass) == 4
    assert ass.info["Title"] == " ".join(injected.split())
    table = exported(client, project, drain, "csv").decode()
    assert "'=1+1 {fórmula}" in table
    data = json.loads(exported(client, project, drain, "json"))
    assert data["disclosure"] == DISCLOSURE
    assert len(data["lines"]) == 4
    for form in ("dub", "mix"):
        content = exported(client, project, drain, form)
        assert DISCLOSURE.encode() in content[:8192]
        sound = soundfile.SoundFile(io.BytesIO(content))
        assert abs(len(sound) / sound.samplerate - len(TALK) / 16_000) < 0.05
    with zipfile.ZipFile(io.BytesIO(exported(client, project, drain, "stems"))) as stems:
        assert "03-------S9-.flac" in stems.namelist()
        assert not any({"/", "\\"} & {*name} for name in stems.namelist())


def test_a_deleted_project_leaves_no_file_behind(
    client: APIClient, project: str, drain: Drain, storage: Any
) -> None:
    exported(client, project, drain, "srt")
    assert any(storage.rglob("*.flac"))
    assert client.delete(project).status_code == 204
    assert [path for path in storage.rglob("*") if path.is_file()] == []
    assert not default_storage.exists("work")
