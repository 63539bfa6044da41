"""Voiceprints by WSI, Whisper Speaker Identification, for operators who have its weights.

Emon, Salek and Alam, "Whisper Speaker Identification: Leveraging Pre-Trained Multilingual
Transformers for Robust Speaker Embeddings" (2025): Whisper's encoder, the mean over its frames,
and two linear layers to 256 numbers. Needs torch and transformers (requirements/wsi.txt),
which are imported when a model is loaded and not before.

Whisper always hears thirty seconds, what is missing being silence: one voiceprint of the
"tiny" size takes about half a second of one core, however short the speech. It is therefore
used to recognise actors only, and never on the live path, where speakers are told apart.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.ports import EngineError
from pipeline.types import SAMPLE_RATE_HZ, Embedding, Pcm

MIN_S = 0.4
SIZE = 256
CHECKPOINT = "wsi.pth"
HEAD_SIZE = 64
"""Width of an attention head in every size of Whisper."""


class WsiEncoder:
    """Port SpeakerEncoder on a checkpoint of WSI.

    One instance serves a whole process: ``embed`` runs on a thread of its own.
    """

    name = "wsi"

    def __init__(self, checkpoint: Path) -> None:
        """Raises EngineError: engine_missing, model_missing, model_unusable."""
        if find_spec("torch") is None or find_spec("transformers") is None:
            raise EngineError(
                "engine_missing",
                "WSI needs torch and transformers: pip install -r requirements/wsi.txt",
                recoverable=False,
            )
        self.version = _digest(checkpoint)
        """First digits of the SHA-256 of the weights."""
        self._model, self._features = _load(checkpoint)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="wsi")

    @classmethod
    def from_setting(cls, model: str) -> WsiEncoder:
        """``model``: a file, a folder with ``wsi.pth``, or the name of a repository that was
        fetched from the Hugging Face hub before; nothing is fetched here."""
        return cls(find_checkpoint(model))

    async def embed(
        self,
        pcm: Pcm,
        *,
        urgent: bool = True,  # noqa: ARG002 - has a thread of its own
        brief: bool = False,  # noqa: ARG002 - looks at 30 s at once
    ) -> Embedding:
        """Voiceprint of at least 0.4 s of 16 kHz speech, shape (256,), L2 norm 1.

        Of speech beyond 30 s the rest is left out. Raises ValueError when it is shorter, or
        silent.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.embed_now, pcm)

    def embed_now(self, pcm: Pcm) -> Embedding:
        import torch

        if len(pcm) < MIN_S * SAMPLE_RATE_HZ:
            raise ValueError(f"a voiceprint needs at least {MIN_S} s of speech")
        if not pcm.any():
            raise ValueError("a voiceprint needs speech, not silence")
        wav = pcm.astype(np.float32) / np.float32(32_768)
        heard = self._features(wav, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt")
        with torch.inference_mode():
            vector = self._model(heard.input_features)[0].numpy()
        made: Embedding = np.asarray(vector / np.linalg.norm(vector), np.float32)
        return made

    async def aclose(self) -> None:
        """Let the thread end; calls already waiting are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def find_checkpoint(model: str) -> Path:
    """Raises EngineError("model_missing")."""
    path = Path(model).expanduser()
    if path.is_dir():
        path = path / CHECKPOINT
    if path.is_file():
        return path
    if model.count("/") == 1 and not model.startswith((".", "~", "/")):
        found = _in_cache(model)
        if found is not None:
            return found
    raise EngineError(
        "model_missing",
        f"There is no WSI checkpoint at “{model}”, and nothing is fetched while the server runs. "
        f"Set WSI_MODEL to {CHECKPOINT}, its folder, or a repository that was fetched before.",
        recoverable=False,
    )


def _in_cache(repository: str) -> Path | None:
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, CHECKPOINT, local_files_only=True))
    except Exception:  # the library names no class for "it is not there"
        return None


def _load(checkpoint: Path) -> tuple[Any, Any]:
    """The model and its front end, built as the checkpoint's own shapes say."""
    import torch
    from transformers import WhisperFeatureExtractor

    try:
        # Weights alone: a pickle of a stranger could run anything.
        stored = torch.load(checkpoint, map_location="cpu", weights_only=True)
        weights = stored.get("model_state_dict", stored)
        model = _model(weights)
        model.load_state_dict(weights)
    except Exception as error:  # torch's errors share no base class
        raise EngineError(
            "model_unusable",
            f"{checkpoint.name} is no checkpoint of WSI: a Whisper encoder and a projection to "
            f"{SIZE} numbers.",
            recoverable=False,
            detail=type(error).__name__,
        ) from error
    model.eval()
    mels = int(weights["encoder.conv1.weight"].shape[1])
    return model, WhisperFeatureExtractor(feature_size=mels)


def _model(weights: Mapping[str, Any]) -> Any:
    from torch import Tensor, nn
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    width, mels = (int(n) for n in weights["encoder.conv1.weight"].shape[:2])
    layers = 1 + max(
        int(name.split(".")[2]) for name in weights if name.startswith("encoder.layers.")
    )
    config = WhisperConfig(
        d_model=width,
        num_mel_bins=mels,
        encoder_layers=layers,
        encoder_attention_heads=max(1, width // HEAD_SIZE),
        encoder_ffn_dim=int(weights["encoder.layers.0.fc1.weight"].shape[0]),
        max_source_positions=int(weights["encoder.embed_positions.weight"].shape[0]),
    )

    class Wsi(nn.Module):  # type: ignore[misc]  # torch is not among the checker's packages
        """Its attributes are named as the checkpoint names them."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = WhisperEncoder(config)
            self.projection = nn.Sequential(
                nn.Linear(width, SIZE), nn.ReLU(), nn.Linear(SIZE, SIZE)
            )

        def forward(self, mel: Tensor) -> Tensor:
            frames = self.encoder(mel).last_hidden_state
            return self.projection(frames.mean(dim=1))

    return Wsi()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
