"""Clones from the wish to the voice, offline, of real recordings."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from accounts.models import User
from pipeline.files.disclosure import disclosed
from voices import services
from voices.cloning.making import make_clone
from voices.models import Actor, Decision, DiscardedFile, VoiceClone, VoiceSample
from voices.tests.conftest import analysed, consent_of, stored, uploaded

pytestmark = pytest.mark.django_db(transaction=True)


def clip(speech_data: Path, speaker: str, *numbers: int) -> bytes:
    """Some of a LibriSpeech reader's clips in a row, as FLAC."""
    files = sorted((speech_data / "librispeech").glob(f"{speaker}-*.flac"))
    sound = [soundfile.read(files[number], dtype="int16")[0] for number in numbers]
    content = io.BytesIO()
    soundfile.write(content, np.concatenate(sound), 16_000, format="FLAC")
    return content.getvalue()


@pytest.fixture
def samples(actor: Actor, ana: User, speech_data: Path) -> list[VoiceSample]:
    consent_of(actor, ana)
    # Above 20 s of speech a third of it is held out, and what is compared with says more.
    contents = [clip(speech_data, "3080", 0, 1, 2), clip(speech_data, "3080", 3, 4, 5)]
    return [analysed(uploaded(actor, ana, content)) for content in contents]


def asked(actor: Actor, owner: User, **more: Any) -> VoiceClone:
    clone, new = services.request_clone(actor, owner=owner, by=owner, engine="espeak", **more)
    assert new
    return clone


def test_a_clone_is_made_measured_and_says_that_it_is_synthetic(
    actor: Actor, ana: User, samples: list[VoiceSample], media: Path
) -> None:
    # Rows that are written on a connection of their own outlive other tests' rolling back.
    DiscardedFile.objects.all().delete()
    clone = asked(actor, ana, name="Ida's voice")
    assert make_clone(clone.pk) is None
    clone.refresh_from_db()
    assert (clone.state, clone.step, clone.problem) == ("ready", "measure", "")
    assert set(clone.samples.all()) == set(samples)
    quality = clone.quality
    # A stock voice is 0.54 alike to people, a clone 0.66 on average (pipeline.benchmarks.clones).
    assert quality["similarity"] > 0.65
    assert 0.0 < quality["score"] < 1.0
    assert set(quality["parts"]) == {"similarity", "intelligibility", "stability"}
    assert quality["training_s"] > quality["held_out_s"] >= 5.0
    preview = media / str(clone.preview.name)
    assert disclosed(preview)["ai_engine"] == "espeak"
    assert soundfile.info(preview).duration > 1.0
    kinds = list(Decision.objects.filter(subject_id=clone.pk).values_list("kind", flat=True))
    assert kinds == ["clone_made", "clone_asked"]
    # Once it is ready there is nothing more to do.
    assert make_clone(clone.pk) is None
    assert not DiscardedFile.objects.exists()
    services.delete_clone(clone, by=ana)
    kept = {media / str(one.audio.name) for one in samples}
    assert {one for one in stored(media) if one.suffix != ".webp"} == kept
