"""Whatever is sent instead of a good file gets a clear word, and leaves nothing behind."""

from __future__ import annotations

import csv
import http.server
import io
import resource
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import numpy as np
import pytest
import soundfile
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from pipeline.bounds import UPLOAD_PIECE_MAX_BYTES
from pipeline.providers.scripted.sounds import utterances
from sessions_app.projects import fetching, making, uploads
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.files import flac_of
from sessions_app.projects.job_models import JobState, Upload
from sessions_app.projects.models import Project, ProjectLine, ProjectSpeaker
from sessions_app.projects.subtitle_files import Subtitle, paired
from sessions_app.projects.tests.conftest import Drain, dubbed
from sessions_app.projects.text_exports import written

SRT = "1\n00:00:00,500 --> 00:00:02,000\nHello there\n\n2\n00:00:02,500 --> 00:00:04,000\nGoodbye\n"


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.wav", b"\0" * 10_000_000)
    return content.getvalue()


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (3000, 3000)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def client(ana: User, scripted: None) -> APIClient:
    client = APIClient()
    client.force_authenticate(ana)
    return client


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (zipped(), "ZIP"),
        (picture(), "picture"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x1f\x8b\x08 gzip", "gzip"),
    ],
)
def test_what_is_no_media_is_refused_with_its_first_bytes(
    client: APIClient, storage: Path, content: bytes, word: str
) -> None:
    body = {"audio": io.BytesIO(content), "target_language": "es"}
    answer = client.post("/api/upload-audio", body, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (415, "media_unreadable")
    assert word in answer.json()["detail"]
    assert not Upload.objects.exists()
    assert not Project.objects.exists()
    assert files_in(storage) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"just some words that are no sound " * 40, "media_unreadable"),
        (flac_of(utterances((2.0, 140.0)), 16_000)[:40], "media_unreadable"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 2000, "media_unreadable"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret.ts\n", "media_unreadable"),
        (flac_of(np.zeros(64_000, np.int16), 16_000), "nothing_said"),
    ],
)
def test_what_only_looks_like_media_fails_in_clear_words(
    ana: User, scripted: None, drain: Drain, storage: Path, content: bytes, problem: str
) -> None:
    project, job = dubbed(ana, content, drain)
    assert (job.state, job.problem) == (JobState.FAILED, problem)
    assert job.problem_text.endswith((".", "?"))
    assert not Upload.objects.exists()
    project.delete()
    assert files_in(storage) == []
    assert [*(storage.parent / "work").iterdir()] == []


def with_cover(flac: bytes, cover: bytes) -> bytes:
    """The same sound with a picture of its album (RFC 9639, 8.8)."""
    kind = b"image/png"
    block = (
        struct.pack(">II", 3, len(kind)) + kind + struct.pack(">IIIIII", 0, 0, 0, 0, 0, len(cover))
    )
    block += cover
    begin = 4 + 4 + 34  # the mark, and the one block that is always first
    return flac[:begin] + b"\x06" + len(block).to_bytes(3, "big") + block + flac[begin:]


def test_a_cover_that_would_unpack_to_gigabytes_is_not_unpacked(
    ana: User, scripted: None, drain: Drain
) -> None:
    rows, pixels = 20_000, 20_000
    row = bytes(1 + pixels // 8)
    packing = zlib.compressobj(1)
    packed = b"".join(packing.compress(row) for _ in range(rows)) + packing.flush()
    head = struct.pack(">IIBBBBB", pixels, rows, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")):
        bomb += struct.pack(">I", len(content)) + name + content
        bomb += struct.pack(">I", zlib.crc32(name + content))
    assert len(bomb) < 400_000
    content = with_cover(flac_of(utterances((1.5, 140.0)), 16_000), bomb)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    project, job = dubbed(ana, content, drain, name="song.flac")
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert (job.state, job.problem_text, project.media["has_video"]) == (JobState.DONE, "", False)
    # Every pixel takes three bytes where it is looked at: 1.1 GiB.
    assert grown_mb < 400


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9])
def test_a_video_that_breaks_off_is_refused_or_dubbed_as_far_as_it_goes(
    ana: User, scripted: None, drain: Drain, storage: Path, speech_data: Path, share: float
) -> None:
    whole = (speech_data / "video/open_dubbing_englishvideo.mp4").read_bytes()
    project, job = dubbed(ana, whole[: round(share * len(whole))], drain, name="cut.mp4")
    if job.state == JobState.FAILED:
        assert job.problem == "media_unreadable"
        assert job.problem_text.endswith(".")
    else:
        assert job.state == JobState.DONE
    project.delete()
    assert files_in(storage) == []
    assert [*(storage.parent / "work").iterdir()] == []


