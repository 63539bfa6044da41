"""What a server says of itself after a load test: guesses, caches, failures, and its ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import redis
from prometheus_client.parser import text_string_to_metric_families

ANSWER_S = 10.0
Counted = dict[tuple[str, ...], float]
"""Values of labels, in their order here → how often."""
_COUNTERS = {
    "speculations": ("outcome",),
    "cache_lookups": ("cache", "found"),
    "engine_failures": ("engine", "leg", "code"),
    "stand_ins": ("leg", "engine"),
    "errors": ("code",),
}


@dataclass(frozen=True, slots=True)
class Inside:
    """``server`` is like ``http://…``; ``metrics_token`` is its METRICS_TOKEN."""

    server: str
    token: str
    metrics_token: str

    def figures(self) -> dict[str, Any]:
        """Counts since the server's start, and what the token's owner used today.

        Raises httpx.HTTPError when the server does not answer.
        """
        with httpx.Client(base_url=self.server, timeout=ANSWER_S) as client:
            metrics = _got(client, "/api/metrics", f"Bearer {self.metrics_token}").text
            usage = _got(client, "/api/usage?days=1", f"Token {self.token}").json()
        counted = _counted(metrics)
        return {
            **{
                name: [
                    dict(zip(_COUNTERS[name], key, strict=True)) | {"count": round(count)}
                    for key, count in sorted(found.items())
                    if count
                ]
                for name, found in counted.items()
            },
            "ledger": [
                {name: row[name] for name in ("engine", "leg", "unit", "amount", "requests")}
                for row in usage["totals"]
            ],
        }


def kept(redis_url: str) -> dict[str, tuple[int, int]]:
    """What caches hold in Redis: name → (entries, bytes of memory that they take)."""
    held: dict[str, tuple[int, int]] = {}
    with redis.Redis.from_url(redis_url) as client:
        for name in ("translation", "voice"):
            keys = list(client.scan_iter(f"dubbing:{name}:*", count=1000))
            held[name] = (len(keys), sum(client.memory_usage(key) or 0 for key in keys))
    return held


def _got(client: httpx.Client, path: str, authorization: str) -> httpx.Response:
    return client.get(path, headers={"Authorization": authorization}).raise_for_status()


def _counted(exposition: str) -> dict[str, Counted]:
    found: dict[str, Counted] = {name: {} for name in _COUNTERS}
    for family in text_string_to_metric_families(exposition):
        name = family.name.removeprefix("dubbing_")
        if (labels := _COUNTERS.get(name)) is None:
            continue
        for sample in family.samples:
            if sample.name.endswith("_total"):
                key = tuple(sample.labels[label] for label in labels)
                found[name][key] = found[name].get(key, 0.0) + sample.value
    return found


_BILLED = {
    "google-speech": "recognition_s",
    "google-translate": "translation_characters",
    "elevenlabs": "synthesis_characters",
}
"""Engine → what its emulated vendor calls what it bills."""


def since(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted between two looks."""
    made: dict[str, Any] = {}
    for name, rows in now.items():
        labels = (*_COUNTERS.get(name, ("engine", "leg", "unit")),)
        earlier = {tuple(row[label] for label in labels): row for row in before[name]}
        made[name] = []
        for row in rows:
            old = earlier.get(tuple(row[label] for label in labels), {})
            less = {key: value - old.get(key, 0) for key, value in row.items() if key not in labels}
            if any(less.values()):
                made[name].append({**row, **less})
    return made


def in_words(inside: Mapping[str, Any], billed: Mapping[str, Any]) -> Iterator[str]:
    """Lines for people. ``billed`` is what emulated vendors say; empty where there are none."""
    guesses = {row["outcome"]: row["count"] for row in inside["speculations"]}
    if asked := sum(guesses.get(name, 0) for name in ("used", "missed", "failed")):
        used = guesses.get("used", 0)
        yield (
            f"guessed before the commit: {used} of {asked} clauses ({used / asked:.0%}), "
            f"{guesses.get('replaced', 0)} guesses in vain"
        )
    for cache in sorted({row["cache"] for row in inside["cache_lookups"]}):
        found = {
            row["found"]: row["count"] for row in inside["cache_lookups"] if row["cache"] == cache
        }
        hits, all_ = found.get("hit", 0), sum(found.values())
        yield f"cache of {cache}s: {hits} hits of {all_} ({hits / all_:.0%})"
    for row in inside["engine_failures"]:
        yield f"failed: {row['engine']} {row['leg']}: {row['count']} × {row['code']}"
    for row in inside["stand_ins"]:
        yield f"stood in: {row['engine']} {row['leg']}: {row['count']} times"
    for row in inside["errors"]:
        yield f"told: {row['count']} × {row['code']}"
    if late := billed.get("late_ms"):
        yield (
            "the emulators' own lateness, which no vendor's delay asked for: "
            f"p50 {late['p50']:.1f}, p95 {late['p95']:.1f}, p99 {late['p99']:.1f} ms"
        )
    for kind, count in sorted(billed.get("faults", {}).items()):
        yield f"injected: {kind}: {count}"
    for row in inside["ledger"]:
        words = f"ledger: {row['engine']} {row['leg']}: {row['amount']:.1f} {row['unit']}"
        if billed and (name := _BILLED.get(row["engine"])):
            words += f", billed {billed[name]:.1f}"
        yield words
