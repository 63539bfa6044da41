"""A glossary as a CSV file: ``source,target`` by line, with what is wrong told line by line.

A cell that a spreadsheet would take for a formula gets an apostrophe in front when written,
which is taken off when read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.bounds import GLOSSARY_FILE_MAX_BYTES, GLOSSARY_TERM_MAX, GLOSSARY_TERMS_MAX

HEADER = ("source", "target")
ERRORS_SHOWN = 20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class RowError:
    row: int
    """As a text editor counts lines, from 1."""
    message: str

    def __str__(self) -> str:
        return f"Line {self.row}: {self.message}"


class CsvError(Exception):
    """The file cannot be taken; ``errors`` say why, line by line, the first few of them."""

    def __init__(self, errors: list[RowError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


def read_terms(data: bytes) -> list[tuple[str, str]]:
    """(source, target) pairs; an empty target: the term stays as it is. Raises CsvError."""
    if len(data) > GLOSSARY_FILE_MAX_BYTES:
        limit = GLOSSARY_FILE_MAX_BYTES // (1024 * 1024)
        raise CsvError([RowError(1, f"The file is larger than {limit} MiB.")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = "This is not UTF-8 text. Save the file as “CSV UTF-8” and try again."
        raise CsvError([RowError(line, message)]) from None
    if "\0" in text:
        raise CsvError([RowError(1, "This is not a text file.")])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    errors: list[RowError] = []
    terms: dict[str, tuple[int, str, str]] = {}
    try:
        for number, cells in _numbered(rows):
            if (problem := _problem(cells)) is None:
                source, target = (_plain(cell) for cell in (*cells, "")[:2])
                key = source.casefold()
                if key in terms and terms[key][2] != target:
                    problem = (
                        f"“{_cut(source)}” stands in line {terms[key][0]} with another target."
                    )
                terms.setdefault(key, (number, source, target))
            if problem is not None:
                errors.append(RowError(number, problem))
            elif len(terms) > GLOSSARY_TERMS_MAX:
                errors.append(RowError(number, f"More than {GLOSSARY_TERMS_MAX} terms."))
                break
            if len(errors) >= ERRORS_SHOWN:
                break
    except csv.Error:
        errors.append(RowError(rows.line_num, "A quotation mark is not closed, or not doubled."))
    if not terms and not errors:
        errors.append(RowError(1, "There are no terms in this file."))
    if errors:
        raise CsvError(errors)
    return [(source, target) for _, source, target in terms.values()]


def write_terms(terms: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The file, line by line."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    for cells in (HEADER, *terms):
        writer.writerow([_harmless(cell) for cell in cells])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _delimiter(text: str) -> str:
    """What separates the cells of the first line that has any."""
    for line in text.splitlines():
        for mark in ("\t", ";", ","):
            if mark in line:
                return mark
    return ","


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, with the line on which each ends; without the heading."""
    first = True
    for cells in rows:
        stripped = [cell.strip() for cell in cells]
        while stripped and not stripped[-1]:
            stripped.pop()
        if not stripped:
            continue
        if first and stripped[0].casefold() == HEADER[0]:
            first = False
            continue
        first = False
        yield rows.line_num, stripped  # type: ignore[attr-defined]


def _problem(cells: list[str]) -> str | None:
    if len(cells) > 2:
        return f"{len(cells)} cells where two belong: the term, and what it becomes."
    if not cells[0]:
        return "The term is missing: the first cell is empty."
    for cell in cells:
        if len(cell) > GLOSSARY_TERM_MAX:
            return f"“{_cut(cell)}” has more than {GLOSSARY_TERM_MAX} characters."
        if "\n" in cell or "\r" in cell:
            return f"“{_cut(cell)}” goes over several lines."
    return None


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
