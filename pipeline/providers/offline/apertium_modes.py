"""Which translations an Apertium installation offers: its mode files and routes over them.

A mode file's last line is a shell pipeline, one program per stage. It is read
here into argument lists, with every stage told to flush at each null byte, so
that one running pipeline can answer many requests.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODES_FOLDER = Path("/usr/share/apertium/modes")

# Apertium names languages by two or three letters, at times both for one pair.
_ISO_639_1 = {
    "afr": "af", "arg": "an", "bel": "be", "bre": "br", "bul": "bg", "cat": "ca", "cym": "cy",
    "dan": "da", "eng": "en", "epo": "eo", "eus": "eu", "fra": "fr", "glg": "gl", "hbs": "sh",
    "hin": "hi", "ind": "id", "isl": "is", "ita": "it", "mkd": "mk", "mlt": "mt", "nld": "nl",
    "nno": "nn", "nob": "nb", "oci": "oc", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru",
    "slv": "sl", "spa": "es", "srd": "sc", "swe": "sv", "ukr": "uk", "urd": "ur", "zlm": "ms",
}  # fmt: skip

# Names with a further part ("eng-cat_valencia", "eo-en-bytecode") are variants of a pair.
_PAIR = re.compile(r"(?P<source>[a-z]{2,3})-(?P<target>[a-z]{2,3})\.mode")

_PIVOTS = ("es", "ca", "en")
"""Best first. Over Catalan, French measured better and Italian worse than over Spanish, at up
to three times the memory and ten times the start."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One direct translation direction and the pipeline that does it."""

    source: str
    target: str
    stages: tuple[tuple[str, ...], ...]
    """Argument list of every program, in order."""

    @property
    def shell_line(self) -> str:
        return " | ".join(shlex.join(stage) for stage in self.stages)


def read_stages(line: str) -> tuple[tuple[str, ...], ...]:
    """Argument lists of a mode's pipeline, for requests separated by null bytes."""
    stages = []
    for stage in line.split("|"):
        program, *arguments = shlex.split(stage)
        # $1 is the generator's mode: -g keeps marks on what it could not generate.
        # $2 asks the tagger for debugging output and is left out.
        kept = ["-g" if word == "$1" else word for word in arguments if word != "$2"]
        stages.append((program, "-z", *kept))
    return tuple(stages)


def installed_modes(folder: Path = MODES_FOLDER) -> dict[tuple[str, str], Mode]:
    """Usable direct directions by (source, target) ISO 639-1 code.

    A mode whose programs are not all on PATH is left out. Where a pair is there
    under both kinds of names, the three-letter one wins: it is the newer data.
    """
    modes: dict[tuple[str, str], Mode] = {}
    for path in sorted(folder.glob("*.mode"), key=lambda path: len(path.stem)):
        if (match := _PAIR.fullmatch(path.name)) is None:
            continue
        lines = path.read_text(encoding="utf-8").strip().splitlines()
        if not lines:
            continue
        stages = read_stages(lines[-1])
        if all(shutil.which(stage[0]) for stage in stages):
            source, target = (_ISO_639_1.get(code, code) for code in match.groups())
            modes[source, target] = Mode(source, target, stages)
    return modes


def routes(modes: Mapping[tuple[str, str], Mode]) -> dict[tuple[str, str], tuple[Mode, ...]]:
    """The best way to translate every reachable pair: directly, or over one pivot."""
    languages = {language for pair in modes for language in pair}
    found: dict[tuple[str, str], tuple[Mode, ...]] = {pair: (mode,) for pair, mode in modes.items()}
    for source in languages:
        for target in languages - {source}:
            if (source, target) in found:
                continue
            for pivot in _PIVOTS:
                if (source, pivot) in modes and (pivot, target) in modes:
                    found[source, target] = (modes[source, pivot], modes[pivot, target])
                    break
    return found
