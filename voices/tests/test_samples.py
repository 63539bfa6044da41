"""Samples: kept under a consent, analysed, played to who may hear them, and gone when deleted."""

from __future__ import annotations

import io
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from django.core.files.storage import default_storage
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from pipeline.bounds import SAMPLE_ANALYSIS_S, SAMPLE_ATTEMPTS_MAX, SAMPLE_LINK_S
from voices import files, services
from voices.errors import ConsentMissingError
from voices.links import signed_path
from voices.models import Actor, Consent, DiscardedFile, SampleState, VoiceSample
from voices.services.sample_analysis import analyse_sample, waiting_samples
from voices.tests.conftest import analysed, consent_of, stored, uploaded, wav

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_discarded(transactional_db: None) -> None:
    """Tests inside a transaction note files on a connection of their own, which stays."""
    DiscardedFile.objects.all().delete()


@pytest.fixture
def speech(speech_data: Path) -> bytes:
    """Twenty seconds of one person."""
    names = ("0001", "0002", "0005")
    clips = [
        soundfile.read(speech_data / f"librispeech/3080-5032-{name}.flac", dtype="int16")[0]
        for name in names
    ]
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(clips), 16_000, format="FLAC")
    return content.getvalue()


def post(api: APIClient, actor: Actor, content: bytes, **more: Any) -> Any:
    audio = io.BytesIO(content)
    audio.name = "recording.bin"
    return api.post("/api/samples", {"actor": str(actor.pk), "audio": audio, **more})


def test_a_good_recording_is_called_good(
    api: APIClient, actor: Actor, consent: Consent, speech: bytes, media: Path
) -> None:
    made = post(api, actor, speech, name="studio", language="en")
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["state"], body["consent"], body["audio_url"]) == ("waiting", str(consent.pk), None)
    analysed(VoiceSample.objects.get())
    shown = api.get(made["Location"]).json()
    assert (shown["state"], shown["verdict"], shown["reasons"]) == ("ready", "good", [])
    figures = shown["analysis"]
    assert figures["speakers"] == 1
    assert figures["speech_s"] == pytest.approx(20, abs=3)
    assert 150 < figures["pitch_median_hz"] < 210
    assert figures["pitch_low_hz"] < figures["pitch_median_hz"] < figures["pitch_high_hz"]
    assert figures["snr_db"] > 30
    assert figures["bandwidth_hz"] >= 7_500
    assert -30 < figures["loudness_lufs"] < -15
    # The sound and its picture: the upload has gone.
    assert sorted(one.suffix for one in stored(media)) == [".flac", ".webp"]
    assert DiscardedFile.objects.count() == 0
    every = VoiceSample.objects.get().voiceprints.all()
    prints = every.filter(encoder="resemblyzer")
    assert every.filter(encoder="resemblyzer-narrow").count() == len(prints)
    assert 2 <= len(prints) <= 5
    assert all(one.actor == actor and one.owner == actor.owner for one in prints)
    assert sum(one.weight_s for one in prints) == pytest.approx(figures["speech_s"], rel=0.2)
    # Where recognising the voice is not allowed any more, nothing of it is learned again.
    consent_of(actor, actor.owner, uses=("sample",))
    services.revoke_consent(consent, by=actor.owner)
    assert not every.exists()
    analysed(services.analyse_again(VoiceSample.objects.get()))
    assert not every.exists()


@pytest.mark.parametrize(
    ("names", "verdict", "code"),
    [
        (["dialogue/falcon_test.wav"], "unusable", "several_speakers"),
        (["noise/vctk_p287_003_noisy.wav"], "unusable", "noisy"),
        (["noise/speechbrain_noise3.wav"], "unusable", "no_speech"),
        (["en/harvard_spk1_snt1.wav"], "unusable", "too_short"),
        (["en/LJ001-0001.flac"], "usable", "short"),
        (["dialogue/pyannote_sample.wav"], "usable", "narrow"),
        (["video/open_dubbing_englishvideo.mp4"], "usable", "short"),
    ],
)
def test_what_is_wrong_with_real_recordings_is_said(
    actor: Actor,
    ana: User,
    consent: Consent,
    speech_data: Path,
    names: list[str],
    verdict: str,
    code: str,
) -> None:
    sample = analysed(uploaded(actor, ana, (speech_data / names[0]).read_bytes()))
    assert sample.state == SampleState.READY, sample.problem
    assert sample.verdict == verdict
    assert code in [reason["code"] for reason in sample.reasons]
    assert all(reason["message"].endswith(".") for reason in sample.reasons)
    assert sample.voiceprints.exists() == (verdict != "unusable")


