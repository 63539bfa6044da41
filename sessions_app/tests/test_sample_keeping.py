"""``keep_sample``: the only way from a live session's sound to storage."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import soundfile
from asgiref.sync import sync_to_async
from django.core.files.storage import default_storage

from accounts.models import Membership, Role, Team
from pipeline.providers.scripted.sounds import utterances
from sessions_app.tests.conftest import Person, Server
from sessions_app.tests.socket import Socket
from voices import services
from voices.models import Actor, Consent, SampleState, Speaker, VoiceSample
from voices.tests.conftest import analysed, consent_of, stored

SPEECH = utterances((2.0, 140.0), (2.5, 140.0))


async def dubbing(person: Person, **start: Any) -> tuple[Socket, str]:
    """A session in which everything of SPEECH is dubbed, and who said it."""
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es", **start)
    await socket.send_audio(SPEECH)
    # What is behind the last word is not waited for: its lines are.
    while len(socket.heard("transcript")) < 2:
        await socket.receive()
    return socket, socket.heard("transcript")[-1]["speaker"]


async def actor_of(person: Person, **more: Any) -> Actor:
    actor: Actor = await sync_to_async(services.create_actor)(
        person.user, by=person.user, name="Ida Known", **more
    )
    return actor


async def refused(socket: Socket, **message: Any) -> str:
    await socket.send(type="keep_sample", **message)
    return str((await socket.until("error"))["code"])


async def leave(socket: Socket) -> None:
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    await socket.leave()


async def test_what_a_speaker_said_is_kept_as_a_sample_of_an_actor_who_consented(
    server: Server, ana: Person, media: Path
) -> None:
    actor = await actor_of(ana)
    consent = await sync_to_async(consent_of)(actor, ana.user)
    socket, speaker = await dubbing(ana)
    await socket.send(
        type="keep_sample", speaker=speaker, actor=str(actor.pk), name="Live\u0000 one"
    )
    told = await socket.until("sample_kept")
    await leave(socket)
    sample = await VoiceSample.objects.aget(pk=told["sample"])
    assert (sample.actor_id, sample.owner_id, sample.consent_id) == (
        actor.pk,
        ana.user.pk,
        consent.pk,
    )
    assert (str(sample.session_id), sample.speaker_label) == (socket.session_id, speaker)
    assert (sample.name, sample.language) == ("Live one", "en")
    sample = await sync_to_async(analysed)(sample)
    assert sample.state == SampleState.READY
    with default_storage.open(sample.audio.name or "") as file:
        kept, rate_hz = soundfile.read(file, dtype="int16")
    assert rate_hz == 16_000
    assert len(kept) / rate_hz == pytest.approx(told["duration_s"], abs=0.01)
    # Of 4.5 s that were said: every clause stands in it as it was heard.
    assert 3.0 <= told["duration_s"] <= 5.0
    for line in socket.heard("transcript"):
        middle = round((line["start_s"] + line["end_s"]) / 2 * 16_000)
        assert SPEECH[middle : middle + 4_000].tobytes() in kept.tobytes()


async def test_nothing_is_kept_without_a_consent_that_allows_it(
    server: Server, ana: Person, media: Path
) -> None:
    actor, other = await actor_of(ana), await actor_of(ana)
    give = sync_to_async(consent_of)
    narrow = await give(actor, ana.user, uses=("recognise",))
    foreign = await give(other, ana.user)
    revoked = await give(actor, ana.user)
    await sync_to_async(services.revoke_consent)(revoked, by=ana.user)
    socket, speaker = await dubbing(ana)
    wish = {"speaker": speaker, "actor": str(actor.pk)}
    codes = [await refused(socket, **wish)]
    for consent in (str(narrow.pk), str(foreign.pk), str(revoked.pk), str(uuid.uuid4()), "none"):
        codes.append(await refused(socket, **wish, consent=consent))
    await leave(socket)
    assert codes == [
        "consent_missing",
        "consent_narrow",
        "consent_foreign",
        "consent_invalid",
        "consent_unknown",
        "consent_unknown",
    ]
    assert not await VoiceSample.objects.aexists()
    assert stored(media) == []


async def test_somebody_elses_actor_and_consent_are_of_no_use(
    server: Server, ana: Person, ben: Person, media: Path
) -> None:
    """Nor does a viewer add to what a team shares."""
    team = await Team.objects.acreate(name="Studio")
    await Membership.objects.acreate(team=team, user=ben.user, role=Role.OWNER)
    await Membership.objects.acreate(team=team, user=ana.user, role=Role.VIEWER)
    own, private = await actor_of(ana), await actor_of(ben)
    shared = await actor_of(ben, team=team)
    give = sync_to_async(consent_of)
    theirs = [await give(one, ben.user) for one in (private, shared)]
    socket, speaker = await dubbing(ana)
    codes = [
        await refused(socket, speaker=speaker, actor=str(actor.pk), consent=consent)
        for actor, consent in (
            (private, None),
            (private, str(theirs[0].pk)),
            (shared, None),
            (own, str(theirs[0].pk)),
        )
    ]
    codes.append(await refused(socket, speaker=speaker, actor="nobody"))
    # As an editor she may.
    await Membership.objects.filter(user=ana.user).aupdate(role=Role.EDITOR)
    await socket.send(type="keep_sample", speaker=speaker, actor=str(shared.pk))
    kept = await socket.until("sample_kept")
    await leave(socket)
    assert codes == [
        "actor_unknown",
        "actor_unknown",
        "actor_read_only",
        "consent_unknown",
        "actor_unknown",
    ]
    sample = await VoiceSample.objects.aget()
    assert str(sample.pk) == kept["sample"]
    assert (sample.actor_id, sample.team_id) == (shared.pk, team.pk)


async def test_one_actors_consent_keeps_nobody_elses_voice(
    server: Server, ana: Person, media: Path
) -> None:
    actor, other = await actor_of(ana), await actor_of(ana)
    for one in (actor, other):
        await sync_to_async(consent_of)(one, ana.user)
    socket, speaker = await dubbing(ana, speakers="remember")
    await socket.send(type="identify_speaker", speaker=speaker, actor=str(other.pk))
    await socket.until("identity")
    codes = [await refused(socket, speaker=speaker, actor=str(actor.pk))]
    codes.append(await refused(socket, speaker="S7", actor=str(other.pk)))
    await socket.send(type="keep_sample", speaker=speaker, actor=str(other.pk))
    await socket.until("sample_kept")
    await leave(socket)
    assert codes == ["speaker_other", "speaker_unknown"]
    assert await Speaker.objects.filter(actor=other, label=speaker).aexists()
    assert {one.actor_id async for one in VoiceSample.objects.all()} == {other.pk}


async def test_too_little_speech_is_not_kept(server: Server, ana: Person, media: Path) -> None:
    actor = await actor_of(ana)
    await sync_to_async(consent_of)(actor, ana.user)
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", source_language="en", target_language="es")
    await socket.send_audio(utterances((2.0, 140.0)))
    speaker = (await socket.until("transcript"))["speaker"]
    code = await refused(socket, speaker=speaker, actor=str(actor.pk))
    await socket.send(type="stop_dubbing")
    await socket.until("summary")
    # Its tape is gone with the run.
    later = await refused(socket, speaker=speaker, actor=str(actor.pk))
    await socket.leave()
    assert (code, later) == ("sample_short", "sample_short")
    assert stored(media) == []
    assert not await Consent.objects.filter(samples__isnull=False).aexists()
