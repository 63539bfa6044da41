"""People log in by e-mail, whatever its case."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.services import create_user, let_in

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def test_login_ignores_the_case_of_the_address() -> None:
    user = create_user(email="Ana@Example.org", password=PASSWORD)
    assert user.email == "ana@example.org"
    assert authenticate(None, username="ANA@example.org", password=PASSWORD) == user
    assert authenticate(None, username="ana@example.org", password="wrong") is None


def test_one_address_is_one_person() -> None:
    create_user(email="ana@example.org", password=None)
    with pytest.raises(ValidationError):
        create_user(email="ANA@example.org", password=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="Ana@Example.org")])


def test_weak_passwords_and_wrong_addresses_are_refused() -> None:
    with pytest.raises(ValidationError):
        create_user(email="ana@example.org", password="12345678")
    with pytest.raises(ValidationError):
        create_user(email="not an address", password=PASSWORD)


def test_administrators_reach_the_admin_pages() -> None:
    create_user(email="root@example.org", password=PASSWORD, is_staff=True)
    client = Client()
    assert client.login(username="root@example.org", password=PASSWORD)
    pages = ("accounts/user", "accounts/apitoken", "sessions_app/dubbingsession")
    for page in pages:
        assert client.get(f"/admin/{page}/").status_code == 200
    assert client.get("/admin/accounts/user/add/").status_code == 200


def test_people_sign_up_and_in_on_the_pages() -> None:
    client = Client()
    form = {"email": "New@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/account/signup/", form).status_code == 302
    assert User.objects.get().email == "new@example.org"
    assert let_in("new@example.org") == User.objects.get()
    answer = client.post("/account/login/", {"login": "new@example.org", "password": PASSWORD})
    assert answer.status_code == 302