def test_without_a_consent_nothing_is_kept(
    api: APIClient, actor: Actor, ana: User, media: Path
) -> None:
    assert post(api, actor, wav()).json()["code"] == "consent_missing"
    consent_of(actor, ana, uses=("clone",))
    assert post(api, actor, wav()).status_code == 409
    assert not stored(media)
    assert not VoiceSample.objects.exists()


@pytest.mark.parametrize("wrong", ["expired", "revoked", "narrow", "another"])
def test_a_consent_that_does_not_cover_it_is_refused(
    api: APIClient, actor: Actor, ana: User, wrong: str
) -> None:
    consent_of(actor, ana)
    if wrong == "another":
        other = services.create_actor(ana, by=ana, name="Another")
        bad = consent_of(other, ana)
    else:
        bad = consent_of(actor, ana, uses=("clone",) if wrong == "narrow" else ())
    if wrong == "expired":
        now = timezone.now()
        past = {"given_at": now - timedelta(days=2), "expires_at": now - timedelta(days=1)}
        Consent.objects.filter(pk=bad.pk).update(**past)
    if wrong == "revoked":
        services.revoke_consent(bad, by=ana)
    answer = post(api, actor, wav(), consent=str(bad.pk))
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["consent"]


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF....WAVE", b"%PDF-1.7 not sound", os.urandom(5000), b"#EXTM3U\nhttp://x/a.ts\n"],
)
def test_what_is_no_recording_is_refused_by_its_content(
    api: APIClient, actor: Actor, consent: Consent, media: Path, content: bytes
) -> None:
    answer = post(api, actor, content)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["audio"]
    assert not stored(media)


def test_a_file_whose_name_lies_is_read_as_what_it_is(
    api: APIClient, actor: Actor, consent: Consent
) -> None:
    audio = io.BytesIO(wav())
    audio.name = "../../etc/passwd.exe"
    answer = api.post("/api/samples", {"actor": str(actor.pk), "audio": audio})
    assert answer.status_code == 201
    name = VoiceSample.objects.get().audio.name or ""
    assert name.startswith("voices/samples/")
    assert "passwd" not in name


def test_a_picture_without_sound_is_refused(api: APIClient, actor: Actor, consent: Consent) -> None:
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    answer = post(api, actor, content.getvalue())
    assert answer.status_code == 400
    assert "no sound" in answer.json()["detail"]


def test_what_is_too_long_is_refused(api: APIClient, actor: Actor, consent: Consent) -> None:
    content = io.BytesIO()
    soundfile.write(content, np.zeros(601 * 8_000, np.int16), 8_000, format="FLAC")
    answer = post(api, actor, content.getvalue())
    assert answer.status_code == 400
    assert "10 minutes" in answer.json()["detail"]


def test_what_is_too_large_is_refused(api: APIClient, actor: Actor, consent: Consent) -> None:
    content = wav(500.0)
    assert len(content) > 15 * 1024**2
    assert post(api, actor, content).status_code in {400, 413}
    assert not VoiceSample.objects.exists()


# Analysis ---------------------------------------------------------------------------------


def test_an_analysis_is_done_once(actor: Actor, ana: User, consent: Consent) -> None:
    sample = analysed(uploaded(actor, ana))
    first = (sample.audio.name, sample.analysed_at, sample.attempts)
    assert analysed(sample).attempts == 1
    assert (sample.audio.name, sample.analysed_at, sample.attempts) == first
    assert waiting_samples() == []


def test_two_workers_do_not_analyse_one_sample(actor: Actor, ana: User, consent: Consent) -> None:
    sample = uploaded(actor, ana)
    taken = timezone.now()
    VoiceSample.objects.update(state=SampleState.ANALYSING, claimed_at=taken, attempts=1)
    assert analyse_sample(sample.pk)
    sample.refresh_from_db()
    assert (sample.state, sample.attempts) == (SampleState.ANALYSING, 1)


def test_what_a_dead_worker_left_is_taken_up(actor: Actor, ana: User, consent: Consent) -> None:
    sample = uploaded(actor, ana)
    long_ago = timezone.now() - timedelta(seconds=SAMPLE_ANALYSIS_S + 1)
    VoiceSample.objects.update(state=SampleState.ANALYSING, claimed_at=long_ago, attempts=1)
    assert waiting_samples() == [sample.pk]
    assert analysed(sample).state == SampleState.READY


