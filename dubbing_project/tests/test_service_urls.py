"""One spelling of a service's address becomes each client's own."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from dubbing_project.service_urls import (
    parse_database_url,
    parse_email_url,
    parse_redis_url,
    socket_database_url,
)


def test_a_database_url_becomes_djangos_settings() -> None:
    found = parse_database_url("postgresql://me:p%40ss@db.example:6543/dub?sslmode=require")
    assert found["NAME"] == "dub"
    assert (found["USER"], found["PASSWORD"]) == ("me", "p@ss")
    assert (found["HOST"], found["PORT"]) == ("db.example", "6543")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_a_socket_folder_keeps_its_case_and_signs() -> None:
    url = socket_database_url(folder="/srv/Dub bing:1/run", user="dubbing", database="dubbing")
    assert parse_database_url(url)["HOST"] == "/srv/Dub bing:1/run"


@pytest.mark.parametrize(
    "url", ["sqlite:///db", "postgresql://host", "postgresql://host:x/db", "mysql://a/b", "text"]
)
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        parse_database_url(url)


@pytest.mark.parametrize(
    ("url", "client", "celery"),
    [
        ("redis://h:1/2", "redis://h:1/2", "redis://h:1/2"),
        ("rediss://:pw@h/0", "rediss://:pw@h/0", "rediss://:pw@h/0"),
        ("unix:///r/s?db=3", "unix:///r/s?db=3", "redis+socket:///r/s?virtual_host=3"),
        ("redis+socket:///r/s", "unix:///r/s?db=0", "redis+socket:///r/s?virtual_host=0"),
    ],
)
def test_a_redis_url_is_spelled_for_each_client(url: str, client: str, celery: str) -> None:
    found = parse_redis_url(url)
    assert (found.client, found.celery) == (client, celery)


@pytest.mark.parametrize(
    "url", ["redis://", "http://h", "redis://h:x/0", "redis://h/a", "unix://s"]
)
def test_another_kind_of_redis_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="redis://"):
        parse_redis_url(url)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 25, "", "", False, False)),
        (
            "smtp+starttls://ana%40example.org:p%2Fw@mail:2587",
            ("mail", 2587, "ana@example.org", "p/w", True, False),
        ),
        ("smtps://u:p@mail/", ("mail", 465, "u", "p", False, True)),
    ],
)
def test_a_mail_servers_address_is_read(url: str, server: tuple[object, ...]) -> None:
    assert astuple(parse_email_url(url)) == server


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://mail", "smtp://", "smtp://mail:x", "smtp://mail/x?y"]
)
def test_another_form_of_a_mail_servers_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp\\+starttls://"):
        parse_email_url(url)
