"""Dub a clip live through the real server, as a person would hear it."""

from __future__ import annotations

import asyncio
import json
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from websockets.exceptions import ConnectionClosed, WebSocketException

from dubbing_project.management.private_account import make_token
from dubbing_project.services.context import running_services
from dubbing_project.services.emulators import running_emulators
from dubbing_project.services.errors import ServiceError
from pipeline.files.file_dubbing import DubbedFiles, write_files
from pipeline.files.mixer import DubCue
from pipeline.sound.media import MediaError, MediaInfo, open_media
from pipeline.types import SAMPLE_RATE_HZ
from sessions_app.protocol.messages import CloseCode
from sessions_app.socket_client.heard import HeardLine
from sessions_app.socket_client.live_client import LiveClient

EMULATED = ("--interim-ms=150", "--translation-ms=80", "--first-sound-ms=150", "--jitter=0.2")
"""What the stand-ins take, about what the clouds say of themselves."""
ADMITTED_S = 60.0
"""For so long it is asked again."""
AGAIN_S = 1.0
TAIL_S = 30.0
"""How long after the last sound the server may still be speaking."""


class Command(BaseCommand):
    help = "Start everything privately, dub a clip live, write what was heard, stop everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        var: Path = settings.DUBBING_VAR
        parser.add_argument("--audio", type=Path, default=var / "demo" / "dialogue.wav")
        parser.add_argument("--to", default="es", help="target language")
        parser.add_argument("--from", dest="source", default="en", help="source language")
        parser.add_argument("--out", type=Path, default=var / "demo")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            media = open_media(options["audio"])
            options["out"].mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                environment: dict[str, str] = {}
                if settings.ENGINES == "emulated":
                    self.stdout.write("Starting stand-ins of Google's and ElevenLabs' clouds …")
                    folder = settings.DUBBING_VAR / "demo" / "emulators"
                    emulators = stack.enter_context(running_emulators(folder, *EMULATED))
                    environment = emulators.environment
                self.stdout.write("Starting Postgres, Redis, the server and the worker …")
                services = stack.enter_context(
                    running_services(
                        settings.DUBBING_VAR / "demo" / "services", environment=environment
                    )
                )
                token = make_token(services.database_url, name="demo")
                self.stdout.write(
                    f"Dubbing {media.path.name} ({media.duration_s or 0:.0f} s) "
                    f"from {options['source']} to {options['to']} at the pace of real time.\n"
                )
                client = async_to_sync(self._dub)(services.socket_url, token, media, options)
            files = self._write(client, media, options)
            report = _report_of(client, files)
            path = options["out"] / "report.json"
            path.write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")
        except (MediaError, ServiceError, WebSocketException, OSError) as error:
            raise CommandError(str(error)) from None
        self._tell(client, files, report, path)

    async def _dub(
        self, server: str, token: str, media: MediaInfo, options: dict[str, Any]
    ) -> LiveClient:
        """A server that has just loaded its engines on a busy machine asks to come later."""
        until = time.monotonic() + ADMITTED_S
        while True:
            try:
                return await self._dub_once(server, token, media, options)
            except ConnectionClosed as closed:
                said = closed.rcvd
                if said is None or not said.reason:
                    raise CommandError("The server closed the connection.") from None
                if said.code != CloseCode.OVERLOAD or time.monotonic() > until:
                    raise CommandError(said.reason) from None
                await asyncio.sleep(AGAIN_S)

    async def _dub_once(
        self, server: str, token: str, media: MediaInfo, options: dict[str, Any]
    ) -> LiveClient:
        # CHUNK_SIZE is at SAMPLE_RATE; what this client sends is at 16 kHz.
        samples = round(settings.CHUNK_SIZE * SAMPLE_RATE_HZ / settings.SAMPLE_RATE)
        async with LiveClient.connect(server, token, frame_samples=samples) as client:
            await client.send(
                type="start_dubbing",
                target_language=options["to"],
                source_language=options["source"],
            )
            streaming: asyncio.Task[None] | None = None
            try:
                async with asyncio.timeout((media.duration_s or 3600) + TAIL_S):
                    async for event in client.events():
                        if event["type"] == "ready":
                            streaming = asyncio.create_task(client.stream(media.blocks()))
                        self._print(event, client)
                        if event["type"] == "error" and streaming is None:
                            raise CommandError(event["message"])
            except TimeoutError:
                raise CommandError("The server stopped answering.") from None
            finally:
                if streaming is not None:
                    streaming.cancel()
            return client

    def _print(self, event: dict[str, Any], client: LiveClient) -> None:
        match event["type"]:
            case "ready":
                served = ", ".join(f"{role}: {name}" for role, name in event["engines"].items())
                self.stdout.write(f"        engines    {served}")
            case "language":
                self.stdout.write(f"        language   {event['language']}")
            case "speaker":
                how = "shaped after the speaker" if event["shaped"] else "stock voice"
                self.stdout.write(
                    f"        cast       {event['speaker']}: {event['voice_name']}, {how}"
                )
            case "transcript":
                who = event["speaker"] or "–"
                self.stdout.write(f"{event['start_s']:6.2f}s heard      {who}: {event['text']}")
            case "translation":
                self.stdout.write(f"        translated {event['text']}")
            case "cue":
                figures = event["latencies"]
                self.stdout.write(
                    f"{event['start_s']:6.2f}s spoken     {event['duration_s']:.1f} s "
                    f"at ×{event['tempo']:.2f} by {event['engine']} | "
                    f"endpoint {figures['endpoint_ms']:.0f} "
                    f"recognition {figures['recognition_ms']:.0f} "
                    f"translation {figures['translation_ms']:.0f} "
                    f"synthesis {figures['synthesis_ms']:.0f} "
                    f"total {figures['total_ms']:.0f} lag {figures['lag_ms']:.0f} ms"
                )
            case "skipped" | "notice" | "error":
                said = event.get("message") or event.get("reason")
                self.stdout.write(f"        {event['type']:<10} {said}")
            case _:
                pass

    def _write(self, client: LiveClient, media: MediaInfo, options: dict[str, Any]) -> DubbedFiles:
        lines = _in_order(client)
        cues = [
            DubCue(line.cue_start_s, line.pcm, line.sample_rate)
            for line in lines
            if line.cue_start_s is not None
        ]
        subtitles = [
            (start_s, start_s + max(line.duration_s, line.end_s - line.start_s), line.target_text)
            for line in lines
            for start_s in [line.start_s if line.cue_start_s is None else line.cue_start_s]
        ]
        return write_files(
            media,
            cues,
            subtitles,
            options["out"],
            source_language=options["source"],
            target_language=options["to"],
        )

    def _tell(
        self, client: LiveClient, files: DubbedFiles, report: dict[str, Any], path: Path
    ) -> None:
        lines = _in_order(client)
        spoken = [line for line in lines if len(line.pcm)]
        self.stdout.write(
            f"\n{len(lines)} lines, {len(report['speakers'])} speakers, "
            f"{report['skipped']} skipped, {len(client.errors)} errors"
        )
        for name, p50 in report["p50"].items():
            self.stdout.write(f"  {name:<16} p50 {p50:6.0f}   p95 {report['p95'][name]:6.0f}")
        for written in (files.mix, files.dub, files.srt, files.video, path):
            if written is not None:
                self.stdout.write(f"  {written}")
        if not spoken:
            raise CommandError("Nothing was dubbed: no speech was recognised in this clip.")
        loudest = max(int(np.abs(line.pcm.astype(np.int32)).max()) for line in spoken)
        if loudest < 300 or client.errors:
            raise CommandError("The dub is not as it should be; see the errors above.")


def _in_order(client: LiveClient) -> list[HeardLine]:
    return [client.lines[number] for number in sorted(client.lines)]


def _report_of(client: LiveClient, files: DubbedFiles) -> dict[str, Any]:
    summary = client.summary or {}
    lines = _in_order(client)
    return {
        "lines": [_reported(line) for line in lines],
        "speakers": sorted({line.speaker for line in lines if line.speaker}),
        "p50": summary.get("p50", {}),
        "p95": summary.get("p95", {}),
        "skipped": summary.get("skipped", 0),
        "dub_path": str(files.dub),
        "mix_path": str(files.mix),
        "srt_path": str(files.srt),
        "video_path": str(files.video) if files.video else None,
    }


def _reported(line: HeardLine) -> dict[str, Any]:
    return {
        "speaker": line.speaker,
        "source_text": line.source_text,
        "target_text": line.target_text,
        "start_s": line.start_s,
        "end_s": line.end_s,
        **line.latencies,
        "tempo": line.tempo,
        "cue_start_s": line.cue_start_s,
        "cue_duration_s": round(line.duration_s, 3),
        "skipped": line.skipped,
    }
