"""Every queue has a bound: of the source what can be read off it, and of what is said of it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import metrics
from pipeline.bounding import BOUNDS, bound, group, in_force, set_by, value_of
from pipeline.bounds.document import DOCUMENT, document

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("accounts", "dubbing_project", "pipeline", "sessions_app", "voices")
LEFT_OUT = {"tests", "migrations", "benchmarks", "client_examples"}

BOUNDED_ELSEWHERE = {
    ("deque", "pipeline/hearing/inbox.py", "_chunks"): "by length of audio: inbox, inbox_of_file",
    ("deque", "pipeline/hearing/tape.py", "_chunks"): "by length of audio: tape",
    ("deque", "pipeline/hearing/tape.py", "_arrivals"): "as many as the chunks beside it",
    ("deque", "pipeline/follower.py", "_waiting"): "`push` drops: following_waiting",
    ("deque", "sessions_app/running/journal.py", "_incidents"): "`note` drops: incidents_waiting",
    ("deque", "pipeline/text/source_text.py", "_waiting"): "`take` leaves out: source_text",
    ("deque", "pipeline/speaking/turns.py", "_waiting"): "`add` waits: lines_waiting",
    ("deque", "pipeline/speaking/turns.py", "_groups"): "`run` waits: lines_in_turn",
    (
        "deque",
        "pipeline/providers/scripted/hearing.py",
        "_waiting",
    ): "`put` waits: pieces_waiting",
    (
        "deque",
        "pipeline/hearing/recognition.py",
        "_pieces",
    ): "`push` waits: pieces_waiting, pieces_kept",
    (
        "deque",
        "pipeline/providers/process_stream.py",
        "_on_the_way",
    ): "`push` waits: recogniser_backlog",
    (
        "deque",
        "pipeline/providers/process_stream.py",
        "_unread",
    ): "the reader waits: hypotheses_unread",
    (
        "deque",
        "pipeline/providers/google/recognizer_stream.py",
        "_pieces",
    ): "`push` waits: google_ahead",
    ("deque", "pipeline/providers/google/timeline.py", "_parts"): "by length of audio: google_kept",
    (
        "deque",
        "pipeline/providers/google/unread.py",
        "_waiting",
    ): "streams are not read on: hypotheses_unread",
    (
        "deque",
        "pipeline/providers/whisper/ear.py",
        "_waiting",
    ): "the process takes no more in: recogniser_messages",
    ("deque", "sessions_app/running/outbox.py", "_waiting"): "`put` waits: outbox_waiting(_bytes)",
    ("deque", "sessions_app/running/outbox.py", "_kept"): "outbox_kept, outbox_kept_bytes",
    ("deque", "sessions_app/running/record.py", "_waiting"): "`offer` drops: lines_unwritten",
    (
        "deque",
        "sessions_app/usage/settling.py",
        "_owed",
    ): "what came along, use_owed, and one or two own",
    ("deque", "sessions_app/running/run.py", "_held"): "by length of audio: held_audio",
    (
        "deque",
        "sessions_app/socket_client/live_client.py",
        "_kept",
    ): "a client's own, as long as its patience",
    (
        "Queue",
        "dubbing_project/services/web.py",
        "inbox",
    ): "one HTTP request, put there in one go: http_body",
    ("cache", "sessions_app/protocol/schemas.py", "_module"): "asked of this project's own modules",
    (
        "wait",
        "dubbing_project/services/supervisor.py",
        "child",
    ): "it has ended: `waitid` came before",
    (
        "wait",
        "dubbing_project/services/context.py",
        "runner",
    ): "it has been killed, and is not in the system for long",
}
"""What the source alone does not show to be bounded → why it is."""

DECISIONS = {
    "pipeline/hearing/live_edge.py": {"AHEAD_MAX_S"},
    "pipeline/sound/media.py": {"_GAP_MAX_S"},
    "pipeline/speaking/playing.py": {"BLOCK_MAX_S"},
    "pipeline/runtime/pressure.py": {"BUSY_MAX", "LATE_MAX_S"},
    "pipeline/wire.py": {"MEDIA_TIME_MAX_US"},
    "pipeline/sound/prosody.py": {"_MAX_S"},
    "sessions_app/records/search.py": {"WORD_MAX"},
    "pipeline/sample_quality/measures.py": {"SNR_MAX_DB"},
    "pipeline/sample_quality/recording.py": {"RATE_MAX_HZ"},
    "pipeline/sound/sound_quality.py": {"SNR_MAX_DB"},
    "pipeline/providers/offline/espeak_voices.py": {"MAX_PITCH"},
    "pipeline/providers/offline/joining.py": {"MAX_LAG"},
    "pipeline/providers/offline/shaping.py": {"VARIANCE_GAIN_MAX"},
    "pipeline/providers/offline/speaker_encoder.py": {"_INT16_MAX"},
    "pipeline/providers/offline/speaker_encoder_export.py": {"_MAX_STORAGE_VALUES"},
    "pipeline/providers/offline/voice_profile.py": {"F0_SPREAD_MAX", "MAX_SPEECH_S"},
    "sessions_app/audio/intake.py": {"RATE_MAX_HZ"},
    "sessions_app/load/fleet.py": {"WAITING_MAX"},
    "sessions_app/load/session.py": {"AWAITED_MAX", "MESSAGE_MAX_BYTES"},
    "sessions_app/protocol_check/probe.py": {"MESSAGE_MAX_BYTES"},
    "sessions_app/socket_client/live_client.py": {"OPEN_TIMEOUT_S", "RETRY_MAX_S"},
    "sessions_app/running/record.py": {"RETRY_MAX_S"},
    "sessions_app/live/voice_samples.py": {"CLIPPED_SHARE_MAX"},
    "voices/pages/reading.py": {"COMPARED_MAX"},
}
"""Signal processing, formats and pauses: limits of a value, not of a queue or a wait; and what
the clients of load tests and checks allow themselves."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not LEFT_OUT.intersection(path.parts):
                name = path.relative_to(ROOT).as_posix()
                yield name, ast.parse(path.read_text(encoding="utf-8"))


