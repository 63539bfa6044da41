"""The pages of voices: whose they show, what they find, and how much they ask the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from voices import services
from voices.models import Actor, CloneState, Speaker, VoiceClone, VoiceSample
from voices.tests.conftest import MakeUser, consent_of, heard, join, printed

pytestmark = pytest.mark.django_db
LIST, LIBRARY = "/voice-management", "/voice-management/voices"
SPEAKERS = "/voice-management/speakers"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def browser(ana: User) -> Client:
    return browser_of(ana)


def seen(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def clone_of(actor: Actor, owner: User, name: str, **more: Any) -> VoiceClone:
    consent = actor.consents.first() or consent_of(actor, owner)
    return VoiceClone.objects.create(
        actor=actor,
        owner=owner,
        team=actor.team,
        consent=consent,
        engine="espeak",
        vendor_id=f"world-{name}",
        name=name,
        state=CloneState.READY,
        **more,
    )


def test_who_is_not_logged_in_is_asked_to(actor: Actor) -> None:
    paths = (
        LIST,
        LIBRARY,
        SPEAKERS,
        f"{LIST}/actors/{actor.pk}",
        f"{LIST}/actors/{actor.pk}/clone",
    )
    for path in paths:
        answer = Client().get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/login/?")


def test_what_is_somebody_elses_is_on_no_page(actor: Actor, ana: User, ben: User) -> None:
    clone_of(actor, ana, "Secret voice")
    services.rename_speaker(heard(ana), "Secret speaker", by=ana)
    other = browser_of(ben)
    for path in (f"{LIST}/actors/{actor.pk}", f"{LIST}/actors/{actor.pk}/clone"):
        assert other.get(path).status_code == 404
    for path in (LIST, LIBRARY, SPEAKERS):
        page = seen(other, path)
        assert "Ida Known" not in page
        assert "Secret" not in page


def test_viewers_of_a_team_see_and_are_offered_no_change(
    actor: Actor, ana: User, ben: User, make_team: Callable[[User], Team]
) -> None:
    team = join_as_viewer(make_team(ana), ben)
    services.share_actor(actor, by=ana, team=team)
    actor.refresh_from_db()
    clone_of(actor, ana, "Team's voice")
    page = seen(browser_of(ben), f"{LIST}/actors/{actor.pk}")
    assert "Team&#x27;s voice" in page
    assert 'data-method="DELETE"' not in page
    assert 'data-api="/api/consents"' not in page
    assert 'data-api="/api/clones"' not in seen(browser_of(ben), f"{LIST}/actors/{actor.pk}/clone")


def join_as_viewer(team: Team, user: User) -> Team:
    join(team, user, "viewer")
    return team


def test_actors_are_searched_filtered_and_paged(browser: Client, ana: User) -> None:
    rows = [Actor(owner=ana, name=f"Actor {number:03d}") for number in range(60)]
    Actor.objects.bulk_create(rows)
    services.create_actor(ana, by=ana, name="Zoe", aliases=["The Voice"], languages=["es"])
    page = seen(browser, LIST)
    assert "61 actors" in page
    assert "Page 1 of 3" in page
    assert "Zoe" not in page
    assert "Zoe" in seen(browser, LIST, page="3")
    # A page that there is not is the nearest one.
    assert "Zoe" in seen(browser, LIST, page="99")
    assert "Page 1 of 3" in seen(browser, LIST, page="x" * 300)
    for query in ({"q": "the vo"}, {"language": "es"}):
        found = seen(browser, LIST, **query)
        assert "1 actor found" in found
        assert "Zoe" in found
    for query in ({"whose": "catalogue"}, {"whose": "nobody"}, {"q": "nothing like it"}):
        assert "No actor matches" in seen(browser, LIST, **query)


def test_the_library_filters_by_language_register_engine_and_likeness(
    browser: Client, actor: Actor, ana: User
) -> None:
    clone_of(actor, ana, "Deep", pitch_hz=100.0, quality={"score": 0.4, "similarity": 0.72})
    clone_of(actor, ana, "Bright", pitch_hz=220.0, quality={"score": 0.6, "similarity": 0.55})
    clone_of(actor, ana, "Unmeasured")
    page = seen(browser, LIBRARY)
    assert page.index("Bright") < page.index("Deep") < page.index("Unmeasured")
    likest = seen(browser, LIBRARY, order="like")
    assert likest.index("Deep") < likest.index("Bright")

    def names(**query: str) -> set[str]:
        page = seen(browser, LIBRARY, **query)
        return {name for name in ("Deep", "Bright", "Unmeasured") if name in page}

    assert names(register="low") == {"Deep"}
    assert names(register="high") == {"Bright"}
    assert names(register="mid") == {"Unmeasured"}
    assert names(similarity="70") == {"Deep"}
    assert names(similarity="many") == {"Deep", "Bright", "Unmeasured"}
    assert names(language="en", engine="espeak") == {"Deep", "Bright", "Unmeasured"}
    assert names(language="es") == names(engine="elevenlabs") == names(whose="team") == set()


def test_what_is_chosen_stays_chosen_on_other_pages(
    browser: Client, actor: Actor, ana: User, ben: User
) -> None:
    chosen, other = clone_of(actor, ana, "Chosen"), clone_of(actor, ana, "Other")
    foreign = clone_of(services.create_actor(ben, by=ben, name="Ben's"), ben, "Secret")
    ids = f"{chosen.pk},{foreign.pk},none"
    here = seen(browser, LIBRARY, chosen=ids)
    assert re.search(f'id="voice-{chosen.pk}"[^>]* checked', here)
    assert not re.search(f'id="voice-{other.pk}"[^>]* checked', here)
    assert f'id="compare-{chosen.pk}"' not in here
    # On a page that does not list it, it stands beside the stock voices.
    there = seen(browser, LIBRARY, chosen=ids, q="other")
    assert re.search(f'id="compare-{chosen.pk}"[^>]* checked', there)
    assert "Secret" not in here + there


def test_a_voice_whose_actor_is_hidden_does_not_name_them(
    browser: Client, actor: Actor, ana: User, ben: User
) -> None:
    clone = clone_of(actor, ana, "Everybody's")
    VoiceClone.objects.filter(pk=clone.pk).update(owner=None)
    other = browser_of(ben)
    page = seen(other, LIBRARY)
    assert "Everybody&#x27;s" in page
    assert "Ida" not in page
    assert str(actor.pk) not in page
    for query in ({"q": "ida"}, {"language": "en"}):
        assert "No voice matches" in seen(other, LIBRARY, **query)
    assert "Ida Known" in seen(browser, LIBRARY, q="ida")


def test_a_voice_without_consent_is_in_no_library_and_says_so(
    browser: Client, actor: Actor, ana: User
) -> None:
    clone = clone_of(actor, ana, "Withdrawn")
    clone.actor.consents.update(revoked_at=timezone.now())
    assert "Withdrawn" not in seen(browser, LIBRARY)
    page = seen(browser, f"{LIST}/actors/{actor.pk}")
    assert "No valid consent" in page
    assert "/preview" not in page


def test_cards_play_only_what_was_kept_with_consent(
    browser: Client, actor: Actor, ana: User
) -> None:
    speaker = heard(ana)
    services.confirm(speaker, actor, by=ana)
    printed(speaker, at_s=3.0)
    printed(speaker, at_s=65.0)
    rows = [
        VoiceSample.objects.create(
            actor=actor,
            owner=ana,
            consent=consent,
            playable=True,
            session_id=speaker.session_id,
            speaker_label=label,
            audio="x.flac",
        )
        for consent, label in ((consent_of(actor, ana), "S1"), (None, "S1"), (None, "S2"))
    ]
    page = seen(browser, SPEAKERS, state="confirmed")
    assert f"/api/samples/{rows[0].pk}/audio" in page
    assert not any(f"/api/samples/{row.pk}/audio" in page for row in rows[1:])
    assert "0:03–0:05" in page
    assert "1:05–1:07" in page


def test_however_many_there_are_a_page_asks_as_little(
    browser: Client,
    actor: Actor,
    ana: User,
    make_user: MakeUser,
    django_assert_max_num_queries: Any,
) -> None:
    others = [Actor(owner=ana, name=f"Actor {number:04d}") for number in range(300)]
    Actor.objects.bulk_create(others)
    for number in range(30):
        clone_of(actor, ana, f"Voice {number}")
        speaker: Speaker = heard(ana)
        services.note_match(speaker, actor, confidence=0.6, confirmed=False)
        printed(speaker, at_s=1.0)
    for path in (LIST, LIBRARY, SPEAKERS, f"{LIST}/actors/{actor.pk}"):
        # The login and its cookie are three of them.
        with django_assert_max_num_queries(20):
            seen(browser, path)
