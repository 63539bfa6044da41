"""Bounded waits until a service answers."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import redis

from dubbing_project.services.errors import ServiceError

PAUSE_SECONDS = 0.1


def until(question: Callable[[], bool], *, what: str, seconds: float) -> None:
    """Raises ServiceError naming what did not answer in time."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise ServiceError(f"{what} did not answer within {seconds:g} seconds.")
        time.sleep(PAUSE_SECONDS)


def database_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    finally:
        client.close()


def health(url: str, *, host_header: str) -> dict[str, Any]:
    """The server's own report; empty while it does not answer."""
    request = urllib.request.Request(f"{url}/api/health", headers={"Host": host_header})  # noqa: S310 - our own http address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            report: dict[str, Any] = json.load(answer)
            return report
    except (urllib.error.URLError, OSError, ValueError):
        return {}
