"""What runs in front of the server and Celery: wait for the stores, prepare, then become them.

`python -m dubbing_project.services.launch web|worker|beat`, started by the runner or in a
container; the environment says where the stores are.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from dubbing_project import settings
from dubbing_project.service_urls import parse_redis_url
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.listening import listen
from dubbing_project.services.waiting import database_answers, redis_answers, until
from pipeline.bounds import MIGRATION_SECONDS, STORE_SECONDS

MIGRATION_LOCK = 0x6475_6262
"""Any number, but the same in every server that shares a database."""
WORKER_PROCESSES = "2"
CELERY = (sys.executable, "-m", "celery", "--quiet", "--app", "dubbing_project.celery")


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("web", "worker", "beat"))
    parser.add_argument("--port", type=int, default=settings.PORT)
    parser.add_argument("--fd", type=int, help="a socket that listens already, instead of --port")
    parser.add_argument("--await-migration", action="store_true", help="another process does it")
    parser.add_argument("--ready-file", type=Path, help="written once the engines are loaded")
    parser.add_argument("--beat-file", type=Path)
    return parser


def main() -> None:
    arguments = command_line().parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")
    try:
        wait_for_stores()
        if arguments.role == "web":
            serve(
                arguments.fd,
                arguments.port,
                arguments.ready_file,
                migrates=not arguments.await_migration,
            )
        if arguments.role == "beat":
            send_periodic_tasks(arguments.beat_file)
        work(arguments.beat_file)
    except ServiceError as error:
        raise SystemExit(f"{arguments.role}: {error}") from None


def wait_for_stores() -> None:
    until(
        lambda: database_answers(settings.DATABASE_URL), what="the database", seconds=STORE_SECONDS
    )
    url = parse_redis_url(settings.REDIS_URL).client
    until(lambda: redis_answers(url), what="Redis", seconds=STORE_SECONDS)


def serve(listener: int | None, port: int, ready_file: Path | None, *, migrates: bool) -> NoReturn:
    """Listens first, so that a taken port is told at once."""
    if listener is None:
        listener = listen(settings.HOST, port).detach()
    if migrates:
        migrate()
    else:
        wait_for_migration()
    os.set_inheritable(listener, True)
    options = ["--fd", str(listener)]
    if ready_file is not None:
        options += ["--ready-file", str(ready_file)]
    become([sys.executable, "-m", "dubbing_project.services.web", *options])


def migrate() -> None:
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    # Servers that start together take turns, and all but the first find nothing to do.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0, skip_checks=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
    connection.close()


def wait_for_migration() -> None:
    import django
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()

    def migrated() -> bool:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())

    until(migrated, what="the database's migration", seconds=MIGRATION_SECONDS)
    connection.close()


def work(beat_file: Path | None) -> NoReturn:
    """Takes tasks only once the tables they write to are there."""
    wait_for_migration()
    options = ["--concurrency", WORKER_PROCESSES, "--loglevel", "INFO", "--without-gossip"]
    options += ["--without-mingle"]
    if beat_file is not None:
        # The one worker of a run also sends the periodic tasks.
        options += ["--beat", "--schedule", str(beat_file)]
    become([*CELERY, "worker", *options])


def send_periodic_tasks(beat_file: Path | None) -> NoReturn:
    """Where several workers run, one process of its own sends the periodic tasks."""
    options = ["--loglevel", "INFO", "--pidfile", ""]
    if beat_file is not None:
        options += ["--schedule", str(beat_file)]
    become([*CELERY, "beat", *options])


def become(command: list[str]) -> NoReturn:
    """The same process goes on as another program, so whoever stops it stops that."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
