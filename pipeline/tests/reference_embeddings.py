"""Voiceprints by the original Resemblyzer on torch, run by another Python than the tests'.

    PYTHON reference_embeddings.py CLIPS.npz REFERENCE.npz

CLIPS maps names to 16 kHz float32 clips; REFERENCE receives their voiceprints by the same
names. torch must not enter the environment that serves, so this file is started as a script
in an environment made from requirements/parity.txt and imports nothing of the project.
"""

from __future__ import annotations

import sys
import warnings

warnings.simplefilter("ignore")  # of old imports inside packages that we do not control

# SciPy has moved the name that Resemblyzer's audio module imports for its own silence
# trimming, which is not used here.
import types  # noqa: E402

import numpy as np  # noqa: E402
import scipy.ndimage  # noqa: E402

try:
    import scipy.ndimage.morphology
except ImportError:
    moved = types.ModuleType("scipy.ndimage.morphology")
    moved.binary_dilation = scipy.ndimage.binary_dilation  # type: ignore[attr-defined]
    sys.modules[moved.__name__] = moved

import torch  # noqa: E402
from resemblyzer import VoiceEncoder  # noqa: E402
from resemblyzer.audio import normalize_volume  # noqa: E402
from resemblyzer.hparams import audio_norm_target_dBFS  # noqa: E402


def main(clips: str, reference: str) -> None:
    torch.set_num_threads(1)  # more only get in each other's way on a busy machine
    encoder = VoiceEncoder("cpu", verbose=False)
    with np.load(clips) as archive:
        voiceprints = {
            name: encoder.embed_utterance(
                normalize_volume(archive[name], audio_norm_target_dBFS, increase_only=True)
            )
            for name in archive.files
        }
    np.savez(reference, **voiceprints)


if __name__ == "__main__":
    main(*sys.argv[1:])
