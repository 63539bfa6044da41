"""The queues of a real session, scraped while it dubs: none is fuller than its bound."""

from __future__ import annotations

import asyncio
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dubbing_project.services.runner import RunningServices
from dubbing_project.tests.prepared import prepared_services
from dubbing_project.tests.test_live_end_to_end import token_of
from pipeline.bounding import BOUNDS
from pipeline.providers.scripted.sounds import utterances
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.socket_client.live_client import LiveClient

SECRET = "a-scraper-s-own-secret"
BOUND = re.compile(r'dubbing_bound\{name="([a-z_]+)",unit="[a-z ]+"\} (\S+)')
QUEUE = re.compile(r'dubbing_queue_size\{queue="([a-z_]+)"\} (\S+)')
LIVE = {"inbox", "tape", "events", "lines_waiting", "outbox_kept", "outbox_kept_bytes"}


@pytest.fixture
def product() -> Iterator[RunningServices]:
    with (
        tempfile.TemporaryDirectory(prefix="dubbing-bounds-") as folder,
        prepared_services(
            Path(folder),
            environment={
                "METRICS_TOKEN": SECRET,
                "ENGINES": "scripted",
                "DUBBING_VAR": folder,
                "MAX_SESSIONS": "3",
            },
        ) as services,
    ):
        yield services


def scrape(services: RunningServices) -> tuple[dict[str, float], dict[str, float]]:
    """Bounds and queues."""
    request = urllib.request.Request(
        f"{services.url}/api/metrics",
        headers={"Host": "localhost", "Authorization": f"Bearer {SECRET}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    return (
        {name: float(value) for name, value in BOUND.findall(text)},
        {name: float(value) for name, value in QUEUE.findall(text)},
    )


async def test_no_queue_of_a_live_session_is_fuller_than_its_bound(
    product: RunningServices,
) -> None:
    token = await asyncio.to_thread(token_of, product, "bounded@example.org")
    sound = utterances((1.5, 140.0), (1.5, 220.0), (1.5, 140.0))
    fullest: dict[str, float] = {}
    async with LiveClient.connect(product.socket_url, token) as client:
        await client.send(type="start_dubbing", target_language="es")

        async def listen() -> None:
            async for _ in client.events():
                pass

        listening = asyncio.create_task(listen())
        blocks = [sound[at : at + SAMPLE_RATE_HZ] for at in range(0, len(sound), SAMPLE_RATE_HZ)]
        streaming = asyncio.create_task(client.stream(blocks))
        while not streaming.done():
            bounds, queues = await asyncio.to_thread(scrape, product)
            assert set(bounds) == set(BOUNDS)
            for name, size in queues.items():
                assert size <= bounds[name], name
                fullest[name] = max(size, fullest.get(name, 0.0))
            await asyncio.sleep(0.2)
        await streaming
        await asyncio.wait_for(listening, 30)
    assert set(fullest) >= LIVE
    assert fullest["tape"] > 1
    assert fullest["outbox_kept_bytes"] > 0
    assert bounds["sessions"] == 3
