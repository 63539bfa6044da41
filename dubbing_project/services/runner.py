"""Runs the stores, the server and the worker in the foreground until told to stop."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from dubbing_project import settings
from dubbing_project.service_urls import parse_redis_url
from dubbing_project.services import postgres, redis
from dubbing_project.services.errors import ServiceError
from dubbing_project.services.folders import only_instance, private_folder, tail
from dubbing_project.services.lifeline import wait_for_end_of
from dubbing_project.services.listening import listen
from dubbing_project.services.locations import ServiceLocations
from dubbing_project.services.supervisor import ENDS_WITHIN_SECONDS, Supervisor
from dubbing_project.services.waiting import database_answers, health, redis_answers, until
from pipeline.bounds import READY_SECONDS

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "[::]": "[::1]"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run. `private` ignores the operator's own stores; `stores_only` runs nothing else."""

    root: Path
    port: int
    private: bool = False
    stores_only: bool = False
    durable: bool = True
    ready_file: Path | None = None
    lifeline: int | None = None
    """A pipe's reading end: when it closes, whoever asked for the services is gone."""


@dataclass(frozen=True, slots=True)
class RunningServices:
    """Where everything answers. `url` is empty when only the stores run."""

    url: str
    database_url: str
    redis_url: str
    pid: int
    pids: str
    """Folder of one file for every command, with its process id as it is now."""

    def pid_of(self, name: str) -> int:
        """Of `web-1`, `web-2`, …, `worker`, `postgres` or `redis`; another one after a restart."""
        return int(Path(self.pids, name).read_text(encoding="ascii"))

    @property
    def socket_url(self) -> str:
        """The server's address for WebSockets."""
        return self.url.replace("http", "ws", 1)

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs in its environment to use the same stores."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def run(options: RunOptions) -> int:
    """Blocks until stopped; 0 after an orderly stop, otherwise 1 and the reason on stderr."""
    locations = ServiceLocations(root=options.root)
    with only_instance(locations):
        return _Run(options, locations).run()


