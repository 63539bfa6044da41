"""Every bound as tables: ``pipeline/BOUNDS.md``."""

from pathlib import Path

from pipeline.bounding import as_markdown

DOCUMENT = Path(__file__).parent.with_name("BOUNDS.md")
_HEAD = """# Bounds

Every queue, buffer, cache and wait of the server, how much there may be, and what happens \
beyond it. Made by `python -m pipeline.bounds`; a test compares. In the metrics a bound is \
`dubbing_bound{name="…"}`, and where a queue can be looked at, the fullest of its name is \
`dubbing_queue_size{queue="…"}`. Values of settings are their defaults here, and those in \
force there.

"""


def document() -> str:
    return _HEAD + as_markdown()
