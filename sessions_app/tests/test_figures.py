from __future__ import annotations

from sessions_app.records.figures import summarise


def test_a_merged_line_is_not_skipped() -> None:
    found = summarise(
        [
            ("S1", "", {"total_ms": 400.0}),
            ("S1", "merged", {}),
            ("S2", "backlog", {}),
            ("", "engine_timeout", {}),
        ]
    )
    assert found == {
        "lines": 4,
        "speakers": 2,
        "skipped": 2,
        "merged": 1,
        "p50": {"total_ms": 400.0},
        "p95": {"total_ms": 400.0},
    }
