"""Request ids: answered, in every line, and never what a stranger makes up freely."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import Iterator

import pytest
from channels.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views import View

from dubbing_project.celery import app as celery_app
from dubbing_project.logs import KeyValueFormatter

log = logging.getLogger("dubbing_project.tests")


class Logging(View):
    def get(self, request: WSGIRequest) -> HttpResponse:
        log.warning("in the view", extra={"count": 1})
        return HttpResponse("ok")


class Failing(View):
    def get(self, request: WSGIRequest) -> HttpResponse:
        raise RuntimeError("of the view's own")


urlpatterns = [path("logging", Logging.as_view()), path("failing", Failing.as_view())]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(KeyValueFormatter())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.mark.urls("dubbing_project.tests.test_request_ids")
def test_a_well_formed_id_is_kept_answered_and_logged(lines: io.StringIO) -> None:
    answer = Client().get("/logging", headers={"X-Request-Id": "proxy-7:a.b_c"})
    assert answer.headers["X-Request-Id"] == "proxy-7:a.b_c"
    assert 'event="in the view" request=proxy-7:a.b_c count=1' in lines.getvalue()


@pytest.mark.urls("dubbing_project.tests.test_request_ids")
@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a=b", 'a"b', "é", "a\nlevel=error"])
def test_an_ill_formed_id_is_replaced(given: str, lines: io.StringIO) -> None:
    made = Client().get("/logging", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)
    assert f"request={made}" in lines.getvalue()
    assert lines.getvalue().count("\n") == 1


@pytest.mark.urls("dubbing_project.tests.test_request_ids")
def test_an_error_page_and_its_line_carry_the_id(lines: io.StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/failing")
    assert answer.status_code == 500
    (line,) = [line for line in lines.getvalue().splitlines() if "of the view" in line]
    assert f"request={answer.headers['X-Request-Id']}" in line


@pytest.mark.urls("dubbing_project.tests.test_request_ids")
async def test_requests_side_by_side_keep_their_ids_apart(lines: io.StringIO) -> None:
    async def ask(request_id: str) -> str:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/logging",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"x-request-id", request_id.encode())],
        }
        asked = ApplicationCommunicator(ASGIHandler(), scope)
        await asked.send_input({"type": "http.request", "body": b""})
        begun = await asked.receive_output(timeout=30)
        await asked.receive_output(timeout=30)
        await asked.wait()
        headers = {name.lower(): value.decode() for name, value in begun["headers"]}
        return str(headers[b"x-request-id"])

    asked = [f"id-{number}" for number in range(8)]
    assert await asyncio.gather(*map(ask, asked)) == asked
    logged = re.findall(r'event="in the view" request=(\S+)', lines.getvalue())
    assert sorted(logged) == asked


def test_a_task_s_lines_carry_its_id_and_later_ones_do_not(lines: io.StringIO) -> None:
    @celery_app.task(name="tests.logs")
    def logs(file: str) -> None:
        log.warning("in the task")

    try:
        ran = logs.apply(("a file's name",))
    finally:
        celery_app.tasks.unregister("tests.logs")
    log.warning("after the task")
    inside, done, after = lines.getvalue().splitlines()
    assert f"task={ran.id}" in inside
    assert f"task={ran.id}" in done
    assert "task=" not in after
    assert "a file's name" not in lines.getvalue()
