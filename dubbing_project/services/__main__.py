"""`python -m dubbing_project.services run`: the whole product in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from dubbing_project import settings
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.runner import RunOptions, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dubbing_project.services")
    run_parser = parser.add_subparsers(required=True).add_parser("run", help=__doc__)
    run_parser.add_argument("--root", type=Path, default=settings.SERVICE_LOCATIONS.root)
    run_parser.add_argument("--port", type=int, default=settings.PORT, help="0 takes a free one")
    run_parser.add_argument(
        "--private", action="store_true", help="leave DATABASE_URL and REDIS_URL aside"
    )
    run_parser.add_argument("--stores-only", action="store_true", help="only Postgres and Redis")
    run_parser.add_argument(
        "--fast", dest="durable", action="store_false", help="data need not survive a power cut"
    )
    run_parser.add_argument("--ready-file", type=Path, help="written once everything answers")
    run_parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    options = RunOptions(**vars(parser.parse_args()))
    try:
        return run(options)
    except ServiceError as error:
        raise SystemExit(f"Cannot start: {error}") from None
    except OSError as error:
        # A disk that is full or read-only, most likely.
        raise SystemExit(f"Cannot run from {options.root}: {error}") from None


if __name__ == "__main__":
    raise SystemExit(main())
