"""Names written leftwards, inside sentences written rightwards."""

from __future__ import annotations

import pytest

from pipeline.text.bidi import isolated


@pytest.mark.parametrize("name", ["ליאור", "مقابلة (2)", "(1) דנה", "Ida ליאור"])
def test_a_name_with_letters_written_leftwards_is_isolated(name: str) -> None:
    assert isolated(name) == f"\u2068{name}\u2069"


@pytest.mark.parametrize("name", ["", "Ida (1)", "Ελένη", "佐藤", "2 / 3"])
def test_any_other_name_stays_as_it_is(name: str) -> None:
    assert isolated(name) == name
