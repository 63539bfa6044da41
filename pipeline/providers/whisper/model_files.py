"""Where the model is that an operator named, without ever fetching one.

The server's process only looks whether it can work at all; names are looked up by the
process that loads the model, because that needs the library.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from pipeline.ports import EngineError

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without the last one faster-whisper would look for it in the network."""
_HOW = "Set WHISPER_MODEL to the folder of a converted model, or to the name of one that is there."


def check_installed() -> None:
    """Raises EngineError("engine_missing") where faster-whisper is not installed."""
    if find_spec("faster_whisper") is None:
        raise EngineError(
            "engine_missing",
            "Whisper needs faster-whisper: pip install -r requirements/whisper.txt",
            recoverable=False,
        )


def check_named(model: str) -> None:
    """Raises EngineError when no model is named, or a folder that does not serve."""
    if not model:
        raise EngineError("model_missing", f"No Whisper model is set. {_HOW}", recoverable=False)
    folder = Path(model).expanduser()
    if folder.is_dir():
        _check_files(folder)
    elif folder.is_absolute() or model.startswith(("~", ".")):
        raise EngineError(
            "model_missing", f"There is no Whisper model at {model}. {_HOW}", recoverable=False
        )


def find_model(model: str) -> Path:
    """The folder of the model; looks on this machine only.

    ``model``: a folder, or a name that faster-whisper has in its cache. Raises EngineError:
    model_missing, model_unusable.
    """
    check_named(model)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _in_cache(model)
        _check_files(folder)
    return folder


def _in_cache(name: str) -> Path:
    from faster_whisper import download_model  # nothing but a child may load the library

    try:
        return Path(download_model(name, local_files_only=True))
    except Exception as error:  # the library names no class for "it is not there"
        raise EngineError(
            "model_missing",
            f"The Whisper model “{name}” is not on this machine, and nothing is fetched while the "
            f"server runs. Fetch it once with faster_whisper.download_model, or: {_HOW}",
            recoverable=False,
            detail=type(error).__name__,
        ) from error


def _check_files(folder: Path) -> None:
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise EngineError(
            "model_unusable",
            f"{folder} is not a converted Whisper model: it has no {', '.join(missing)}.",
            recoverable=False,
        )
