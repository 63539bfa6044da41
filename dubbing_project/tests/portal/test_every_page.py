"""Every page, as its readers see it: accessible, light, and quiet in the console.

``PORTAL_SHOTS=folder`` keeps a picture of each page in light, dark and phone width.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, Response, expect

from dubbing_project import settings
from dubbing_project.tests.portal.site import PASSWORD, Site, Window, window

AXE = settings.NODE_MODULES / "axe-core" / "axe.min.js"
FIRST_LOAD_MAX_BYTES = 150_000
SERIOUS = {"serious", "critical"}

VISITOR = [
    "/",
    "/protocol",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/confirm-email/",
    "/invitations/not-a-secret",
    "/nothing-here",
]
USER = [
    "/settings/account",
    "/settings/languages",
    "/settings/glossaries",
    "/settings/glossaries/{glossary}",
    "/settings/glossaries/{glossary}/change",
    "/settings/engines",
    "/settings/tokens",
    "/settings/webhooks",
    "/settings/webhooks/{webhook}",
    "/settings/extension",
    "/settings/usage",
    "/settings/data",
    "/settings/data/delete-account",
    "/account/email/",
    "/account/password/change/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/sessions/",
    "/account/logout/",
    "/account/pair-extension?name=Chromium&state=0123456789abcdef",
    "/teams",
    "/teams/{team}",
    "/projects",
    "/projects/{project}",
    "/voice-management",
    "/voice-management/actors/{actor}",
    "/voice-management/actors/{actor}/clone",
    "/voice-management/voices",
    "/voice-management/speakers",
]
STAFF = ["/staff/operations", "/staff/engines"]
MISSING = ("/invitations/not-a-secret", "/nothing-here")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
SEED = """
from accounts.models import Membership, User
from accounts import teams
from accounts.webhooks import services as webhooks
from sessions_app.glossaries import services as glossaries
from sessions_app.projects.editing import add_line
from sessions_app.projects.models import Comment, Project
from voices import services as voices
ana = User.objects.get(email="ana.with.a.name.that.is.long@example.org")
team = teams.create_team(ana, name="Studio")
Membership.objects.create(team=team, user=User.objects.get(email="ivo@example.org"), role="viewer")
teams.invite(ana, team.pk, email="new@example.org", role="viewer")
glossary = glossaries.create_glossary(ana, name="Names", target_language="es", team=team)
glossaries.import_terms(glossary, [("Frodo", ""), ("ring", "anillo")], replace=False)
webhook, _ = webhooks.create_webhook(
    ana, url="https://hooks.example.org/" + 9 * "a-long-one-", event_types=["*"], team=None
)
webhooks.send_test(webhook)
project = Project.objects.create(
    owner=ana, title="مقابلة (2)", origin="session", source_language="en", target_language="es",
    team=team,
)
line = add_line(
    project, start_s=1.0, end_s=3.5, speaker="S1", source_text="Hello.", target_text="مرحبا."
)
gone = User.objects.create(email="gone@example.org")
for by, text in ((User.objects.get(email="ivo@example.org"), "Slower."), (gone, "Louder.")):
    Comment.objects.create(line=line, by=by, text=text)
