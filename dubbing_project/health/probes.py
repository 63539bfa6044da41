"""One function per thing the server stands on; each is bounded by its caller's deadline."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import django
import redis
from django.conf import settings
from django.db import connection

from dubbing_project.celery import app as celery_app
from dubbing_project.health.folders import DiskTroubleError, disk
from pipeline.bounds import PROBE_SECONDS, PROBE_THREADS

logger = logging.getLogger(__name__)

Probe = Callable[[], dict[str, Any]]

# Shared and small on purpose: a hanging service ties up these threads, never the server's.
_threads = ThreadPoolExecutor(max_workers=PROBE_THREADS, thread_name_prefix="health")


def database() -> dict[str, Any]:
    """Answers only after a round trip on a connection of this thread's own."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version')")
            row = cursor.fetchone()
            return {"version": row[0] if row else ""}
    finally:
        connection.close()


def redis_server() -> dict[str, Any]:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PROBE_SECONDS, socket_timeout=PROBE_SECONDS
    )
    try:
        return {"version": client.info("server")["redis_version"]}
    finally:
        client.close()


def worker() -> dict[str, Any]:
    """Asks for one worker's answer; more would have to be waited for until the time is up."""
    answers = celery_app.control.ping(timeout=PROBE_SECONDS * 0.8, limit=1)
    if not answers:
        raise TimeoutError("no worker answered")
    return {}


def engines() -> dict[str, Any]:
    """Imported on first use: what only waits for the server need not load the engines."""
    from sessions_app.engines.loaded import engine_status

    return dict(engine_status())


PROBES: Mapping[str, Probe] = {
    "database": database,
    "redis": redis_server,
    "worker": worker,
    "disk": disk,
    "engines": engines,
}
_under_way: dict[str, Future[dict[str, Any]]] = {}
"""Probe → its last run, which may hang still."""
_told: dict[str, str] = {}
"""Probe → the error that the log was told of."""


def versions() -> dict[str, str]:
    return {
        "django": django.get_version(),
        **{name: version(name) for name in ("channels", "daphne", "celery", "onnxruntime")},
    }


class Recent:
    """A report kept for a moment, made by one caller at a time.

    The address is public: however many ask, the services behind are asked once a moment.
    """

    def __init__(self, make: Callable[[], dict[str, dict[str, Any]]], *, seconds: float) -> None:
        self._make = make
        self._seconds = seconds
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._report: dict[str, dict[str, Any]] = {}

    def get(self) -> dict[str, dict[str, Any]]:
        with self._lock:
            if time.monotonic() - self._made_at > self._seconds:
                self._report = self._make()
                self._made_at = time.monotonic()
            return self._report


def run_probes(probes: Mapping[str, Probe], *, seconds: float) -> dict[str, dict[str, Any]]:
    """Every probe at once; one that fails or is late is reported as such, never raised.

    The error's text stays in the log: addresses and paths are nobody else's business.
    """
    begun = time.monotonic()
    running: dict[str, Future[dict[str, Any]]] = {
        name: _begin(name, probe) for name, probe in probes.items()
    }
    results: dict[str, dict[str, Any]] = {}
    for name, future in running.items():
        left = max(0.0, begun + seconds - time.monotonic())
        try:
            results[name] = {"ok": True, **future.result(timeout=left)}
        except Exception as error:
            results[name] = {"ok": False, "reason": _reason(error)}
            _tell(name, type(error).__name__)
        else:
            _told.pop(name, None)
    return results


def _begin(name: str, probe: Probe) -> Future[dict[str, Any]]:
    """At most one run of a probe at a time: what hangs for long ties up one thread only."""
    running = _under_way.get(name)
    if running is None or running.done():
        running = _under_way[name] = _threads.submit(probe)
    return running


def _tell(name: str, error: str) -> None:
    """One line when a probe begins to fail or fails otherwise, not one a second."""
    if _told.get(name) != error:
        _told[name] = error
        logger.warning("probe failed", extra={"probe": name, "error": error})


def _reason(error: Exception) -> str:
    if isinstance(error, DiskTroubleError):
        return error.reason
    return "timeout" if isinstance(error, TimeoutError) else "unavailable"
