"""Several listeners of one live source: recognised and translated once, spoken to each."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from rest_framework.test import APIClient

from accounts.models import Membership, Role, Team
from pipeline.bounds import FOLLOWERS_MAX
from pipeline.providers.scripted.sounds import utterances
from pipeline.types import Pcm
from sessions_app.live import registry as live
from sessions_app.models import DubbingSession, EngineUse, Line, SessionState
from sessions_app.processes import relay
from sessions_app.tests.conftest import Person, Server, until_gone
from sessions_app.tests.engines import SCRIPT
from sessions_app.tests.socket import Socket
from sessions_app.tests.test_resume import come_back, speak, start, words

SPEECH = utterances((2.0, 140.0), (2.5, 140.0), (2.0, 220.0), (2.5, 140.0))
HALF = len(SPEECH) // 2 // 1024 * 1024


async def follow(person: Person, leader: Socket, *, ready: bool = True, **message: Any) -> Socket:
    socket = Socket(token=person.token)
    await socket.connect()
    await socket.send(
        **{"type": "follow_dubbing", "session": leader.session_id, "number": 1} | message
    )
    if ready:
        told = await socket.until("ready")
        assert told["follows"] == leader.session_id
    return socket


async def speak_on(socket: Socket, pcm: Pcm, *, from_chunk: int = 0) -> None:
    """Three times as fast as it is spoken: slowly enough for everything to be dubbed."""
    socket.go_to_chunk(from_chunk)
    for begin in range(from_chunk * 1024, len(pcm), 4 * 1024):
        await socket.send_audio(pcm[begin : begin + 4 * 1024])
        await asyncio.sleep(0.085)


async def to_the_end(*sockets: Socket) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(socket.until("summary") for socket in sockets)))


def texts(socket: Socket, kind: str) -> list[str]:
    return [event["text"] for event in socket.heard(kind)]


def check_whole(*sockets: Socket) -> None:
    """Every line of one listener once, in order, and each heard with all of its sound."""
    lines = [event["line"] for socket in sockets for event in socket.heard("transcript")]
    assert lines == list(range(len(lines)))
    translated = [event["line"] for socket in sockets for event in socket.heard("translation")]
    assert translated == lines
    cues = [event for socket in sockets for event in socket.heard("cue")]
    assert [cue["cue"] for cue in cues] == list(range(len(cues)))
    ended = {e["cue"]: e["duration_s"] for s in sockets for e in s.heard("cue_end")}
    for cue in cues:
        samples = sum(len(socket.sound(cue["cue"])) for socket in sockets)
        assert samples / cue["sample_rate"] == pytest.approx(ended[cue["cue"]], abs=0.001)
    counted = [n for socket in sockets for n in socket.sequences if n >= 0]
    assert counted == list(range(len(counted)))


async def share_team(*people: Person) -> Team:
    def make() -> Team:
        team = Team.objects.create(name="Ours")
        for person in people:
            Membership.objects.create(team=team, user=person.user, role=Role.EDITOR)
        return team

    return await sync_to_async(make)()


async def test_two_followers_hear_every_line_in_their_own_voices_from_one_recogniser(
    server: Server, ana: Person, settings: Any
) -> None:
    settings.SPECULATE = False
    leader = await start(ana)
    shaped = await follow(ana, leader, preserve_voice=True)
    stock = await follow(ana, leader, preserve_voice=False)
    await speak_on(leader, SPEECH)
    await leader.send(type="stop_dubbing", number=2)
    summaries = await to_the_end(leader, shaped, stock)

    engines = server()
    assert engines.recognizer.opened == 1
    assert [one.text for one in engines.translator.requests] == texts(leader, "transcript")
    for socket in (leader, shaped, stock):
        check_whole(socket)
        assert texts(socket, "transcript") == texts(leader, "transcript")
        assert texts(socket, "translation") == texts(leader, "translation")
        assert words([socket]) == " ".join(SCRIPT * 2).split()
    assert summaries[1]["lines"] == summaries[2]["lines"] == summaries[0]["lines"] > 3
    assert summaries[1]["media_s"] == pytest.approx(len(SPEECH) / 16_000, abs=0.3)
    # Shaped once, for the leader, and heard by the follower who wants it.
    assert any(event["shaped"] for event in shaped.heard("speaker"))
    assert not any(event["shaped"] for event in stock.heard("speaker"))
    spoken = [request.voice.profile for request in engines.synthesizer.requests]
    assert sum(profile is None for profile in spoken) > len(stock.heard("cue")) - 1
    for socket in (leader, shaped, stock):
        await socket.leave()
        await until_gone(socket.session_id)
    rows = [row async for row in Line.objects.filter(session_id=uuid.UUID(stock.session_id))]
    assert [row.target_text for row in rows] == texts(stock, "translation")
    used = {(use.session_id, use.leg) async for use in EngineUse.objects.all()}
    mine = {leg for session, leg in used if str(session) == leader.session_id}
    assert mine == {"recognition", "translation", "synthesis"}
    for follower in (shaped, stock):
        legs = {leg for session, leg in used if str(session) == follower.session_id}
        assert legs == {"synthesis"}
        session = await DubbingSession.objects.aget(pk=follower.session_id)
        assert (str(session.follows_id), session.state) == (leader.session_id, SessionState.ENDED)


async def test_a_follower_that_comes_late_begins_with_the_next_line(
    server: Server, ana: Person
) -> None:
    leader = await start(ana)
    await speak_on(leader, SPEECH[:HALF])
    await leader.until("cue_end")
    late = await follow(ana, leader)
    await speak_on(leader, SPEECH, from_chunk=HALF // 1024)
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, late)
    check_whole(late)
    came = len(late.heard("transcript"))
    assert 0 < came < len(leader.heard("transcript"))
    assert texts(late, "translation") == texts(leader, "translation")[-came:]
    for socket in (leader, late):
        await socket.leave()


async def test_only_the_owner_and_members_of_the_team_find_and_follow_a_session(
    server: Server, ana: Person, ben: Person, make_person: Any
) -> None:
    cleo = await sync_to_async(make_person)("cleo")
    team = await share_team(ana, ben)
    leader = await start(ana, team=team.pk)
    unshared = await start(ana)

    def found(person: Person) -> list[str]:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {person.token}")
        return [one["id"] for one in client.get("/api/sessions/live").json()["results"]]

    find = sync_to_async(found)
    assert await find(ana) == [unshared.session_id, leader.session_id]
    assert await find(ben) == [leader.session_id]
    assert await find(cleo) == []

    member = await follow(ben, leader)
    answers = []
    for who, session in (
        (cleo, leader.session_id),
        (ben, unshared.session_id),
        (cleo, str(uuid.uuid4())),
        (ana, member.session_id),
    ):
        stranger = Socket(token=who.token)
        await stranger.connect()
        await stranger.send(type="follow_dubbing", session=session)
        error = await stranger.until("error")
        answers.append((error["code"], error["message"]))
        await stranger.leave()
    # What may not be followed is not told from what does not exist.
    assert len(set(answers)) == 1
    assert answers[0][0] == "follow_unknown"
    await speak_on(leader, SPEECH[:HALF])
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, member)
    check_whole(member)
    for socket in (leader, unshared, member):
        await socket.leave()


async def test_a_team_that_one_is_not_in_cannot_be_shared_with(
    server: Server, ana: Person, ben: Person
) -> None:
    team = await share_team(ben)
    socket = Socket(token=ana.token)
    await socket.connect()
    await socket.send(type="start_dubbing", target_language="es", team=team.pk)
    assert (await socket.until("error"))["code"] == "team_unknown"
    await socket.leave()


async def test_one_who_has_left_the_team_follows_no_longer(
    server: Server, ana: Person, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sessions_app.live.following.FOLLOWING_ALLOWED_S", 0.1)
    team = await share_team(ana, ben)
    leader = await start(ana, team=team.pk)
    member = await follow(ben, leader)
    await Membership.objects.filter(user=ben.user).adelete()
    assert (await member.until("notice"))["code"] == "leader_left"
    await member.until("summary")
    await member.leave()
    await leader.leave()


async def test_the_leaders_next_run_is_followed_too_in_its_new_language(
    server: Server, ana: Person
) -> None:
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await leader.send(type="start_dubbing", source_language="en", target_language="fr", number=2)
    await follower.until("summary")
    ready = await follower.until("ready")
    assert (ready["target_language"], ready["follows"]) == ("fr", leader.session_id)
    await speak_on(leader, SPEECH, from_chunk=HALF // 1024)
    await leader.send(type="stop_dubbing", number=3)
    await follower.until("summary")
    check_whole(follower)
    await leader.until("summary")
    await leader.until("summary")
    assert texts(follower, "translation") == texts(leader, "translation")
    assert {e["language"] for e in follower.heard("translation")} == {"es", "fr"}
    for socket in (leader, follower):
        await socket.leave()


async def test_a_leader_that_drops_is_waited_for_and_goes_on(server: Server, ana: Person) -> None:
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await leader.drop()
    assert (await follower.until("notice"))["code"] == "leader_away"
    back = await come_back(ana, leader)
    assert (await follower.until("notice"))["code"] == "leader_back"
    await speak_on(back, SPEECH, from_chunk=back.heard("resumed")[0]["chunk"] + 1)
    await back.send(type="stop_dubbing", number=2)
    await to_the_end(back, follower)
    check_whole(follower)
    assert words([follower]) == " ".join(SCRIPT * 2).split()
    for socket in (back, follower):
        await socket.leave()


async def test_a_leader_that_does_not_come_back_ends_what_follows_it(
    server: Server, ana: Person, settings: Any
) -> None:
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await follower.until("cue_end")
    settings.RESUME_SECONDS = 0.1
    await leader.drop()
    await follower.until("summary")
    check_whole(follower)
    told = {notice["code"] for notice in follower.heard("notice")}
    if "leader_left" not in told:
        assert (await follower.until("notice"))["code"] == "leader_left"
    # The session itself lives on, and may do something else.
    await follower.send(type="start_dubbing", target_language="es", number=2)
    assert (await follower.until("ready"))["follows"] is None
    await follower.leave()


async def test_a_leader_that_moves_to_another_process_is_found_again(
    server: Server, ana: Person
) -> None:
    """Both "processes" are here; what passes between them is what Redis holds."""
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await follower.until("transcript")
    await leader.drop()
    conversation = live.find(uuid.UUID(leader.session_id))
    assert conversation is not None
    await conversation.put_down(timeout_s=0.0)
    back = await come_back(ana, leader)
    assert back.heard("resumed")[0]["how"] == "moved"
    await speak_on(back, SPEECH, from_chunk=back.heard("resumed")[0]["chunk"] + 1)
    await back.send(type="stop_dubbing", number=2)
    await to_the_end(back, follower)
    check_whole(follower)
    assert words([follower]) == " ".join(SCRIPT * 2).split()
    assert {"leader_away", "leader_back"} <= {n["code"] for n in follower.heard("notice")}
    for socket in (back, follower):
        await socket.leave()


@pytest.mark.parametrize("how", ["same", "moved"])
async def test_a_follower_that_drops_misses_nothing(server: Server, ana: Person, how: str) -> None:
    leader = await start(ana)
    first = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await first.until("cue_end")
    await first.drop()
    if how == "moved":
        conversation = live.find(uuid.UUID(first.session_id))
        assert conversation is not None
        await conversation.put_down(timeout_s=0.0)
    # Lines that are committed while it is nowhere.
    await speak_on(leader, SPEECH[: HALF + 48 * 1024], from_chunk=HALF // 1024)
    second = await come_back(ana, first)
    assert second.heard("resumed")[0]["how"] == how
    await speak_on(leader, SPEECH, from_chunk=HALF // 1024 + 48)
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, second)
    assert words([leader]) == " ".join(SCRIPT * 2).split()
    told = {e["line"]: e["text"] for s in (first, second) for e in s.heard("transcript")}
    assert list(told.values()) == texts(leader, "transcript")
    ended = {e["cue"]: e["duration_s"] for s in (first, second) for e in s.heard("cue_end")}
    cues = {e["cue"]: e for s in (first, second) for e in s.heard("cue")}
    assert sorted(cues) == list(range(len(cues))) == sorted(ended)
    for number, cue in cues.items():
        samples = sum(len(socket.sound(number)) for socket in (first, second))
        assert samples / cue["sample_rate"] == pytest.approx(ended[number], abs=0.001)
    for socket in (leader, second):
        await socket.leave()
        await until_gone(socket.session_id)
    rows = [row async for row in Line.objects.filter(session_id=uuid.UUID(second.session_id))]
    assert [row.source_text for row in rows] == texts(leader, "transcript")


async def test_a_drained_server_hands_leader_and_follower_over(server: Server, ana: Person) -> None:
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH[:HALF])
    await follower.until("transcript")
    try:
        await live.drain(5.0)
        for socket in (leader, follower):
            assert (await socket.until("closing"))["code"] == "restarting"
    finally:
        live._draining = False
    again = await come_back(ana, follower)
    assert again.heard("resumed")[0]["how"] == "moved"
    back = await come_back(ana, leader)
    await speak_on(back, SPEECH, from_chunk=back.heard("resumed")[0]["chunk"] + 1)
    await back.send(type="stop_dubbing", number=2)
    await to_the_end(back, again)
    told = {e["line"]: e["text"] for s in (follower, again) for e in s.heard("transcript")}
    said = [word.strip(".,?!").lower() for text in told.values() for word in text.split()]
    assert said == " ".join(SCRIPT * 2).split()
    for socket in (back, again):
        await socket.leave()


async def test_a_follower_that_reads_nothing_does_not_slow_the_leader(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.follower.FOLLOWING_WAITING_MAX", 2)
    monkeypatch.setattr("sessions_app.running.outbox.WAITING_MAX", 4)
    monkeypatch.setattr("sessions_app.running.outbox.KEPT_MAX", 4)
    leader = await start(ana)
    slow = await follow(ana, leader)
    conversation = live.find(uuid.UUID(slow.session_id))
    assert conversation is not None
    outlet = conversation._outbox.outlet
    assert outlet is not None
    blocked = asyncio.Event()

    async def never(_: Any) -> None:
        await blocked.wait()

    monkeypatch.setattr(outlet, "send_text", never)
    monkeypatch.setattr(outlet, "send_bytes", never)
    monkeypatch.setattr("pipeline.speaking.turns.LINES_MAX", 1)
    monkeypatch.setattr("pipeline.speaking.turns.GROUPS_MAX", 1)
    await speak_on(leader, np.concatenate([SPEECH, SPEECH]))
    await leader.send(type="stop_dubbing", number=2)
    await leader.until("summary")
    check_whole(leader)
    assert words([leader]) == " ".join(SCRIPT * 4).split()
    blocked.set()
    await slow.leave()
    await leader.leave()


async def test_a_follower_whose_voices_are_slow_falls_behind_alone(
    server: Server, ana: Person
) -> None:
    """Speech of three times its length: the backlog rules drop lines, for one and not the
    other."""
    server().synthesizer.char_s = 0.03
    leader = await start(ana)
    follower = await follow(ana, leader)
    conversation = live.find(uuid.UUID(follower.session_id))
    assert conversation is not None
    run = conversation._runs.current
    assert run is not None
    assert run._dub is not None
    slow = type(server().synthesizer)(char_s=0.25)
    run._dub._turns._synthesizer = slow
    await speak_on(leader, np.concatenate([SPEECH, SPEECH]))
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, follower)
    assert not leader.heard("skipped")
    skipped = follower.heard("skipped")
    assert skipped
    assert {one["reason"] for one in skipped} == {"backlog"}
    assert texts(follower, "translation") == texts(leader, "translation")
    for socket in (leader, follower):
        await socket.leave()


async def test_a_line_that_cannot_be_translated_is_shown_to_all(
    server: Server, ana: Person
) -> None:
    server().translator.fail_on = {f"{SCRIPT[0].capitalize()}."}
    leader = await start(ana)
    follower = await follow(ana, leader)
    await speak_on(leader, SPEECH)
    await leader.send(type="stop_dubbing", number=2)
    await to_the_end(leader, follower)
    assert [e["reason"] for e in leader.heard("skipped")] == [
        e["reason"] for e in follower.heard("skipped")
    ]
    assert "translation_failed" in {e["reason"] for e in follower.heard("skipped")}
    for socket in (leader, follower):
        await socket.leave()


async def test_as_many_follow_as_may_and_no_more(
    server: Server, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sharing.feeds.FOLLOWERS_MAX", 2)
    assert FOLLOWERS_MAX > 2
    leader = await start(ana)
    followers = [await follow(ana, leader) for _ in range(2)]
    third = await follow(ana, leader, ready=False)
    assert (await third.until("error"))["code"] == "followers_full"
    # One that stops makes room.
    await followers[0].send(type="stop_dubbing", number=2)
    await followers[0].until("summary")
    await third.send(type="follow_dubbing", session=leader.session_id, number=2)
    await third.until("ready")
    feed = relay.feed_of(uuid.UUID(leader.session_id))
    assert feed is not None
    for socket in (*followers, third, leader):
        await socket.leave()
        await until_gone(socket.session_id)
    assert feed.followers == 0


async def test_sound_is_refused_while_following_and_dubbing_anew_ends_it(
    server: Server, ana: Person
) -> None:
    leader = await start(ana)
    follower = await follow(ana, leader)
    await follower.send_audio(SPEECH[:4096])
    assert (await follower.until("error"))["code"] == "following"
    await follower.send(type="start_dubbing", source_language="en", target_language="fr", number=2)
    await follower.until("summary")
    assert (await follower.until("ready"))["follows"] is None
    await speak(follower, SPEECH)
    await follower.send(type="stop_dubbing", number=3)
    await follower.until("summary")
    assert {e["language"] for e in follower.heard("translation")} == {"fr"}
    for socket in (leader, follower):
        await socket.leave()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"session": "no uuid"}, "message_invalid"),
        ({"engines": {"recognition": "offline"}}, "engine_role_unknown"),
        ({"engines": {"synthesis": "parrot"}}, "engine_unknown"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    server: Server, ana: Person, message: dict[str, Any], code: str
) -> None:
    leader = await start(ana)
    socket = await follow(ana, leader, ready=False, **message)
    assert (await socket.until("error"))["code"] == code
    await socket.send(type="stop_dubbing", number=2)
    assert (await socket.until("error"))["code"] == "not_started"
    for one in (leader, socket):
        await one.leave()