def test_a_file_of_which_no_project_can_be_made_is_not_kept(
    client: APIClient, storage: Path, monkeypatch: pytest.MonkeyPatch, ana: User
) -> None:
    monkeypatch.setattr(making, "PROJECTS_MAX", 1)
    fields = {"source_language": "en", "target_language": "es"}
    Project.objects.create(owner=ana, origin="file", **fields)
    body = {"audio": io.BytesIO(flac_of(utterances((1.0, 140.0)), 16_000)), "target_language": "es"}
    answer = client.post("/api/upload-audio", body, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")
    assert "delete one first" in answer.json()["detail"]
    assert not Upload.objects.exists()
    assert files_in(storage) == []


def test_nothing_in_a_table_is_a_formula(ana: User) -> None:
    project = Project.objects.create(
        owner=ana, origin="file", source_language="en", target_language="es"
    )
    for number, begins in enumerate(["=", "+", "-", "@", "\t", "\r", "\n", "＝", "a;=", 'a";-']):
        text = f"{begins}HYPERLINK(0)"
        ProjectLine.objects.create(
            project=project, number=number, start_s=number, end_s=number + 1,
            speaker=ProjectSpeaker.objects.create(project=project, label=f"S{number}", name=text),
            source_text=text, target_text=text,
        )  # fmt: skip
    table = written(project, form="csv", text="target")
    # As spreadsheets read it, whichever of both parts their cells.
    for parts in ",;":
        rows = csv.reader(io.StringIO(table, newline=""), delimiter=parts)
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")), (parts, cell)


def test_a_flac_that_unpacks_to_days_is_not_unpacked(
    ana: User, scripted: None, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.batch.sounding.MEDIA_MAX_S", 3.0)
    _, job = dubbed(ana, flac_of(np.zeros(16_000 * 5, np.int16), 16_000), drain)
    assert (job.state, job.problem) == (JobState.FAILED, "media_too_long")


def test_a_video_without_sound_says_so(
    ana: User, scripted: None, drain: Drain, tmp_path: Path
) -> None:
    import av

    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    _, job = dubbed(ana, path.read_bytes(), drain, name="silent.mp4")
    assert (job.state, job.problem) == (JobState.FAILED, "media_without_audio")


def test_pieces_come_in_order_and_no_larger_than_agreed(client: APIClient) -> None:
    wish = {"name": "a.wav", "size_bytes": 100}
    path = client.post("/api/uploads", wish, format="json")["Location"]

    def send(content: bytes, offset: str) -> Any:
        kind = "application/offset+octet-stream"
        return client.patch(path, content, content_type=kind, HTTP_UPLOAD_OFFSET=offset)

    assert send(b"x" * 40, "0").json()["offset"] == 40
    assert send(b"x" * 40, "0").json()["code"] == "upload_offset_wrong"
    assert send(b"x" * 61, "40").status_code == 400
    assert send(b"", "40").status_code == 400
    assert send(b"x", "-1").status_code == 400
    assert send(b"x" * (UPLOAD_PIECE_MAX_BYTES + 1), "40").json()["code"] == "piece_too_large"
    assert client.get(path).json()["offset"] == 40
    wish = {"upload": path.rpartition("/")[2], "target_language": "es"}
    assert client.post("/api/projects", wish, format="json").json()["code"] == "upload_unfinished"
    too_large = client.post("/api/uploads", {"name": "a", "size_bytes": 2**31 + 1}, format="json")
    assert too_large.status_code == 400


@pytest.mark.parametrize(
    "subtitles",
    [
        "no times in this",
        "1\n00:00:05,000 --> 00:00:02,000\nbackwards\n",
        "WEBVTT\n\n",
        "1\n00:00:01,000 --> 00:00:02,000\n" + "x" * 3000 + "\n",
        "\0\0\0",
    ],
)
def test_malformed_subtitles_are_refused_by_name(client: APIClient, subtitles: str) -> None:
    content = flac_of(utterances((1.0, 140.0)), 16_000)
    wish = {"name": "a.flac", "size_bytes": len(content)}
    path = client.post("/api/uploads", wish, format="json")["Location"]
    kind = "application/offset+octet-stream"
    client.patch(path, content, content_type=kind, HTTP_UPLOAD_OFFSET="0")
    body = {
        "upload": path.rpartition("/")[2],
        "source_language": "en",
        "target_language": "es",
        "source_subtitles": subtitles,
    }
    answer = client.post("/api/projects", body, format="json")
    assert answer.status_code == 400, answer.content
    assert "source_subtitles" in answer.json()["errors"]
    assert not Project.objects.exists()


def test_translations_find_their_lines_without_looking_at_every_pair() -> None:
    random = Random(7)

    def some(count: int) -> list[Subtitle]:
        starts = sorted(random.uniform(0, 2 * count) for _ in range(count))
        return [Subtitle(one, one + random.uniform(0.1, 6), f"{one:.3f}") for one in starts]

    source, target = Looked(some(200)), some(300)
    expected: list[list[str]] = [[] for _ in source]
    for one in target:
        at = (one.start_s + one.end_s) / 2
        away = [max(line.start_s - at, at - line.end_s, 0.0) for line in source]
        expected[away.index(min(away))].append(one.text)
    assert [text for _, text in paired(source, target)] == [" ".join(one) for one in expected]
    assert paired(source, []) == [(line, "") for line in source]

    source, target = Looked(some(2000)), some(2000)
    Looked.times = 0
    paired(source, target)
    assert Looked.times < 10 * len(source)


One = TypeVar("One")


class Looked(list[One]):
    """Counts how often something of it is looked at."""

    times = 0

    def __getitem__(self, index: Any) -> Any:
        Looked.times += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[One]:
        for one in super().__iter__():
            Looked.times += 1
            yield one


def test_room_is_kept_for_what_uploads_have_begun(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PROJECT_BYTES_MAX", 1000)
    wish = {"name": "a.wav", "size_bytes": 600}
    first = client.post("/api/uploads", wish, format="json")
    assert first.status_code == 201
    second = client.post("/api/uploads", wish, format="json")
    assert (second.status_code, second.json()["code"]) == (409, "limit_reached")
    assert client.delete(first["Location"]).status_code == 204
    assert client.post("/api/uploads", wish, format="json").status_code == 201


@pytest.mark.parametrize("given", ["source", "target", "both"])
def test_subtitles_that_are_brought_along_are_taken_as_they_are(
    ana: User, scripted: None, drain: Drain, given: str
) -> None:
    texts = {
        "source": {"source_subtitles": SRT},
        "target": {"target_subtitles": SRT},
        "both": {"source_subtitles": SRT, "target_subtitles": SRT.replace("Goodbye", "Adiós")},
    }[given]
    pcm = utterances((1.5, 140.0), (1.5, 140.0))
    project, job = dubbed(ana, flac_of(pcm, 16_000), drain, **texts)
    assert (job.state, job.problem_text) == (JobState.DONE, "")
    said = [(line.source_text, line.target_text) for line in project.lines.all()]
    assert (
        said
        == {
            "source": [("Hello there", "es Hello there"), ("Goodbye", "es Goodbye")],
            "target": [("", "Hello there"), ("", "Goodbye")],
            "both": [("Hello there", "Hello there"), ("Goodbye", "Adiós")],
        }[given]
    )
    assert all(line.sound for line in project.lines.select_related("sound"))


class Redirecting(http.server.BaseHTTPRequestHandler):
    location = ""
    content = b""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.location and self.path == "/moved" else 200)
        if self.path == "/moved":
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/a.mp4",
        "https://localhost/a.mp4",
        "https://[::1]/a.mp4",
        "https://10.0.0.7/a.mp4",
        "https://169.254.169.254/latest/meta-data",
        "https://0x7f000001/a.mp4",
        "http://example.org/a.mp4",
        "https://user:secret@example.org/a.mp4",
    ],
)
def test_nothing_is_fetched_from_where_only_this_machine_gets(client: APIClient, url: str) -> None:
    answer = client.post("/api/projects", {"url": url, "target_language": "es"}, format="json")
    assert answer.status_code == 400
    assert not Project.objects.exists()


