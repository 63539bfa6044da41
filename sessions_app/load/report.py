"""The figures of a load test in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessions_app.load.inside import in_words as in_words_inside

TIMES = (
    ("overhead_ms", "overhead: → first sample, less what engines take"),
    ("answer_ms", "audio that decides → first sample"),
    ("commit_ms", "transcript → first sample"),
    ("endpoint_ms", "  waiting for the endpoint (server)"),
    ("recognition_ms", "  recognition (server)"),
    ("translation_ms", "  translation (server)"),
    ("synthesis_ms", "  synthesis (server)"),
    ("total_ms", "  total (server)"),
    ("lag_ms", "lag (ear–voice span), as heard"),
    ("server_lag_ms", "  as the server says"),
    ("backlog_s", "backlog, seconds"),
    ("ready_ms", "connecting → ready"),
    ("clients_late_ms", "the clients' own lateness, worst of a second"),
)
COMPARED = ("lag_p50_ms", "backlog_p50_s", "overhead_p50_ms")
SERIES_A_MINUTE = 6


def in_words(made: dict[str, Any]) -> str:
    return "\n".join(_lines(made))


def _lines(made: dict[str, Any]) -> Iterator[str]:
    machine = made["machine"]
    others = machine.get("cores_of_others")
    yield (
        f"{made['started']} sessions started, {made['ended']} ended, {made['lines']} lines heard, "
        f"{made['skipped']} skipped, {made['lost']} connections lost"
    )
    yield (
        f"machine: {machine['cores']} cores, load {machine['load_before'][0]} before, "
        f"{machine['load_after'][0]} after"
        + (f", {others:.2f} cores taken by others" if others is not None else "")
    )
    for title, entries in (("refused", made["refusals"]), ("error", made["errors"])):
        for entry in entries:
            yield f"{title}: {entry['count']} × {entry['code']}: {entry['message']}"
    for phase in made["phases"]:
        yield from _phase(phase)
    if len(made["phases"]) > 1:
        yield _recovery(made["phases"])
    yield from _processes(made)
    yield from _change(made["series"])
    if inside := made.get("inside"):
        yield ""
        yield from in_words_inside(inside, made["billed"])
        for name, (count, size) in made["kept"].items():
            yield f"kept in Redis: {count} {name}s, {size / 1024:.0f} kB"
    if made["profile"]:
        yield ""
        yield f"Web process: {made['profile']}"


def _phase(phase: dict[str, Any]) -> Iterator[str]:
    skipped = ", ".join(f"{count} × {reason}" for reason, count in phase["skipped"].items())
    yield ""
    yield (
        f"{phase['name']}: {phase['sessions']} sessions, second {phase['begin_s']:.0f} to "
        f"{phase['end_s']:.0f}: {phase['lines']} lines, skipped {skipped or 'none'}, "
        f"{phase['refused']} refused, {phase['errors']} errors"
    )
    yield f"  {'milliseconds':<52}{'p50':>9}{'p95':>9}{'p99':>9}"
    for name, title in TIMES:
        if values := phase.get(name):
            figures = "".join(f"{values[percent]:9.1f}" for percent in ("p50", "p95", "p99"))
            yield f"  {title:<52}{figures}"
    if own := phase.get("of_sessions"):
        yield "  transcript → first sample, each session by itself:"
        for name in ("p50", "p95"):
            least, middle, most = own[name]
            yield f"    {name} of {least:.0f} (the best off), {middle:.0f}, {most:.0f} (the worst)"


def recovered(phases: list[dict[str, Any]]) -> bool:
    """Whether the last phase is as the first: nothing skipped, lag within a tenth."""
    before, after = phases[0].get("lag_ms"), phases[-1].get("lag_ms")
    if not before or not after:
        return False
    return not phases[-1]["skipped"] and after["p50"] <= before["p50"] * 1.1


def _recovery(phases: list[dict[str, Any]]) -> str:
    return "\nIt recovered." if recovered(phases) else "\nIt did not recover."


def _processes(made: dict[str, Any]) -> Iterator[str]:
    if made["processes"]:
        yield ""
        yield (
            f"  {'process':<14}{'cores':>8}{'idle':>8}{'% of a core/session':>21}"
            f"{'MB':>9}{'idle MB':>9}{'MB/session':>12}"
        )
    for name, used in made["processes"].items():
        yield (
            f"  {name:<14}{used['cores']:8.3f}{used['cores_idle']:8.3f}"
            f"{100 * used['cores_per_session']:21.2f}{used['rss_mb']:9.0f}"
            f"{used['rss_idle_mb']:9.0f}{used['rss_mb_per_session']:12.2f}"
        )
    clients = made["clients"]
    yield f"  {'the clients':<14}{clients['cores']:8.3f}{clients['rss_mb']:46.0f}"
    if made["sessions_per_core"]:
        yield f"  {made['sessions_per_core']:.0f} sessions a core, by the web processes"


def _change(series: list[dict[str, Any]]) -> Iterator[str]:
    """The second minute beside the last one: what grows without end shows here."""
    running = [point for point in series if point["lines"]]
    early = running[SERIES_A_MINUTE : 2 * SERIES_A_MINUTE]
    late = running[-SERIES_A_MINUTE:]
    if len(running) < 3 * SERIES_A_MINUTE:
        return
    yield ""
    yield "  minute 2 → the last minute"
    for name in COMPARED:
        yield f"  {name:<24}{_mean(early, name):10.2f} → {_mean(late, name):.2f}"
    for name in late[-1]["rss_mb"]:
        first, last = (_mean([p["rss_mb"] for p in part], name) for part in (early, late))
        yield f"  {'MB of ' + name:<24}{first:10.1f} → {last:.1f}"


def _mean(points: list[dict[str, Any]], name: str) -> float:
    values = [point[name] for point in points if point.get(name) is not None]
    return sum(values) / len(values) if values else float("nan")
