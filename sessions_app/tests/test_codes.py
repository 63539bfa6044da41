"""The table of codes is complete, and nothing in it is gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from accounts.rest.problem_codes import EXPLAINED, IN_RECORDS
from sessions_app.live import closing
from sessions_app.protocol import codes
from sessions_app.protocol.messages import CloseCode

PACKAGES = ("accounts", "dubbing_project", "pipeline", "sessions_app", "voices")
SAYERS = {"WireError", "EngineError", "MediaError", "IntakeError", "fail", "_Kind"}
"""Calls whose first argument is a code."""
MESSAGES = {"Failure", "Notice"}
"""Calls with an argument ``code=``."""
CLOSERS = {"ClosedError", "say_goodbye"}
"""Calls whose first two arguments are a close code and the reason of a ``closing``."""


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            relative = path.relative_to(settings.BASE_DIR)
            if not {"tests", "benchmarks", "migrations"} & set(relative.parts):
                yield relative, ast.parse(path.read_text(encoding="utf-8"))


def literals(node: ast.expr) -> Iterator[str]:
    """The strings that an expression may be: a literal, or either side of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*literals(node.body), *literals(node.orelse))


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else ""
            yield function.id if isinstance(function, ast.Name) else name, node


def codes_said(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(name, ast.Name) and name.id == "code" for name in node.targets
        ):
            yield from literals(node.value)
    for name, call in calls(tree):
        if name in SAYERS and call.args:
            yield from literals(call.args[0])
        if name in SAYERS | MESSAGES:
            for keyword in call.keywords:
                if keyword.arg == "code":
                    yield from literals(keyword.value)


def closings_said(tree: ast.Module) -> Iterator[tuple[str, CloseCode]]:
    """Reasons of ``closing`` and the close code that each comes with."""
    for name, call in calls(tree):
        if name in CLOSERS and len(call.args) > 1 and isinstance(call.args[0], ast.Attribute):
            for code in literals(call.args[1]):
                yield code, CloseCode[call.args[0].attr]
        elif name == "Refusal" and call.args:
            for code in literals(call.args[0]):
                yield code, closing.REFUSALS.get(code, CloseCode.NOT_AUTHENTICATED)


def explained() -> list[str]:
    groups = [*codes.ERRORS.values(), codes.NOTICES, codes.SKIPS, codes.FILES, codes.CLONES]
    return [code for group in groups for code in group]


def test_every_code_in_the_source_is_explained() -> None:
    missing = {
        f"{path}: {code}"
        for path, tree in sources()
        for code in codes_said(tree)
        if code not in explained()
    }
    assert not missing, "explain these in sessions_app/protocol/codes.py"


def test_what_a_job_may_say_is_explained() -> None:
    workers = ("projects/steps/", "projects/fetching", "projects/running", "projects/jobs")
    said = {
        code
        for path, tree in sources()
        if str(path.relative_to(path.parts[0])).startswith(workers)
        for name, call in calls(tree)
        if name == "ProjectError" and call.args
        for code in literals(call.args[0])
    }
    assert {"worker_lost", "export_gone", "fetch_failed"} <= said
    assert not said - EXPLAINED.keys() - IN_RECORDS.keys()


def test_every_explained_code_is_in_the_source() -> None:
    # Any literal counts: some codes travel through a worker's reply or a table.
    found = {
        node.value
        for path, tree in sources()
        if path.name != "codes.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not set(explained()) - found, (
        "these are gone: take them out of sessions_app/protocol/codes.py"
    )


def test_no_code_has_two_explanations() -> None:
    assert len(explained()) == len(set(explained()))


def test_every_reason_for_closing_is_explained_and_none_is_gone() -> None:
    said = {closing for _, tree in sources() for closing in closings_said(tree)}
    assert said == {(code, close_code) for code, (close_code, _) in codes.CLOSINGS.items()}


def test_every_close_code_has_a_reason() -> None:
    given = {close_code for close_code, _ in codes.CLOSINGS.values()}
    # Where there is no socket there is nobody to say why.
    assert set(CloseCode) - given == {CloseCode.NO_SUCH_ADDRESS}


def test_the_search_finds_codes_in_every_form() -> None:
    tree = ast.parse(
        'raise WireError("one", "…")\n'
        'self.fail("two", "…")\n'
        'Notice(code="three", message="…")\n'
        'code = "four" if x else "five"\n'
    )
    assert sorted(codes_said(tree)) == ["five", "four", "one", "three", "two"]


def test_the_search_finds_reasons_for_closing_in_every_form() -> None:
    tree = ast.parse(
        'raise ClosedError(CloseCode.QUOTA, "one", "…")\n'
        'outlet.say_goodbye(CloseCode.RESTART, "two", "…", resume=True)\n'
        'Refusal("three", "…")\n'
        'Refusal("database_away", "…")\n'
        "ClosedError(close_code, refusal.code, refusal.message)\n"
    )
    assert sorted(closings_said(tree)) == [
        ("database_away", CloseCode.OVERLOAD),
        ("one", CloseCode.QUOTA),
        ("three", CloseCode.NOT_AUTHENTICATED),
        ("two", CloseCode.RESTART),
    ]