def test_a_file_is_fetched_along_its_redirects(
    ana: User, settings: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_PRIVATE_ADDRESSES = True
    content = flac_of(utterances((1.0, 140.0)), 16_000)
    monkeypatch.setattr(Redirecting, "content", content)
    monkeypatch.setattr(Redirecting, "location", "/talk%20one.flac")
    path = tmp_path / "fetched"
    assert fetching.fetch(f"{server}/moved", path) == "talk one.flac"
    assert path.read_bytes() == content
    # Each step is looked at like the first.
    monkeypatch.setattr(Redirecting, "location", "file:///etc/passwd")
    with pytest.raises(ProjectError, match="begins with"):
        fetching.fetch(f"{server}/moved", path)
    monkeypatch.setattr(Redirecting, "location", "/moved")
    with pytest.raises(ProjectError, match="redirects more than"):
        fetching.fetch(f"{server}/moved", path)
    monkeypatch.setattr(fetching, "MEDIA_MAX_BYTES", 100)
    with pytest.raises(ProjectError) as refused:
        fetching.fetch(f"{server}/whole", path)
    assert refused.value.code == "media_too_large"


def test_an_address_may_be_written_as_people_read_it(
    settings: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FETCH_PRIVATE_ADDRESSES = True
    path = tmp_path / "fetched"
    monkeypatch.setattr(Redirecting, "asked", [])
    assert fetching.fetch(f"{server}/charla de mañana.flac", path) == "charla de mañana.flac"
    # A header of UTF-8, as servers send it.
    moved = "/الحلقة ١.flac".encode().decode("latin-1")
    monkeypatch.setattr(Redirecting, "location", moved)
    assert fetching.fetch(f"{server}/moved", path) == "الحلقة ١.flac"
    assert Redirecting.asked == [
        "/charla%20de%20ma%C3%B1ana.flac",
        "/moved",
        f"/{quote('الحلقة ١')}.flac",
    ]
    assert fetching.as_sent("https://bücher.example:8443/ü?q=ß") == (
        "https://xn--bcher-kva.example:8443/%C3%BC?q=%C3%9F"
    )
    # A name is no path, and nothing that a database refuses.
    assert fetching.fetch(f"{server}/..%2F%00a.flac", path) == "a.flac"
    for nonsense in ("http://[", "https://" + "ü" * 70 + ".example/"):
        monkeypatch.setattr(Redirecting, "location", nonsense.encode().decode("latin-1"))
        with pytest.raises(ProjectError):
            fetching.fetch(f"{server}/moved", path)


def test_what_is_public_at_first_and_private_behind_a_redirect_is_refused(
    settings: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def checked(url: str) -> None:
        looked.append(url)
        settings.FETCH_PRIVATE_ADDRESSES = len(looked) == 1
        fetching_refuse(url)

    fetching_refuse = fetching.refuse_address
    monkeypatch.setattr(fetching, "refuse_address", checked)
    monkeypatch.setattr(Redirecting, "location", f"{server.replace('http:', 'https:')}/secret")
    with pytest.raises(ProjectError) as refused:
        fetching.fetch(f"{server}/moved", tmp_path / "fetched")
    assert refused.value.code == "address_private"
    assert len(looked) == 2


def test_a_small_file_that_is_waited_for_comes_with_its_result(
    client: APIClient, drain: Drain
) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, utterances((1.5, 140.0)), 16_000, format="WAV")
    sound.seek(0)
    body = {"audio": sound, "target_language": "es", "source_language": "en", "wait": "0.3"}
    answer = client.post("/api/upload-audio", body, format="multipart")
    # Nobody works on it in this process while it waits.
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert answer["Location"] == f"/api/jobs/{answer.json()['id']}"
