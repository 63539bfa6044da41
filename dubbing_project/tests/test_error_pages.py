"""What people see where something is refused or broken: words, and a way on."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from dubbing_project.urls import urlpatterns as real

WAY_ON = 'href="/">To the first page</a>'


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"no answer to {request.method}")


urlpatterns = [*real, path("broken", broken)]


def shown(answer: Any, status: int, heading: str) -> str:
    page: str = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in page
    assert WAY_ON in page
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    return page


def test_what_is_not_there_is_told_with_a_way_on() -> None:
    page = shown(Client().get("/nothing-here"), 404, "There is nothing here")
    assert "people who are logged in" in page


def test_a_page_that_is_out_of_date_says_how_to_go_on() -> None:
    answer = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "a"})
    shown(answer, 403, "The page was out of date")


def test_a_name_that_the_server_does_not_answer_to_is_told_to_who_runs_it() -> None:
    answer = Client(headers={"host": "elsewhere.example.org"}).get("/")
    assert "ALLOWED_HOSTS" in shown(answer, 400, "The server did not understand that")


@pytest.mark.urls(__name__)
def test_a_fault_of_ours_is_told_without_asking_the_database() -> None:
    # No database may be asked here, as none may answer when something is broken.
    page = shown(Client(raise_request_exception=False).get("/broken"), 500, "Something broke")
    assert "no answer" not in page
