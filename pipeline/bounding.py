"""How a bound is named: once, with its unit, what it holds, and what happens beyond it.

The bounds themselves are in ``pipeline.bounds``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value", int, float)


@dataclass(frozen=True, slots=True)
class Bound:
    name: str
    """Also the name under which a queue of that kind is tracked in the metrics."""
    value: float
    unit: str
    what: str
    beyond: str
    group: str
    setting: str = ""
    """The setting that decides, if one does; ``value`` is then its default."""


BOUNDS: dict[str, Bound] = {}
_in_force: dict[str, float] = {}
"""Setting → its value in this process."""
_group = ["Other"]


@contextmanager
def group(heading: str) -> Iterator[None]:
    """What is bound inside stands under this heading."""
    _group.append(heading)
    try:
        yield
    finally:
        _group.pop()


def bound(name: str, value: Value, unit: str, what: str, beyond: str) -> Value:
    """Register a bound and return its value."""
    _register(Bound(name, value, unit, what, beyond, _group[-1]))
    return value


def set_by(setting: str, name: str, default: float, unit: str, what: str, beyond: str) -> None:
    """Register a bound that a setting decides; ``in_force`` says with which value."""
    _register(Bound(name, default, unit, what, beyond, _group[-1], setting))


def in_force(setting: str, value: float) -> None:
    """The value that a setting has in this process."""
    if not any(one.setting == setting for one in BOUNDS.values()):
        raise ValueError(f"no bound is set by {setting}")
    _in_force[setting] = value


def value_of(one: Bound) -> float:
    """The value in force in this process."""
    return _in_force.get(one.setting, one.value)


def as_markdown() -> str:
    """A table for each heading, in the order of the source."""
    parts: list[str] = []
    heading = ""
    for one in BOUNDS.values():
        if one.group != heading:
            heading = one.group
            parts += ["", f"## {heading}", "", "| Bound | At most | Of what | Beyond it |"]
            parts += ["|---|--:|---|---|"]
        name = f"`{one.name}`" + (f" (`{one.setting}`)" if one.setting else "")
        parts.append(f"| {name} | {_amount(one)} | {one.what} | {one.beyond} |")
    return "\n".join(parts[1:]) + "\n"


def _amount(one: Bound) -> str:
    value, unit = one.value, one.unit
    if unit == "bytes" and value >= 1024:
        for size, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
            if value % size == 0:
                return f"{value / size:g} {name}"
    return f"{value:,g} {unit}" if value < 1e6 else f"{value:,.0f} {unit}"


def _register(one: Bound) -> None:
    if BOUNDS.setdefault(one.name, one) != one:
        raise ValueError(f"two bounds are named {one.name}")
