"""Real services for every test, the recordings they share, and no quiet skips in CI."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from dubbing_project import settings as project_settings
from dubbing_project.service_urls import parse_database_url, parse_redis_url
from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from pipeline.tests.ports import kept_port

# The same examples in every run, however slow the machine is; others are tried with
# --hypothesis-profile=default.
hypothesis_settings.load_profile("ci")
# What it asserts is looked at like a test's own.
pytest.register_assert_rewrite("dubbing_project.tests.viewer")

_resources = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Private Postgres and Redis for this run, unless the environment names others.

    Settings are read before any conftest, so their addresses are put in afterwards; no
    connection has been made by then.
    """
    if config.option.collectonly or _are_given():
        return
    folder = _resources.enter_context(tempfile.TemporaryDirectory(prefix="dubbing-test-"))
    stores = prepared_services(Path(folder), stores_only=True)
    _use(_resources.enter_context(stores))


def pytest_unconfigure() -> None:
    _resources.close()


def _are_given() -> bool:
    environment = project_settings.environment
    return bool(environment.secret("DATABASE_URL") and environment.secret("REDIS_URL"))


def _use(stores: RunningServices) -> None:
    from django.conf import settings

    os.environ.update(stores.environment)
    redis = parse_redis_url(stores.redis_url)
    settings.DATABASE_URL, settings.REDIS_URL = stores.database_url, stores.redis_url
    settings.DATABASES["default"].update(
        {name: parse_database_url(stores.database_url)[name] for name in ("HOST", "USER", "NAME")}
    )
    # Its tables are there; migrating it still runs, and finds nothing to do.
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = settings.DATABASES[
        "default"
    ]["NAME"]
    settings.CACHES["default"]["LOCATION"] = redis.client
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"] = [redis.client]
    settings.CELERY_BROKER_URL = redis.celery
    # Its probes would hold connections to a database that a test wants to drop.
    settings.FAULT_WATCH_SECONDS = 0


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run: each is named with its reason."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if not skipped:
        return
    reporter.write_line("")
    for report in skipped:
        reporter.write_line(f"Skipped in CI: {report.nodeid}: {report.longrepr}", red=True)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningServices]:
    """The whole product, with stores of its own: `url`, `socket_url` and `environment`.

    Its database is empty at first and is shared by the tests of one run. Pytest's own
    temporary folders are too deep for a socket's path.
    """
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-platform-") as folder,
        prepared_services(Path(folder)) as services,
    ):
        yield services


@pytest.fixture
def free_port() -> Iterator[int]:
    """Of 127.0.0.1, and of this test: refuses connections until somebody listens there."""
    with kept_port() as port:
        yield port


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """A storage of the test's own: what is left in it was forgotten."""
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = folder
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder},
        },
    }
    return folder


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """Folder of real recordings; its MANIFEST.md names licences and transcripts."""
    default = Path(__file__).resolve().parent.parent / "shared" / "data"
    folder = Path(os.environ.get("DUBBING_SPEECH_DATA", default))
    if (folder / "MANIFEST.md").exists():
        return folder
    reason = f"real recordings are not at {folder}; set DUBBING_SPEECH_DATA to their folder"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
