"""Makes a tiny checkpoint of WSI with random weights, and voiceprints of clips by it.

Run by ``test_wsi`` in the environment that has torch: ``wsi_voiceprints.py CLIPS CHECKPOINT OUT``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import nn
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

from pipeline.ports import EngineError
from pipeline.providers.wsi.encoder import WsiEncoder


def make_checkpoint(path: Path) -> tuple[nn.Module, nn.Module]:
    """What the paper's authors save of a model of this architecture."""
    torch.manual_seed(7)
    config = WhisperConfig(
        d_model=128, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=256,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=64, vocab_size=16,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    encoder = WhisperModel(config).encoder.eval()
    projection = nn.Sequential(nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 256))
    weights = {f"encoder.{name}": value for name, value in encoder.state_dict().items()}
    weights |= {f"projection.{name}": value for name, value in projection.state_dict().items()}
    torch.save({"model_state_dict": weights, "epoch": 3}, path)
    return encoder, projection


def main() -> None:
    clips, checkpoint, out = map(Path, sys.argv[1:4])
    encoder, projection = make_checkpoint(checkpoint)
    ours, extractor = WsiEncoder.from_setting(str(checkpoint.parent)), WhisperFeatureExtractor()
    found: dict[str, np.ndarray] = {"version": np.array(ours.version)}
    with np.load(clips) as archive:
        for name in archive.files:
            pcm = archive[name]
            found[f"ours/{name}"] = ours.embed_now(pcm)
            mel = extractor(pcm / 32768.0, sampling_rate=16_000, return_tensors="pt").input_features
            with torch.no_grad():
                vector = projection(encoder(mel).last_hidden_state.mean(dim=1))[0].numpy()
            found[f"theirs/{name}"] = vector / np.linalg.norm(vector)
    for wrong in (np.zeros(16_000, np.int16), np.ones(100, np.int16)):
        try:
            ours.embed_now(wrong)
        except ValueError:
            continue
        raise AssertionError("what is no speech was taken")
    damaged = checkpoint.with_name("damaged.pth")
    damaged.write_bytes(checkpoint.read_bytes()[:1000])
    try:
        WsiEncoder(damaged)
    except EngineError as error:
        found["damaged"] = np.array(error.code)
    np.savez(out, allow_pickle=False, **found)


if __name__ == "__main__":
    main()
