"""The pages about sessions, as their owner and as a stranger asks for them."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role, Team
from pipeline.bounds import SESSION_TITLE_MAX, SPEAKER_NAME_MAX, SPEAKER_NAMES_MAX
from sessions_app import holding, services
from sessions_app.holding import NewIncident
from sessions_app.models import DubbingSession, EngineUse, Incident, Line, SessionState
from sessions_app.pages.sessions import LINES_A_PAGE, SESSIONS_A_PAGE
from sessions_app.records import library
from sessions_app.records.indexing import index_words
from sessions_app.tests.conftest import Person, person_of
from sessions_app.tests.test_record import line


@pytest.fixture
def ana(db: None) -> Person:
    return person_of("ana")


@pytest.fixture
def ben(db: None) -> Person:
    return person_of("ben")


def browser(person: Person | None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person.user)
    return client


def session_of(
    person: Person, texts: Sequence[str] = ("hello there",), *, title: str = "", **fields: Any
) -> DubbingSession:
    session = services.create_session(person.user, source_language="en", target_language="es")
    holding.save_lines(
        session.pk,
        [
            replace(
                line(n),
                source_text=text,
                target_text=f"({text})",
                start_s=3.0 * n,
                end_s=3.0 * n + 2,
                level_dbfs=-21.5,
                snr_db=33.0,
                similarity=0.8,
            )
            for n, text in enumerate(texts)
        ],
    )
    state = {"state": SessionState.ENDED, "title": title, "summary": {"lines": len(texts)}}
    DubbingSession.objects.filter(pk=session.pk).update(**state | fields)
    session.refresh_from_db()
    index_words(session)
    return session


ONE_SESSION = ("session-page", "session-statistics")
EDITS = ("session-rename", "session-speakers", "session-delete")


@pytest.mark.parametrize("name", ONE_SESSION)
def test_what_is_somebody_elses_does_not_exist(ana: Person, ben: Person, name: str) -> None:
    session = session_of(ben, ["a secret"])
    there = browser(ana).get(reverse(name, args=[session.pk]))
    nowhere = browser(ana).get(reverse(name, args=[uuid.uuid4()]))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    export = reverse("session-export", args=[session.pk, "srt"])
    assert browser(ana).get(export).status_code == 404
    assert browser(ben).get(export).status_code == 200


@pytest.mark.parametrize("name", EDITS)
def test_nobody_changes_what_is_somebody_elses(ana: Person, ben: Person, name: str) -> None:
    session = session_of(ben, title="mine")
    answer = browser(ana).post(
        reverse(name, args=[session.pk]), {"title": "yours", "name-S1": "Eve"}
    )
    assert answer.status_code == 404
    session.refresh_from_db()
    assert (session.title, session.speaker_names) == ("mine", {})


@pytest.mark.parametrize("name", [*ONE_SESSION, *EDITS])
def test_who_is_not_logged_in_is_asked_to(ana: Person, name: str) -> None:
    session = session_of(ana)
    ask = browser(None).post if name in EDITS else browser(None).get
    answer = ask(reverse(name, args=[session.pk]))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_edits_need_the_token_of_the_form(ana: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana.user)
    session = session_of(ana)
    for name in EDITS:
        assert client.post(reverse(name, args=[session.pk])).status_code == 403
        assert client.get(reverse(name, args=[session.pk])).status_code == 405


# The list ------------------------------------------------------------------------------


def test_the_list_pages_through_all_sessions_both_ways(ana: Person) -> None:
    now = timezone.now()
    for number in range(2 * SESSIONS_A_PAGE + 3):
        session = session_of(ana, title=f"talk {number:03}")
        # Three at a time were made in the same moment.
        made_at = now - timedelta(seconds=number // 3)
        DubbingSession.objects.filter(pk=session.pk).update(created_at=made_at)
    client, address = browser(ana), reverse("session-list")
    seen: list[list[str]] = []
    forth = address
    while forth:
        page = client.get(forth).content.decode()
        seen.append(titles(page))
        forth = link(page, "next")
        back = link(page, "prev")
    assert [len(each) for each in seen] == [SESSIONS_A_PAGE, SESSIONS_A_PAGE, 3]
    assert len({title for each in seen for title in each}) == 2 * SESSIONS_A_PAGE + 3
    returned = [seen[-1]]
    while back:
        page = client.get(back).content.decode()
        returned.insert(0, titles(page))
        back = link(page, "prev")
    assert returned == seen


def test_the_list_is_filtered_by_text_state_and_language(ana: Person, ben: Person) -> None:
    session_of(ana, ["about gardens"], title="first")
    session_of(ana, ["about houses"], title="second", state=SessionState.FAILED)
    session_of(ana, ["about houses"], title="third", target_language="fr")
    session_of(ben, ["about houses"], title="not ana's")

    def listed(**query: str) -> list[str]:
        return titles(browser(ana).get(reverse("session-list"), query).content.decode())

    assert listed() == ["third", "second", "first"]
    assert listed(q="houses") == ["third", "second"]
    assert listed(q="houses", state="failed") == ["second"]
    assert listed(language="fr") == ["third"]
    assert listed(q="nobody said this") == []


@pytest.mark.parametrize(
    "query",
    ["before=x", "after=2026_y", "state=none", "language=' OR 1=1", "q=%00", "before=2026-01-01_"],
)
def test_a_query_that_makes_no_sense_is_not_an_error(ana: Person, query: str) -> None:
    session_of(ana)
    assert browser(ana).get(f"{reverse('session-list')}?{query}").status_code == 200


def test_pages_ask_the_database_as_often_for_many_sessions_as_for_one(ana: Person) -> None:
    client = browser(ana)
    counts = []
    for _ in range(2):
        session_of(ana, ["x"] * 5)
        session_of(ana, ["y"] * 5)
        client.get(reverse("session-list"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("session-list"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


# One session ---------------------------------------------------------------------------


def test_the_transcript_pages_through_all_lines_and_is_searched(ana: Person) -> None:
    texts = [f"sentence {n}" if n % 50 else f"a café {n}" for n in range(2 * LINES_A_PAGE + 10)]
    session = session_of(ana, texts)
    client = browser(ana)
    shown: list[str] = []
    forth = reverse("session-page", args=[session.pk])
    while forth:
        page = client.get(forth).content.decode()
        shown += re.findall(r'class="line-source"[^>]*>([^<]*)<', page)
        forth = link(page, "next", base=reverse("session-page", args=[session.pk]))
    assert shown == texts
    found = client.get(reverse("session-page", args=[session.pk]), {"q": "CAFE"}).content.decode()
    assert re.findall(r'class="line-source"[^>]*>([^<]*)<', found) == texts[::50]


def test_what_was_said_cannot_become_markup(ana: Person) -> None:
    session = session_of(ana, ["<script>alert(1)</script>"], title="<b>bold</b>")
    library.name_speakers(ana.user, session.pk, names={"S1": "<i>Eve</i>"})
    for name in ONE_SESSION:
        page = browser(ana).get(reverse(name, args=[session.pk])).content.decode()
        assert "<b>bold" not in page
        assert "<script>alert" not in page
        assert "<i>Eve" not in page


def test_titles_and_names_are_kept_and_bounded(ana: Person) -> None:
    session, client = session_of(ana), browser(ana)
    client.post(reverse("session-rename", args=[session.pk]), {"title": "  A\0  good \n talk "})
    client.post(reverse("session-speakers", args=[session.pk]), {"name-S1": "Ana", "other": "x"})
    session.refresh_from_db()
    assert (session.title, session.speaker_names) == ("A good talk", {"S1": "Ana"})
    page = client.get(reverse("session-page", args=[session.pk])).content.decode()
    assert "A good talk" in page
    assert '<span class="line-speaker">Ana</span>' in page
    too_long = client.post(
        reverse("session-rename", args=[session.pk]),
        {"title": "x" * (SESSION_TITLE_MAX + 1)},
        follow=True,
    )
    assert f"at most {SESSION_TITLE_MAX} characters" in too_long.content.decode()
    client.post(reverse("session-speakers", args=[session.pk]), {"name-S1": " "})
    session.refresh_from_db()
    assert (session.title, session.speaker_names) == ("A good talk", {})


def test_the_live_page_is_answered_in_json(ana: Person) -> None:
    session, client = session_of(ana), browser(ana)
    address = reverse("session-speakers", args=[session.pk])
    wants = {"accept": "application/json"}
    assert client.post(address, {"name-S2": "Ben"}, headers=wants).json() == {
        "message": "The names are kept."
    }
    refused = client.post(address, {"name-S2": "x" * (SPEAKER_NAME_MAX + 1)}, headers=wants)
    assert refused.status_code == 400
    assert "at most" in refused.json()["message"]
    many = {f"name-S{n}": "x" for n in range(SPEAKER_NAMES_MAX + 1)}
    assert client.post(address, many, headers=wants).status_code == 400
    session.refresh_from_db()
    assert session.speaker_names == {"S2": "Ben"}


def test_a_deleted_session_is_gone_with_its_lines_and_what_it_used_still_counts(
    ana: Person,
) -> None:
    session, client = session_of(ana), browser(ana)
    EngineUse.objects.create(
        user=ana.user, session=session, day=timezone.now().date(), engine="e", leg="synthesis",
        unit="characters", amount=5,
    )  # fmt: skip
    answer = client.post(reverse("session-delete", args=[session.pk]), follow=True)
    assert "are deleted" in answer.content.decode()
    assert not DubbingSession.objects.exists()
    assert not Line.objects.exists()
    assert EngineUse.objects.get().session is None


def test_a_session_that_is_being_dubbed_is_not_deleted(ana: Person) -> None:
    session = session_of(ana, state=SessionState.LIVE, held_by=uuid.uuid4(), held_at=timezone.now())
    answer = browser(ana).post(reverse("session-delete", args=[session.pk]), follow=True)
    assert "Stop it first" in answer.content.decode()
    assert DubbingSession.objects.exists()


@pytest.mark.parametrize("suffix", ["srt", "vtt", "txt", "json"])
def test_a_transcript_is_a_file_named_after_the_session(ana: Person, suffix: str) -> None:
    session = session_of(ana, ["hello there"], title="Ein schöner Titel")
    answer = browser(ana).get(reverse("session-export", args=[session.pk, suffix]))
    assert answer["Content-Disposition"] == f'attachment; filename="ein-schoner-titel.es.{suffix}"'
    assert "(hello there)" in answer.content.decode()
    if suffix == "json":
        assert json.loads(answer.content)["lines"][0]["name"] == "Speaker 1"


@pytest.mark.parametrize("address", ["transcript.exe", "transcript.srt?language=klingon"])
def test_other_files_do_not_exist(ana: Person, address: str) -> None:
    session = session_of(ana)
    page = reverse("session-page", args=[session.pk])
    assert browser(ana).get(f"{page}/{address}").status_code == 404


def test_statistics_show_pictures_and_what_went_wrong(ana: Person) -> None:
    session = session_of(ana, [f"line {n}" for n in range(10)])
    now = timezone.now()
    incidents = [NewIncident(uuid.uuid4(), "error", "engine_timeout", now) for _ in range(3)]
    holding.save_lines(session.pk, (), incidents=incidents)
    # The database may have taken them although its answer was lost.
    holding.save_lines(session.pk, (), incidents=incidents)
    assert Incident.objects.count() == 3
    page = browser(ana).get(reverse("session-statistics", args=[session.pk])).content.decode()
    for chart in ("latency", "lag", "quality", "level", "similarity", "speakers"):
        assert f'id="chart-{chart}"' in page
    assert "An engine did not answer in time." in page
    assert '<td class="number">3</td>' in page


def test_a_session_without_lines_has_pages(ana: Person) -> None:
    session = services.create_session(ana.user)
    for name in ONE_SESSION:
        assert browser(ana).get(reverse(name, args=[session.pk])).status_code == 200


def test_a_team_sees_what_is_shared_with_it_editors_name_it_and_the_owner_alone_deletes_it(
    ana: Person, ben: Person
) -> None:
    team = Team.objects.create(name="Newsroom")
    Membership.objects.create(team=team, user=ana.user, role=Role.OWNER)
    bens = Membership.objects.create(team=team, user=ben.user, role=Role.VIEWER)
    session = session_of(ana, ["about gardens"], title="shared")
    page = reverse("session-page", args=[session.pk])
    assert browser(ben).get(page).status_code == 404
    shared = {"team": str(team.pk)}
    browser(ana).post(reverse("session-share", args=[session.pk]), shared)
    assert browser(ben).get(page).status_code == 200
    found = browser(ben).get(reverse("session-list"), {"q": "gardens"}).content.decode()
    assert titles(found) == ["shared"]
    edits = {"title": "Ben's", "name-S1": "Ben"}
    for name in EDITS:
        assert browser(ben).post(reverse(name, args=[session.pk]), edits).status_code == 404
    bens.role = Role.EDITOR
    bens.save()
    browser(ben).post(reverse("session-rename", args=[session.pk]), edits)
    for name in ("session-delete", "session-share"):
        assert browser(ben).post(reverse(name, args=[session.pk]), {}).status_code == 404
    session.refresh_from_db()
    assert (session.title, session.team) == ("Ben's", team)
    browser(ana).post(reverse("session-share", args=[session.pk]), {"team": ""})
    assert browser(ben).get(page).status_code == 404


def test_a_session_is_shared_only_with_a_team_of_ones_own(ana: Person, ben: Person) -> None:
    team = Team.objects.create(name="Strangers")
    Membership.objects.create(team=team, user=ben.user, role=Role.OWNER)
    session = session_of(ana)
    shared = {"team": str(team.pk)}
    answer = browser(ana).post(reverse("session-share", args=[session.pk]), shared, follow=True)
    assert "You edit in no such team." in answer.content.decode()
    session.refresh_from_db()
    assert session.team is None


# The front page ------------------------------------------------------------------------


def test_the_front_page_dubs_on_only_what_is_ones_own(
    ana: Person, ben: Person, settings: Any
) -> None:
    settings.DUBBING_ENGINES = "sessions_app.tests.engines.scripted_engines"
    session = session_of(ana, title="to go on with")
    asked = {"session": str(session.pk)}
    mine = browser(ana).get(reverse("home"), asked).content.decode()
    theirs = browser(ben).get(reverse("home"), asked).content.decode()
    assert (str(session.pk) in mine, str(session.pk) in theirs) == (True, False)
    assert browser(ana).get(reverse("home"), {"session": "x"}).status_code == 200


def titles(page: str) -> list[str]:
    return re.findall(r'class="session-row-title"[^>]*>([^<]*)<', page)


def link(page: str, way: str, *, base: str = "/sessions") -> str:
    found = re.search(rf'href="([^"]*)" rel="{way}"', page)
    return base + found[1].replace("&amp;", "&") if found else ""


def test_names_given_while_a_session_is_dubbed_are_not_lost_when_it_ends(ana: Person) -> None:
    session, hold = uuid.uuid4(), uuid.uuid4()
    run: dict[str, Any] = {
        "source_language": "en",
        "target_language": "es",
        "preserve_voice": True,
        "engines": {},
    }
    holding.hold_session(session, ana.user, hold=hold)
    holding.begin_run(session, hold=hold, **run)
    library.name_speakers(ana.user, session, names={"S1": "Robert"})
    holding.save_lines(session, [line(0)], hold=hold)
    holding.end_run(session, hold=hold, failed=False, media_s=1, errors=0, lost_lines=0)
    holding.begin_run(session, hold=hold, **run)
    library.rename_session(ana.user, session, title="kept")
    holding.release_session(session, hold=hold, media_s=0, lost_lines=0)
    kept = DubbingSession.objects.get(pk=session)
    assert (kept.speaker_names, kept.title) == ({"S1": "Robert"}, "kept")
    assert kept.state == SessionState.INTERRUPTED