SOURCES = dict(sources())


def last_name(node: ast.expr | None) -> str:
    """`c` of `a.b.c`, of `a.b.c(…)` and of `a.b.c[…]`."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Subscript):
        return last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def given(call: ast.Call, *keywords: str) -> bool:
    return bool(call.args) or any(one.arg in keywords for one in call.keywords)


def unbounded_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(construct, name of what holds it)."""
    holders: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            for inner in ast.walk(node.value):
                holders[inner] = last_name(target)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from unbounded_cache(node)
        if not isinstance(node, ast.Call):
            continue
        called, holder = last_name(node.func), holders.get(node, "")
        if called in {"Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"}:
            if called == "SimpleQueue" or not given(node, "maxsize"):
                yield "Queue", holder
        elif called == "deque":
            if not any(one.arg == "maxlen" for one in node.keywords):
                yield "deque", holder
        elif called.endswith("PoolExecutor"):
            if not given(node, "max_workers"):
                yield "PoolExecutor", holder
        elif is_blocking(node) and not any(one.arg == "timeout" for one in node.keywords):
            yield called, holder
    yield from unbounded_waits(tree)


def is_blocking(call: ast.Call) -> bool:
    called = last_name(call.func)
    if called == "run":
        return last_name(getattr(call.func, "value", None)) == "subprocess"
    return called in {"urlopen", "check_output", "check_call", "communicate"}


