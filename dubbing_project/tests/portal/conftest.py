"""One site and one browser for the tests of a module."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from dubbing_project.tests.portal.site import Site, launch, running_site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        # Pytest's own temporary folders are too deep for a socket's path.
        tempfile.TemporaryDirectory(prefix="dubbing-portal-") as folder,
        running_site(Path(folder), dict(os.environ)) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()