def test_what_kills_its_workers_is_not_tried_for_ever(
    actor: Actor, ana: User, consent: Consent
) -> None:
    sample = uploaded(actor, ana)
    long_ago = timezone.now() - timedelta(seconds=SAMPLE_ANALYSIS_S + 1)
    VoiceSample.objects.update(
        state=SampleState.ANALYSING, claimed_at=long_ago, attempts=SAMPLE_ATTEMPTS_MAX
    )
    assert analysed(sample).state == SampleState.FAILED
    assert waiting_samples() == []


def test_a_storage_that_fails_is_tried_again_and_then_given_up(
    actor: Actor, ana: User, consent: Consent
) -> None:
    sample = uploaded(actor, ana)
    default_storage.delete(sample.audio.name or "")
    for attempt in range(1, SAMPLE_ATTEMPTS_MAX + 1):
        assert analyse_sample(sample.pk) == (attempt == SAMPLE_ATTEMPTS_MAX)
    sample.refresh_from_db()
    assert sample.state == SampleState.FAILED
    assert sample.problem


def test_a_lost_task_is_found_again(actor: Actor, ana: User, consent: Consent) -> None:
    sample = uploaded(actor, ana)
    assert waiting_samples() == []
    VoiceSample.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert waiting_samples() == [sample.pk]


def test_a_sample_is_analysed_anew_on_demand(
    api: APIClient, actor: Actor, ana: User, consent: Consent, media: Path
) -> None:
    sample = analysed(uploaded(actor, ana))
    answer = api.post(f"/api/samples/{sample.pk}/analysis")
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    again = analysed(sample)
    assert again.state == SampleState.READY
    assert sorted(one.suffix for one in stored(media)) == [".flac", ".webp"]


# Playing ----------------------------------------------------------------------------------


@pytest.fixture
def sample(actor: Actor, ana: User, consent: Consent) -> VoiceSample:
    return analysed(uploaded(actor, ana, wav(2.0, 44_100)))


