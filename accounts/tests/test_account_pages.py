"""Signing up, logging in and the settings pages: what is refused, and how it is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts import teams
from accounts.models import ApiToken, Preferences, User
from accounts.services import create_user, reseal_two_factor

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_has_tried_yet() -> None:
    cache.clear()


@pytest.fixture
def ana() -> User:
    return create_user(email="ana@example.org", password=PASSWORD)


@pytest.fixture
def client_of_ana(ana: User) -> Client:
    client = Client()
    client.post("/account/login/", {"login": ana.email, "password": PASSWORD})
    return client


def sign_up(client: Client, email: str, **more: str) -> Any:
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD} | more
    return client.post("/account/signup/", form)


def without_tokens(page: str) -> str:
    """Of a page what does not differ each time."""
    return re.sub(r'(nonce|value|content)="[\w-]{20,}"', "", page)


# Signing up ------------------------------------------------------------------------------


def test_without_a_mail_server_who_signs_up_is_let_in_by_whoever_runs_it() -> None:
    client = Client()
    answer = sign_up(client, "new@example.org")
    page = client.get(answer["Location"]).content.decode()
    assert "let_in --email &lt;your address&gt;" in page
    assert "sent to" not in page
    login = {"login": "new@example.org", "password": PASSWORD}
    assert client.post("/account/login/", login)["Location"] == "/account/confirm-email/"
    assert "login" in client.get("/settings/account")["Location"]
    call_command("let_in", "--email", " New@example.org")
    client.post("/account/login/", login)
    assert client.get("/settings/account").status_code == 200
    with pytest.raises(CommandError, match="Nobody has signed up"):
        call_command("let_in", "--email", "nobody@example.org")


def test_staff_let_people_in_and_vouch_for_whom_they_add(ana: User) -> None:
    staff = create_user(email="ivo@example.org", password=PASSWORD, is_staff=True)
    sign_up(Client(), "new@example.org")
    admin = Client()
    admin.force_login(staff)
    added = {"email": "added@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert admin.post("/admin/accounts/user/add/", added).status_code == 302
    chosen = User.objects.get(email="new@example.org").pk
    assert not EmailAddress.objects.get(email="new@example.org").verified
    admin.post("/admin/accounts/user/", {"action": "let_in", "_selected_action": [chosen]})
    assert EmailAddress.objects.filter(verified=True).count() == 4
    for email in ("new@example.org", "added@example.org"):
        client = Client()
        client.post("/account/login/", {"login": email, "password": PASSWORD})
        assert client.get("/settings/account").status_code == 200


def test_the_address_is_verified_first(settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example.org:25"
    client = Client()
    assert sign_up(client, "new@example.org")["Location"] == "/account/confirm-email/"
    assert "login" in client.get("/settings/account")["Location"]
    page = client.get("/account/confirm-email/").content.decode()
    assert "let_in" not in page
    assert "Confirmation email sent to new@example.org." in page
    link = re.search(r"http://testserver(/account/confirm-email/\S+)", str(mail.outbox[0].body))
    assert link is not None
    client.post(link[1])
    assert EmailAddress.objects.get().verified
    assert client.get("/settings/account").status_code == 200


@pytest.mark.parametrize("mail_server", [None, "smtp://mail.example.org:25"])
def test_signing_up_with_an_address_that_is_taken_looks_the_same(
    ana: User, settings: Any, mail_server: str | None
) -> None:
    """With a mail server and without: at once, on the page that follows, and at the login."""
    settings.EMAIL_URL = mail_server
    seen = []
    for email in (ana.email, "new@example.org"):
        client = Client()
        password = "one that whoever tries has chosen"
        answer = sign_up(client, email, password1=password, password2=password)
        page = without_tokens(client.get(answer["Location"]).content.decode()).replace(email, "")
        home = client.get("/").content.decode()
        seen.append((answer.status_code, answer["Location"], page, without_tokens(home)))
        assert "login" in client.get("/settings/account")["Location"]
    assert seen[0] == seen[1]
    assert User.objects.count() == 2
    assert {message.to[0] for message in mail.outbox} == {ana.email, "new@example.org"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"email": "no address"}, "valid email"),
        ({"password2": "another"}, "same password"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
    ],
)
def test_a_sign_up_that_is_wrong_is_told_in_its_field(form: dict[str, str], said: str) -> None:
    page = sign_up(Client(), form.pop("email", "new@example.org"), **form).content.decode()
    assert said in page
    assert "is-invalid" in page
    assert not User.objects.exists()


def test_a_closed_server_takes_nobody(settings: Any) -> None:
    settings.SIGN_UP = "closed"
    page = sign_up(Client(), "new@example.org").content.decode()
    assert "by invitation" in page
    assert not User.objects.exists()
    assert "Sign up</a>" not in Client().get("/account/login/").content.decode()


def test_where_only_the_invited_may_come_they_come_with_the_invited_address(
    ana: User, settings: Any
) -> None:
    settings.SIGN_UP = "invited"
    team = teams.create_team(ana, name="Studio")
    secret = teams.invite(ana, team.pk, email="ben@example.org", role="viewer").secret
    client = Client()
    assert "by invitation" in sign_up(client, "ben@example.org").content.decode()
    client.get(f"/invitations/{secret}")
    page = sign_up(client, "else@example.org").content.decode()
    assert "Use the address to which the invitation was sent." in page
    assert sign_up(client, "ben@example.org").status_code == 302
    assert User.objects.filter(email="ben@example.org").exists()


def test_a_mail_server_that_is_away_ends_nothing(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    client = Client()
    sign_up(client, "new@example.org")
    assert "could not be sent" in client.get("/account/login/").content.decode()


# Logging in ------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_address_look_the_same(ana: User) -> None:
    pages = [
        Client()
        .post("/account/login/", {"login": email, "password": "wrong"})
        .content.decode()
        .replace(email, "")
        for email in (ana.email, "nobody@example.org")
    ]
    texts = [re.sub(r"<input[^>]*csrf[^>]*>", "", page) for page in pages]
    assert "not correct" in texts[0]
    assert texts[0] == texts[1]


def test_guessing_passwords_is_slowed_even_for_the_right_one(ana: User) -> None:
    client = Client()
    for _ in range(6):
        page = client.post("/account/login/", {"login": ana.email, "password": "wrong"})
    assert "Too many failed login attempts" in page.content.decode()
    client.post("/account/login/", {"login": ana.email, "password": PASSWORD})
    assert "login" in client.get("/settings/account")["Location"]


def test_the_administration_asks_for_the_second_factor_too() -> None:
    staff = create_user(email="ivo@example.org", password=PASSWORD, is_staff=True)
    TOTP.activate(staff, "JBSWY3DPEHPK3PXP")
    client = Client()
    assert "/account/login/" in client.get("/admin/", follow=True).redirect_chain[-1][0]
    client.post("/account/login/", {"login": staff.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302


def test_a_two_factor_secret_is_stored_sealed(ana: User) -> None:
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    stored = Authenticator.objects.get()
    assert "JBSWY3DPEHPK3PXP" not in str(stored.data)


def test_a_two_factor_secret_is_sealed_anew_for_a_changed_key(ana: User, settings: Any) -> None:
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(ana)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of this installation"
    assert reseal_two_factor() == (2, 0)
    settings.SECRET_KEY_FALLBACKS = []
    kept = RecoveryCodes(Authenticator.objects.get(type="recovery_codes"))
    assert kept.get_unused_codes() == codes


def test_a_two_factor_secret_that_is_lost_opens_for_nobody(ana: User, settings: Any) -> None:
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(ana)
    settings.SECRET_KEY = "another key of this installation"
    assert reseal_two_factor() == (0, 2)
    lost = Authenticator.objects.get(type="recovery_codes")
    # Not the codes of an empty seed, which everybody could work out.
    assert RecoveryCodes(lost).get_unused_codes() != RecoveryCodes(lost).get_unused_codes()
    now = yield_hotp_counters_from_time()
    of_nothing = {format_hotp_value(hotp_value("", counter)) for counter in now}
    totp = TOTP(Authenticator.objects.get(type="totp"))
    assert not any(totp.validate_code(code) for code in of_nothing)


# Settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/settings/account",
        "/settings/languages",
        "/settings/tokens",
        "/settings/webhooks",
        "/settings/extension",
        "/settings/data",
        "/settings/engines",
        "/settings/usage",
        "/settings/glossaries",
        "/settings/data/export.zip",
        "/teams",
        "/staff/operations",
    ],
)
def test_a_visitor_is_sent_to_the_login_and_back(path: str) -> None:
    assert Client().get(path)["Location"] == f"/account/login/?next={path}"


def test_staff_pages_are_for_staff(client_of_ana: Client) -> None:
    for path in ("/staff/operations", "/staff/engines"):
        assert client_of_ana.get(path).status_code == 403


def test_languages_are_kept_and_read_over_rest(client_of_ana: Client) -> None:
    client_of_ana.post(
        "/settings/languages",
        {"target_language": "es", "always_dub": ["ja", "ko"], "never_dub": ["en"]},
    )
    assert client_of_ana.get("/api/preferences").json() == {
        "target_language": "es",
        "always_dub": ["ja", "ko"],
        "never_dub": ["en"],
    }


def test_a_language_cannot_be_dubbed_always_and_never(client_of_ana: Client) -> None:
    form = {"always_dub": ["ja"], "never_dub": ["ja"]}
    page = client_of_ana.post("/settings/languages", form).content.decode()
    assert "Japanese cannot be dubbed both always and never" in page
    answer = client_of_ana.put("/api/preferences", form, content_type="application/json")
    assert answer.status_code == 400
    assert "never_dub" in answer.json()["errors"]
    assert not Preferences.objects.exists()


@pytest.mark.parametrize(
    "form", [{"target_language": "xx"}, {"always_dub": ["klingon"]}, {"never_dub": "en"}]
)
def test_preferences_that_are_wrong_are_told_by_field(
    client_of_ana: Client, form: dict[str, Any]
) -> None:
    answer = client_of_ana.put("/api/preferences", form, content_type="application/json")
    assert answer.status_code == 400
    assert [name.split(".")[0] for name in answer.json()["errors"]] == list(form)


def test_making_a_token_asks_for_the_password_again_and_then_goes_on(
    client_of_ana: Client,
) -> None:
    form = {"name": "script", "days": "30", "scopes": ["dub"]}
    asked = client_of_ana.post("/settings/tokens", form)
    assert asked["Location"].startswith("/account/reauthenticate/")
    done = client_of_ana.post(asked["Location"], {"password": PASSWORD}, follow=True)
    assert "Copy it now" in done.content.decode()
    assert ApiToken.objects.get().scopes == ["dub"]
    assert "no-store" in done["Cache-Control"]


@pytest.mark.parametrize(
    "form",
    [{"name": "", "days": "30"}, {"name": "x" * 101, "days": "30"}, {"name": "x", "days": "7"}],
)
def test_a_token_that_is_wrong_is_not_made(client_of_ana: Client, form: dict[str, str]) -> None:
    asked = client_of_ana.post("/settings/tokens", form)
    page = client_of_ana.post(asked["Location"], {"password": PASSWORD}, follow=True)
    assert "is-invalid" in page.content.decode()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org/x", "https"),
        ("https://127.0.0.1/x", "private"),
        ("nonsense", "https://"),
    ],
)
def test_a_webhook_to_a_wrong_address_is_told_why(
    client_of_ana: Client, url: str, said: str
) -> None:
    page = client_of_ana.post("/settings/webhooks", {"url": url}).content.decode()
    assert said in page.split("Add a webhook")[1]


def test_pages_say_what_the_browser_may_do(client_of_ana: Client) -> None:
    answer = client_of_ana.get("/settings/account")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "microphone=(self)" in answer["Permissions-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]


def test_pages_go_compressed_and_the_interface_as_it_is(client_of_ana: Client) -> None:
    page = client_of_ana.get("/settings/account", headers={"Accept-Encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    told = client_of_ana.get("/api/preferences", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in told