class _Run:
    def __init__(self, options: RunOptions, locations: ServiceLocations) -> None:
        self.options = options
        self.locations = locations
        environment = settings.environment
        self.embed_database = options.private or not environment.secret("DATABASE_URL")
        self.embed_redis = options.private or not environment.secret("REDIS_URL")
        self.database_url = locations.database_url if self.embed_database else settings.DATABASE_URL
        self.redis_url = locations.redis_url if self.embed_redis else settings.REDIS_URL
        self.servers = [f"web-{number}" for number in range(1, settings.WEB_PROCESSES + 1)]
        self.failure = ""
        self.supervisor = Supervisor(
            sys.stdout, pids=locations.pids, patience=float(settings.DRAIN_SECONDS)
        )

    def run(self) -> int:
        if self.options.ready_file is not None:
            self.options.ready_file.unlink(missing_ok=True)
        for folder in (self.locations.pids, self.locations.readiness):
            shutil.rmtree(folder, ignore_errors=True)
            private_folder(folder)
        private_folder(self.locations.logs)
        self._add_stores()
        if not self.options.stores_only:
            self._add_server_and_worker()
        self.supervisor.once_started(self._watch)
        self.supervisor.loop()
        return self._result()

    def _add_stores(self) -> None:
        durable = self.options.durable
        env = dict(os.environ)
        if self.embed_database:
            chosen = postgres.prepare(self.locations)
            command = postgres.command(self.locations, chosen, durable=durable)
            self.supervisor.add(
                "postgres",
                command,
                env=env,
                log=self._log("postgres"),
                outlive=True,
                before_restart=lambda: postgres.clear_leftovers(self.locations),
            )
        if self.embed_redis:
            redis.prepare(self.locations)
            command = redis.command(self.locations, durable=durable)
            self.supervisor.add("redis", command, env=env, log=self._log("redis"), outlive=True)

    def _add_server_and_worker(self) -> None:
        env = {name: value for name, value in os.environ.items() if name not in _FILE_NAMES}
        env |= {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "DJANGO_SETTINGS_MODULE": "dubbing_project.settings",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(settings.BASE_DIR),
        }
        launch = [sys.executable, "-m", "dubbing_project.services.launch"]
        guard = ["setpriv", "--pdeathsig"]
        # Held here for as long as we run: clients wait while a server process is started again.
        self.listener = listen(settings.HOST, self.options.port)
        shared = self.listener.fileno()
        for name in self.servers:
            web = ["web", "--fd", str(shared), "--ready-file", str(self.locations.readiness / name)]
            if name != self.servers[0]:
                web.append("--await-migration")
            self.supervisor.add(
                name, [*guard, "TERM", "--", *launch, *web], env=env, pass_fds=(shared,)
            )
        beat = ["--beat-file", str(self.locations.root / "beat")]
        # Not SIGQUIT: with Redis gone too, Celery's own shutdown waits for ever. Its pool's
        # processes read the end of their pipe and leave.
        self.supervisor.add("worker", [*guard, "KILL", "--", *launch, "worker", *beat], env=env)

    def _log(self, name: str) -> Path:
        return self.locations.logs / f"{name}.log"

    def _watch(self) -> None:
        """Announces readiness, or stops everything when it does not come."""
        if self.options.lifeline is not None:
            watch = threading.Thread(
                target=wait_for_end_of,
                args=(self.options.lifeline, lambda: os.kill(os.getpid(), signal.SIGTERM)),
                daemon=True,
            )
            watch.start()
        try:
            running = self._await_readiness()
        except ServiceError as error:
            self.failure = str(error)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self.supervisor.ready()
        if self.options.ready_file is not None:
            aside = self.options.ready_file.with_suffix(".new")
            aside.write_text(json.dumps(asdict(running)), encoding="utf-8")
            aside.rename(self.options.ready_file)
        if running.url:
            with contextlib.suppress(OSError):  # nobody may be able to read it
                print(f"\n  Ready: {running.url}  (Ctrl-C stops everything)\n", flush=True)  # noqa: T201

    def _await_readiness(self) -> RunningServices:
        if self.options.stores_only:
            until(
                lambda: database_answers(self.database_url),
                what="the database",
                seconds=READY_SECONDS,
            )
            redis_client_url = parse_redis_url(self.redis_url).client
            until(lambda: redis_answers(redis_client_url), what="Redis", seconds=READY_SECONDS)
            return self._running("")
        for name in self.servers:
            until((self.locations.readiness / name).exists, what=name, seconds=READY_SECONDS)
        host = EVERY_ADDRESS.get(settings.HOST, settings.HOST)
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        url = f"http://{host}:{self.listener.getsockname()[1]}"
        named = [name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"]

        def all_answer() -> bool:
            report = health(url, host_header=named[0] if named else host)
            parts = ("database", "redis", "worker")
            return bool(report) and all(report[part]["ok"] for part in parts)

        until(all_answer, what="the server with its worker", seconds=READY_SECONDS)
        return self._running(url)

    def _running(self, url: str) -> RunningServices:
        return RunningServices(
            url, self.database_url, self.redis_url, os.getpid(), str(self.locations.pids)
        )

    def _result(self) -> int:
        first = self.supervisor.first_stopped
        if first is not None:
            how = "stopped on its own"
            if self.supervisor.ends > 1:
                how = f"stopped {self.supervisor.ends} times within {ENDS_WITHIN_SECONDS:g} seconds"
            self.failure = f"{first} {how}, so everything was stopped."
            log = self._log(first)
            if log.exists():
                self.failure += f" The end of {log}:\n{tail(log)}"
        if self.failure:
            print(self.failure, file=sys.stderr, flush=True)  # noqa: T201
        return 1 if self.failure else 0


_FILE_NAMES = frozenset({"DATABASE_URL_FILE", "REDIS_URL_FILE"})


def remove(root: Path) -> None:
    """Deletes the services' folder and, when they stood elsewhere, their sockets'."""
    locations = ServiceLocations(root=root)
    shutil.rmtree(locations.sockets, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