def unbounded_cache(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    arguments = function.args
    if not (arguments.args or arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg):
        return
    for one in function.decorator_list:
        endless = isinstance(one, ast.Call) and any(
            keyword.arg == "maxsize"
            and isinstance(keyword.value, ast.Constant)
            and keyword.value.value is None
            for keyword in one.keywords
        )
        if last_name(one) == "cache" or (last_name(one) == "lru_cache" and endless):
            yield "cache", function.name


def unbounded_waits(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Processes waited for without a limit."""
    limited = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and last_name(node.func) == "wait_for"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or last_name(node.func) != "wait" or node in limited:
            continue
        waited = last_name(getattr(node.func, "value", None))
        if re.search("process|child|runner", waited) and not given(node, "timeout"):
            yield "wait", waited


def test_nothing_in_the_source_is_without_a_bound() -> None:
    found = {
        (construct, path, holder)
        for path, tree in SOURCES.items()
        for construct, holder in unbounded_in(tree)
    }
    assert found - set(BOUNDED_ELSEWHERE) == set()
    assert set(BOUNDED_ELSEWHERE) - found == set(), "no longer there"


@pytest.mark.parametrize(
    "source",
    [
        "waiting = asyncio.Queue()",
        "waiting = queue.SimpleQueue()",
        "self.waiting: deque[int] = deque()",
        "@functools.cache\ndef words(text): ...",
        "@lru_cache(maxsize=None)\ndef words(text): ...",
        "threads = ThreadPoolExecutor()",
        "subprocess.run(command)",
        "await self._process.wait()",
        "urllib.request.urlopen(address)",
    ],
)
def test_what_has_no_bound_is_found(source: str) -> None:
    assert list(unbounded_in(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "waiting = asyncio.Queue(8)",
        "waiting = deque(maxlen=8)",
        "@cache\ndef words(): ...",
        "threads = ThreadPoolExecutor(max_workers=1)",
        "subprocess.run(command, timeout=1)",
        "await asyncio.wait_for(self._process.wait(), 1)",
    ],
)
def test_what_has_one_is_left_alone(source: str) -> None:
    assert not list(unbounded_in(ast.parse(source)))


def test_no_bound_takes_the_name_of_another() -> None:
    names = [
        last_name(node.targets[0])
        for path, tree in SOURCES.items()
        if path.startswith("pipeline/bounds/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    ]
    assert len(names) > 200
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_bounds_are_named_in_one_place() -> None:
    """A number named MAX or TIMEOUT stands in ``pipeline.bounds`` or is no bound."""
    elsewhere: dict[str, set[str]] = {}
    for path, tree in SOURCES.items():
        for node in tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
                continue
            name = last_name(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            numbers = any(
                isinstance(one, ast.Constant) and isinstance(one.value, int | float)
                for one in ast.walk(node.value)
            )
            if re.search(r"(^|_)(MAX|TIMEOUT)(_|$)", name) and numbers:
                elsewhere.setdefault(path, set()).add(name)
    assert elsewhere == DECISIONS


def test_every_tracked_queue_has_a_bound_of_its_name() -> None:
    tracked = {
        node.args[0].value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and last_name(node.func) == "track_queue"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(tracked) > 15
    assert tracked <= set(BOUNDS)


def test_the_document_is_what_the_source_makes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.bounds", "--check"], cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0


def test_every_bound_says_what_it_holds() -> None:
    for one in BOUNDS.values():
        assert re.fullmatch(r"[a-z][a-z_]*", one.name)
        assert one.value > 0 or one.setting
        assert one.unit
        assert one.what
        assert one.beyond
        assert one.group != "Other"
        assert "|" not in one.what + one.beyond


def test_a_name_stands_for_one_bound() -> None:
    with group(BOUNDS["inbox_of_file"].group):
        assert bound("inbox_of_file", 1.0, *same("inbox_of_file")) == 1.0
    with pytest.raises(ValueError, match="two bounds"):
        bound("inbox_of_file", 2.0, "seconds", "something", "else")
    with pytest.raises(ValueError, match="no bound"):
        in_force("NO_SUCH_SETTING", 1)


def same(name: str) -> tuple[str, str, str]:
    one = BOUNDS[name]
    return one.unit, one.what, one.beyond


def test_bounds_reach_the_scrape_with_the_value_in_force() -> None:
    set_by("TEST_SETTING", "test_set", 1, "lines", "what a test holds", "nothing")
    try:
        in_force("TEST_SETTING", 7)
        metrics.export_bounds()
        found = dict(
            line.rsplit(" ", 1)
            for line in metrics.exposition().decode().splitlines()
            if line.startswith("dubbing_bound{")
        )
        assert found['dubbing_bound{name="test_set",unit="lines"}'] == "7.0"
        for one in BOUNDS.values():
            shown = found[f'dubbing_bound{{name="{one.name}",unit="{one.unit}"}}']
            assert float(shown) == value_of(one)
    finally:
        del BOUNDS["test_set"]