def body_of(answer: Any) -> bytes:
    """Read to its end, which closes the file."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def status_of(api: APIClient, path: str, **headers: str) -> int:
    answer: Any = api.get(path, headers=headers)
    body_of(answer)
    return int(answer.status_code)


def test_a_sample_is_played_as_flac_at_its_own_rate(api: APIClient, sample: VoiceSample) -> None:
    answer = api.get(f"/api/samples/{sample.pk}/audio")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/flac")
    sound = body_of(answer)
    assert len(sound) == int(answer["Content-Length"]) == sample.size_bytes
    samples, rate = soundfile.read(io.BytesIO(sound))
    assert (len(samples), rate) == (88_200, 44_100)


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-", 206, (0, None)),
        ("bytes=10-19", 206, (10, 20)),
        ("bytes=-5", 206, (-5, None)),
        ("bytes=10-999999999", 206, (10, None)),
        ("bytes=999999999-", 416, None),
        ("bytes=5-2", 200, None),
        ("bytes=0-1,4-5", 200, None),
        ("pages=1-2", 200, None),
        ("bytes=-", 200, None),
        ("bytes=-0", 416, None),
    ],
)
def test_a_player_seeks_by_ranges(
    api: APIClient, sample: VoiceSample, asked: str, status: int, span: tuple[int, int] | None
) -> None:
    path = f"/api/samples/{sample.pk}/audio"
    whole = body_of(api.get(path))
    answer = api.get(path, headers={"Range": asked})
    assert answer.status_code == status
    assert answer.headers.get("Accept-Ranges") == ("bytes" if status != 416 else None)
    if status == 416:
        assert answer["Content-Range"] == f"bytes */{len(whole)}"
    elif span is not None:
        assert body_of(answer) == whole[slice(*span)]
        begin = span[0] % len(whole)
        end = span[1] or len(whole)
        assert answer["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole)}"
    else:
        assert body_of(answer) == whole


def test_a_range_of_a_sound_that_was_replaced_gives_it_all(
    api: APIClient, sample: VoiceSample
) -> None:
    path = f"/api/samples/{sample.pk}/audio"
    whole: Any = api.get(path)
    body_of(whole)
    assert status_of(api, path, Range="bytes=0-9", **{"If-Range": whole["ETag"]}) == 206
    assert status_of(api, path, Range="bytes=0-9", **{"If-Range": '"x"'}) == 200


def test_a_link_plays_without_a_token_for_a_while(
    api: APIClient, sample: VoiceSample, ana: User
) -> None:
    link = api.get(f"/api/samples/{sample.pk}/link").json()
    assert link["expires_in_s"] == SAMPLE_LINK_S
    assert status_of(APIClient(), link["url"]) == 200
    assert status_of(APIClient(), link["url"], Range="bytes=0-3") == 206


def test_a_link_opens_nothing_else(
    api: APIClient, sample: VoiceSample, ana: User, ben: User, consent: Consent, monkeypatch: Any
) -> None:
    other = analysed(uploaded(sample.actor, ana))
    path = f"/api/samples/{sample.pk}/audio"
    link = signed_path(path, user=ana, subject=sample.pk)
    query = link.partition("?")[2]
    stranger = APIClient()
    assert stranger.get(f"/api/samples/{other.pk}/audio?{query}").status_code == 403
    assert stranger.get(f"/api/samples/{sample.pk}?{query}").status_code == 401
    assert stranger.get(link[:-1] + ("A" if link[-1] != "A" else "B")).status_code == 403
    assert stranger.get(f"{path}?link=").status_code == 403
    # For whom it was made may not see the sample: the link does not replace that.
    foreign = signed_path(path, user=ben, subject=sample.pk)
    assert stranger.get(foreign).status_code == 404
    # Its time is over.
    assert status_of(stranger, link) == 200
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr("django.core.signing.time.time", lambda: now + SAMPLE_LINK_S + 2)
        assert stranger.get(link).status_code == 403
    ana.is_active = False
    ana.save()
    assert stranger.get(link).status_code == 403


def test_what_is_not_analysed_yet_cannot_be_played(
    api: APIClient, actor: Actor, ana: User, consent: Consent
) -> None:
    sample = uploaded(actor, ana)
    assert api.get(f"/api/samples/{sample.pk}/audio").json()["code"] == "not_analysed"


# From a session ---------------------------------------------------------------------------


def test_speech_of_a_session_is_kept_under_a_consent_only(
    actor: Actor, ana: User, media: Path
) -> None:
    pcm = (np.random.default_rng(0).standard_normal(16_000) * 3000).astype(np.int16)
    session = uuid.uuid4()

    def keep() -> VoiceSample:
        return services.keep_from_session(
            actor, owner=ana, by=ana, pcm=pcm, session_id=session, speaker_label="S1"
        )

    with pytest.raises(ConsentMissingError):
        keep()
    assert not stored(media)
    consent_of(actor, ana)
    sample = analysed(keep())
    assert (sample.session_id, sample.speaker_label) == (session, "S1")
    with default_storage.open(sample.audio.name or "") as file:
        kept, rate = soundfile.read(file, dtype="int16")
    assert rate == 16_000
    assert np.array_equal(kept, pcm)


# Files ------------------------------------------------------------------------------------


def test_no_file_stays_of_a_sample_that_is_deleted(
    api: APIClient, sample: VoiceSample, media: Path
) -> None:
    assert stored(media)
    assert api.delete(f"/api/samples/{sample.pk}").status_code == 204
    assert not stored(media)
    assert not DiscardedFile.objects.exists()


def test_a_file_without_a_row_is_swept(media: Path) -> None:
    """As a process leaves it that is killed between the file and the row."""
    files.store(io.BytesIO(b"sound"), folder="samples", suffix=".flac")
    assert files.delete_discarded() == 0
    DiscardedFile.objects.update(after=timezone.now())
    assert files.delete_discarded() == 1
    assert not stored(media)


def test_a_file_that_could_not_be_deleted_is_deleted_later(
    api: APIClient, sample: VoiceSample, media: Path, settings: Any
) -> None:
    """As with a bucket that is away."""
    file = next(one for one in stored(media) if one.suffix == ".flac")
    away = file.parent
    hidden = away.rename(away.with_name("away"))
    away.write_bytes(b"no folder")
    assert api.delete(f"/api/samples/{sample.pk}").status_code == 204
    assert DiscardedFile.objects.count() == 2
    away.unlink()
    hidden.rename(away)
    assert files.delete_discarded() == 2
    assert not stored(media)
