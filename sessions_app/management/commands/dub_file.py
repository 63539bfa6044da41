"""Dub one audio or video file from the command line."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from pipeline.files.file_dubbing import DubbedMedia, dub_media, write_files
from pipeline.ports import EngineError
from pipeline.sound.media import MediaError, MediaInfo, open_media
from sessions_app import wiring
from sessions_app.engines import loaded


class Command(BaseCommand):
    help = "Dub an audio or video file: writes the dub, the ducked mix, SRT and a muxed video."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("input", type=Path, help="audio or video file")
        parser.add_argument("--to", required=True, help="target language, such as es")
        parser.add_argument("--from", dest="source", default="en", help="source language")
        parser.add_argument("--out", type=Path, default=Path(), help="folder to write into")
        parser.add_argument(
            "--stock-voices", action="store_true", help="do not shape voices after the speakers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            media = open_media(options["input"])
            # Told now, not after the film.
            options["out"].mkdir(parents=True, exist_ok=True)
            dubbed = asyncio.run(self._dub(media, options))
            files = write_files(
                media,
                dubbed.cues,
                dubbed.subtitles(),
                options["out"],
                source_language=options["source"],
                target_language=options["to"],
            )
        except (MediaError, EngineError, OSError) as error:
            raise CommandError(str(error)) from None
        for line in dubbed.lines:
            self.stdout.write(
                f"{line.start_s:7.2f}  {line.speaker or '–':<4} {line.source_text}\n"
                f"{'':13}{line.target_text}"
            )
        for failure in dubbed.failures:
            self.stderr.write(f"{failure.code}: {failure.message}")
        for path in (files.dub, files.mix, files.srt, files.video):
            if path is not None:
                self.stdout.write(str(path))
        if not dubbed.lines:
            raise CommandError("No speech was recognised in this file.")

    async def _dub(self, media: MediaInfo, options: dict[str, Any]) -> DubbedMedia:
        plan = wiring.plan_for(
            session_id=media.path.stem,
            source_language=options["source"],
            target_language=options["to"],
            preserve_voice=not options["stock_voices"],
            live=False,
        )
        engines = loaded.make_engines()
        total = round(media.duration_s or 0, 1) or None
        try:
            with tqdm(total=total, unit="s", desc="dubbing", leave=False) as bar:
                return await dub_media(
                    media.blocks(), plan, engines, lambda at_s: _advance(bar, at_s)
                )
        finally:
            await engines.aclose()


def _advance(bar: Any, at_s: float) -> None:
    bar.update(round(at_s, 1) - bar.n)
