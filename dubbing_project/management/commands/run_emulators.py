"""Local stand-ins of Google's and ElevenLabs' clouds, for trying and testing without keys."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dubbing_project.services.emulators import environment_of
from dubbing_project.services.folders import private_folder
from dubbing_project.services.lifeline import wait_for_end_of
from pipeline.emulators.cloud import CloudOptions, EmulatedCloud
from pipeline.emulators.elevenlabs.catalog import PLANS

FIGURES_S = 1.0
"""How often the figures are written."""


class Command(BaseCommand):
    help = (
        "Serve Google's Speech v2 and Translation v3 and ElevenLabs' text to speech on this "
        "machine, over TLS with a throw-away certificate, until Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        folder: Path = settings.DUBBING_VAR / "emulators"
        parser.add_argument("--folder", type=Path, default=folder, help="keys and certificate")
        parser.add_argument("--inside", choices=("offline", "scripted"), default="offline")
        parser.add_argument("--interim-ms", type=float, default=0.0)
        parser.add_argument("--translation-ms", type=float, default=0.0)
        parser.add_argument("--first-sound-ms", type=float, default=0.0)
        parser.add_argument("--jitter", type=float, default=0.0, help="share of each delay, 0 to 1")
        parser.add_argument("--fault-rate", type=float, default=0.0, help="share of calls, 0 to 1")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--plan", choices=sorted(PLANS), default="scale", help="ElevenLabs'")
        parser.add_argument("--google-port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--elevenlabs-port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--ready-file", type=Path, help="written once both answer")
        parser.add_argument("--figures-file", type=Path, help="what would be billed, as JSON")
        parser.add_argument("--lifeline", type=int, help="ends when this pipe does")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("jitter", "fault_rate"):
            if not 0 <= options[name] <= 1:
                raise CommandError(f"--{name.replace('_', '-')} is a share from 0 to 1.")
        try:
            asyncio.run(self._serve(options))
        except OSError as error:
            raise CommandError(str(error)) from None

    async def _serve(self, options: dict[str, Any]) -> None:
        folder: Path = options["folder"].resolve()
        private_folder(folder)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if (pipe := options["lifeline"]) is not None:
            threading.Thread(
                target=wait_for_end_of,
                args=(pipe, lambda: loop.call_soon_threadsafe(stop.set)),
                daemon=True,
            ).start()
        cloud_options = CloudOptions(
            inside=options["inside"],
            interim_s=options["interim_ms"] / 1000,
            translation_s=options["translation_ms"] / 1000,
            first_sound_s=options["first_sound_ms"] / 1000,
            jitter=options["jitter"],
            fault_rate=options["fault_rate"],
            seed=options["seed"],
            plan=options["plan"],
            google_port=options["google_port"],
            elevenlabs_port=options["elevenlabs_port"],
        )
        async with EmulatedCloud(folder, cloud_options) as cloud:
            environment = environment_of(cloud)
            if ready_file := options["ready_file"]:
                _write(ready_file, environment)
            self.stdout.write("The emulated clouds answer. A server uses them with:\n")
            for name, value in environment.items():
                self.stdout.write(f"export {name}={value}")
            self.stdout.flush()
            while not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), FIGURES_S)
                if figures_file := options["figures_file"]:
                    _write(figures_file, cloud.figures())


def _write(file: Path, content: dict[str, Any]) -> None:
    """All at once, for whoever reads it meanwhile."""
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.rename(file)
