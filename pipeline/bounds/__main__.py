"""``python -m pipeline.bounds``: prints the document, or compares it."""

import sys

from pipeline.bounds.document import DOCUMENT, document


def main() -> int:
    if "--check" not in sys.argv:
        sys.stdout.write(document())
        return 0
    if DOCUMENT.read_text(encoding="utf-8") == document():
        return 0
    sys.stderr.write(f"{DOCUMENT} is old; run: python -m pipeline.bounds >{DOCUMENT}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
