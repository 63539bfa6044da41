"""Are the offline engines' programs and models there? Nothing is started for it."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

from pipeline.ports import EngineError
from pipeline.providers.checks import CheckResult
from pipeline.providers.offline.apertium_modes import MODES_FOLDER, installed_modes, routes
from pipeline.providers.offline.espeak_voices import data_folder, read_languages
from pipeline.providers.offline.speaker_encoder_export import model_file
from pipeline.providers.offline.voice_activity import model_path
from pipeline.providers.settings import EngineSettings


async def check(settings: EngineSettings) -> CheckResult:
    return await asyncio.to_thread(_look, settings)


def _look(settings: EngineSettings) -> CheckResult:
    wrong: list[EngineError] = []
    if find_spec("pocketsphinx") is None:
        wrong.append(_missing("pocketsphinx is not installed: run `make setup`."))
    pairs = routes(installed_modes(MODES_FOLDER))
    if not pairs:
        wrong.append(_missing("No language pair of Apertium is installed: run `make setup`."))
    languages = 0
    try:
        languages = len(read_languages(data_folder()))
    except EngineError as error:
        wrong.append(error)
    try:
        model_path()
    except EngineError as error:
        wrong.append(error)
    if not (settings.models / model_file("int8")).is_file():
        wrong.append(
            EngineError(
                "speaker_model_missing",
                "The model that tells speakers apart is not there: run `make setup`.",
            )
        )
    if wrong:
        return CheckResult(ok=False, code=wrong[0].code, message=" ".join(map(str, wrong)))
    return CheckResult(
        ok=True,
        message=f"Programs and models are there: {len(pairs)} pairs of languages.",
        details={"pairs": len(pairs), "languages_spoken": languages},
    )


def _missing(message: str) -> EngineError:
    return EngineError("engine_missing", message)
