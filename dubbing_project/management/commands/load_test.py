"""Many live sessions at once against the real server: how fast, at what price, how steadily."""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dubbing_project.management.private_account import make_token
from dubbing_project.service_urls import parse_redis_url
from dubbing_project.services.context import running_services
from dubbing_project.services.emulators import running_emulators
from dubbing_project.services.errors import ServiceError
from pipeline.sound.demo_clip import DemoClipError, write_clip
from sessions_app.load import report
from sessions_app.load.figures import SCRIPTED, EnginesTake
from sessions_app.load.inside import Inside, kept, since
from sessions_app.load.inside import in_words as inside_in_words
from sessions_app.load.profile import ProfileError, find_py_spy
from sessions_app.load.run import LoadTest, LoadTestError, run

ENGINES = ("scripted", "offline", "emulated")
EMULATED_MS = {"interim": 150.0, "translation": 80.0, "first-sound": 150.0}
"""What emulated vendors take, as --engines emulated starts them."""
SESSIONS_A_SECOND = 10.0
"""Default pace of the ramp."""
ENVIRONMENT = {"MAX_SESSIONS_PER_USER": "10000", "MAX_SESSIONS": "10000", "WEB_PROCESSES": "1"}
"""Settings, beside ENGINES, of a server that is started to be tested."""


class Command(BaseCommand):
    help = (
        "Run paced sessions over real sockets; print latencies, lag, skipped lines and what "
        "the server takes of processor and memory. Starts everything privately without --server."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sessions", type=int, default=10)
        parser.add_argument("--seconds", type=float, default=60.0, help="all sessions together")
        parser.add_argument("--engines", choices=ENGINES, default="scripted")
        parser.add_argument("--fault-rate", type=float, default=0.0, help="of emulated vendors")
        parser.add_argument("--plan", default="scale", help="of the emulated ElevenLabs")
        parser.add_argument("--server", help="address of a running server, http://… or ws://…")
        parser.add_argument("--token", help="API token for --server")
        parser.add_argument("--pid", type=int, help="a process of --server's above all others")
        parser.add_argument("--ramp", type=float, help="seconds in which the sessions begin")
        parser.add_argument("--processes", type=int, default=1, help="client processes")
        parser.add_argument("--json", type=Path, help="file for all figures")
        parser.add_argument("--profile", type=int, default=0, metavar="SECONDS", help="py-spy")
        parser.add_argument("--again", action="store_true", help="all of it twice, for the caches")
        parser.add_argument("--overload", action="store_true", help="a third of it threefold")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sessions"] < 1 or options["processes"] < 1 or options["seconds"] <= 0:
            raise CommandError("--sessions, --processes and --seconds must be positive.")
        if options["server"] and not options["token"]:
            raise CommandError("--server needs a --token (manage.py create_token).")
        try:
            if options["profile"]:
                find_py_spy()
            made = self._run(options)
        except (
            LoadTestError,
            ProfileError,
            ServiceError,
            DemoClipError,
            OSError,
            httpx.HTTPError,
        ) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("stopped") from None
        self.stdout.write(report.in_words(made))
        if path := options["json"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made, ensure_ascii=False, indent=2), encoding="utf-8")
            self.stdout.write(f"\n  {path}")
        if not made["lines"]:
            raise CommandError("No dub was heard.")

    def _run(self, options: dict[str, Any]) -> dict[str, Any]:
        if server := options["server"]:
            address = server.rstrip("/").replace("http", "ws", 1)
            return self._test(options, address, options["token"], options["pid"])
        self.stdout.write("Starting Postgres, Redis, the server and the worker …")
        with ExitStack() as stack:
            # A folder of its own: load tests, the demo and `make run` may run side by side.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dubbing-load-")))
            secret = secrets.token_urlsafe(24)
            environment = {**ENVIRONMENT, "ENGINES": options["engines"], "METRICS_TOKEN": secret}
            emulators = None
            if options["engines"] == "emulated":
                delays = [f"--{leg}-ms={ms}" for leg, ms in EMULATED_MS.items()]
                how = (f"--fault-rate={options['fault_rate']}", f"--plan={options['plan']}")
                emulators = stack.enter_context(
                    running_emulators(folder / "emulators", "--inside=scripted", *how, *delays)
                )
                environment |= emulators.environment
            services = stack.enter_context(
                running_services(folder / "services", durable=False, environment=environment)
            )
            token = make_token(services.database_url, name="load test")
            inside = Inside(services.url, token, secret)
            before: dict[str, Any] = {}
            if options["again"]:
                before = inside.figures()
                self.stdout.write(
                    report.in_words(self._test(options, services.socket_url, token, services.pid))
                )
                first, before = since(before, inside.figures()), inside.figures()
                self.stdout.write("\n".join(["", *inside_in_words(first, {}), "", "Again:"]))
            made = self._test(options, services.socket_url, token, services.pid)
            made["inside"] = inside.figures()
            if before:
                made["inside"] = since(before, made["inside"])
            # They are written down once a second.
            time.sleep(2.0)
            made["billed"] = emulators.figures() if emulators and not before else {}
            made["kept"] = kept(parse_redis_url(services.redis_url).client)
            return made

    def _test(
        self, options: dict[str, Any], server: str, token: str, pid: int | None
    ) -> dict[str, Any]:
        folder: Path = settings.DUBBING_VAR / "load"
        clip = None
        if options["engines"] != "scripted":
            clip = settings.DUBBING_VAR / "demo" / "dialogue.wav"
            if not clip.exists():
                write_clip(clip)
        sessions = options["sessions"]
        ramp_s = options["ramp"]
        test = LoadTest(
            server=server,
            token=token,
            sessions=sessions,
            seconds=options["seconds"],
            ramp_s=sessions / SESSIONS_A_SECOND if ramp_s is None else max(0.0, ramp_s),
            processes=options["processes"],
            folder=folder,
            engines=options["engines"],
            pid=pid,
            clip=clip,
            engines_take=_taken_by(options["engines"]),
            overload=options["overload"],
            profile_s=options["profile"],
        )
        self.stdout.write(
            f"{sessions} sessions for {test.seconds:.0f} s at the pace of real time.\n"
        )
        return run(test, self.stdout.write)


def _taken_by(engines: str) -> EnginesTake | None:
    if engines == "emulated":
        return EnginesTake(EMULATED_MS["translation"] + EMULATED_MS["first-sound"], None)
    return SCRIPTED if engines == "scripted" else None