actor = voices.create_actor(ana, by=ana, name="ليلى (1)", languages=["en"], team=team)
print("seeded", glossary.pk, team.pk, webhook.pk, project.pk, actor.pk)
"""


@pytest.fixture(scope="module")
def places(site: Site) -> dict[str, str]:
    """Ids of things that pages are about."""
    site.make_user("ana.with.a.name.that.is.long@example.org")
    site.make_user("ivo@example.org", "--admin")
    said = site.manage("shell", "-v", "0", "-c", SEED)
    found = re.search(r"seeded (\S+) (\S+) (\S+) (\S+) (\S+)", said)
    assert found, said
    places = ("glossary", "team", "webhook", "project", "actor")
    return dict(zip(places, found.groups(), strict=True))


@pytest.fixture(scope="module")
def logged_in(site: Site, browser: Browser, places: dict[str, str]) -> dict[str, Any]:
    """Who → the cookies of their browser."""
    found: dict[str, Any] = {"visitor": None}
    for who, email in (
        ("user", "ana.with.a.name.that.is.long@example.org"),
        ("staff", "ivo@example.org"),
    ):
        with window(browser, site) as person:
            person.log_in(email)
            # Pages that ask for the password once more are shown, not the question.
            person.open("/settings/data/delete-account")
            person.fill(password=PASSWORD)
            person.press("Go on")
            found[who] = person.page.context.storage_state()
    return found


def test_what_was_said_is_written_in_the_direction_of_its_script(
    site: Site, browser: Browser, places: dict[str, str], logged_in: dict[str, Any]
) -> None:
    with window(browser, site, storage_state=logged_in["user"]) as person:
        person.open("/projects/{project}".format(**places))
        page = person.page
        expect(page.locator("#line-0 .line-target")).to_have_text("مرحبا.")
        expect(page.locator("#line-0 .line-target")).to_have_css("direction", "rtl")
        expect(page.locator("#line-0 .line-source")).to_have_css("direction", "ltr")
        page.locator("#line-0 .line-row").click()
        texts = page.locator("#line-0 .line-editor [data-field$=_text]")
        expect(texts.nth(0)).to_have_css("direction", "ltr")
        expect(texts.nth(1)).to_have_css("direction", "rtl")
        shots = os.environ.get("PORTAL_SHOTS")
        if shots:
            page.screenshot(path=f"{shots}/right-to-left-studio.png")
        person.open("/")
        page.evaluate(
            """livePage.captions.show(
                 {line: 0, speaker: null, how: "heard", text: "مرحبا.", source: "Hello."},
                 {source: "en", target: "ar"})"""
        )
        expect(page.locator(".caption-target")).to_have_css("direction", "rtl")
        expect(page.locator(".caption-source")).to_have_css("direction", "ltr")
        if shots:
            page.screenshot(path=f"{shots}/right-to-left-live.png")


def test_a_name_does_not_turn_the_sentence_around_it(
    site: Site, browser: Browser, places: dict[str, str], logged_in: dict[str, Any]
) -> None:
    with window(browser, site, storage_state=logged_in["user"]) as person:
        page = person.page
        person.open("/projects/{project}".format(**places))
        expect(page.locator("h1 bdi")).to_have_css("direction", "rtl")
        person.open("/voice-management/actors/{actor}".format(**places))
        sentence = page.get_by_text("In which voice").locator("bdi")
        expect(sentence).to_have_css("direction", "rtl")
        page.get_by_role("button", name="Delete this actor").click()
        question = page.locator("dialog.question p")
        expect(question).to_contain_text("\u2068ليلى (1)\u2069 with every recording")
        # As scripts write it, and as the timeline lays it out.
        assert page.evaluate(
            """async () => {
              const { isolated, runsLeftwards } = await import("/static/bidi.js");
              const texts = ["Ida (1)", "ليلى (1)", "(1) דנה", "Ida ליאור"];
              const added = (text) => isolated(text).length - text.length;
              return texts.map((text) => [added(text), runsLeftwards(text)]);
            }"""
        ) == [[0, False], [2, True], [2, True], [2, False]]


def test_what_a_double_click_makes_is_made_once(
    site: Site, browser: Browser, places: dict[str, str], logged_in: dict[str, Any]
) -> None:
    with window(browser, site, storage_state=logged_in["user"]) as person:
        page = person.page
        posted: list[str] = []

        def note(request: Request) -> None:
            if request.method == "POST":
                posted.append(request.url.removeprefix(site.url))

        page.on("request", note)
        person.open("/teams")
        # Chromium lets only the first of two quick submissions through by itself: whether the
        # page does is asked of its events.
        assert page.evaluate(
            """() => {
              const stopped = [];
              addEventListener("submit", (event) => {
                stopped.push(event.defaultPrevented);
                event.preventDefault();
              });
              const form = document.querySelector('main form[method="post"]');
              form.noValidate = true;
              for (const _ of [1, 2]) form.requestSubmit();
              return stopped;
            }"""
        ) == [False, True]
        person.open("/teams")
        person.fill(name="Once")
        page.get_by_role("button", name="Make it").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("Once")
        person.open("/voice-management")
        page.get_by_text("Add an actor").click()
        page.fill("#new-name", "Only one")
        page.get_by_role("button", name="Add the actor").dblclick()
        expect(page.get_by_role("heading", level=1)).to_have_text("Only one")
        person.open("/projects/{project}".format(**places))
        page.locator("#line-0 .line-row").click()
        page.get_by_text("Comments").click()
        page.get_by_label("A new comment").fill("Said once.")
        page.get_by_role("button", name="Say it").dblclick()
        expect(page.get_by_label("A new comment")).to_have_value("")
        comments = f"/api/projects/{places['project']}/lines/0/comments"
        assert posted == ["/teams", "/api/actors", comments]
        # Whose they are is told as far as their reader may know it.
        expect(page.locator(".comment bdi")).to_have_text(
            ["ivo@example.org", "Somebody this was shared with", "You"]
        )


def serious_faults(person: Window) -> list[str]:
    person.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = person.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]


def wire_bytes(responses: list[Response]) -> Iterator[int]:
    for response in responses:
        sizes = response.request.sizes()
        yield sizes["responseBodySize"] + sizes["responseHeadersSize"]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("who", "paths"), [("visitor", VISITOR), ("user", USER), ("staff", STAFF)])
def test_pages_are_accessible_light_and_quiet(
    site: Site,
    browser: Browser,
    places: dict[str, str],
    logged_in: dict[str, Any],
    who: str,
    paths: list[str],
    look: str,
) -> None:
    faults: list[str] = []
    shots = os.environ.get("PORTAL_SHOTS")
    with window(browser, site, storage_state=logged_in[who], **LOOKS[look]) as person:
        person.page.emulate_media(reduced_motion="reduce")
        responses: list[Response] = []
        person.page.on("response", lambda response: responses.append(response))
        cdp = person.page.context.new_cdp_session(person.page)
        for path in paths:
            responses.clear()
            cdp.send("Network.clearBrowserCache")
            person.open(path.format(**places))
            person.page.wait_for_load_state("load")
            documents = [one for one in responses if one.request.is_navigation_request()]
            assert documents[-1].status == (404 if path in MISSING else 200), path
            weight = sum(wire_bytes(responses))
            assert weight <= FIRST_LOAD_MAX_BYTES, f"{path}: {weight} bytes"
            assert "unsafe" not in documents[-1].headers["content-security-policy"]
            # What a phone shows has the same names and colours: its width is what differs.
            if look != "phone":
                faults += [f"{path}: {fault}" for fault in serious_faults(person)]
            wide = person.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                faults.append(f"{path}: {wide} pixels too wide")
            if shots:
                name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"
                Path(shots).mkdir(parents=True, exist_ok=True)
                person.page.screenshot(path=f"{shots}/{name}-{who}-{look}.png", full_page=True)
        if who == "visitor":
            # What a browser says of an address that is not there is no fault of the page.
            person.said = [line for line in person.said if "404" not in line]
    assert not faults, "\n".join(faults)
