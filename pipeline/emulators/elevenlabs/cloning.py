"""POST /v1/voices/add (instant cloning), POST …/edit and DELETE."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from aiohttp import web
from aiohttp.web_request import FileField

from pipeline.bounds import EMULATOR_SAMPLE_MAX_S, EMULATOR_SAMPLES_MAX
from pipeline.emulators.elevenlabs import errors
from pipeline.emulators.elevenlabs.answers import admitted, json_answer
from pipeline.emulators.elevenlabs.state import Vendor
from pipeline.emulators.elevenlabs.voices import STOCK, Sample
from pipeline.sound.media import MediaError, decode_audio_blob
from pipeline.types import SAMPLE_RATE_HZ, Pcm


def routes() -> Sequence[web.AbstractRouteDef]:
    return [
        web.post("/v1/voices/add", _add),
        web.post("/v1/voices/{voice_id}/edit", _edit),
        web.delete("/v1/voices/{voice_id}", _delete),
    ]


@dataclass(slots=True)
class _Form:
    name: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(file name, content type, content)"""


async def _add(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "clone")
    if not vendor.account.plan.clones:
        raise errors.cloning_not_included()
    vendor.account.voices.require_slot()
    form = await _form(request)
    if not form.files:
        raise errors.missing("body", "files")
    samples, profile = await _learn(vendor, form.files)
    voice = vendor.account.voices.add(
        form.name,
        base=STOCK[0],
        labels=form.labels,
        description=form.description,
        samples=samples,
        profile=profile,
    )
    return json_answer({"voice_id": voice.id, "requires_verification": False}, fault)


async def _edit(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "edit")
    voice = vendor.account.voices.get(request.match_info["voice_id"])
    form = await _form(request)
    if voice.is_stock:
        raise errors.RefusalError(
            400, "voice_not_editable", "Premade voices cannot be edited.", code="forbidden"
        )
    samples, profile = voice.samples, voice.profile
    if form.files:
        more, profile = await _learn(vendor, form.files)
        samples = (*samples, *more)
    vendor.account.voices.put(
        replace(
            voice,
            name=form.name,
            description=form.description or voice.description,
            labels=form.labels or voice.labels,
            samples=samples,
            profile=profile,
        )
    )
    return json_answer({"status": "ok"}, fault)


async def _delete(request: web.Request) -> web.Response:
    vendor, fault = await admitted(request, "delete")
    vendor.account.voices.delete(request.match_info["voice_id"])
    return json_answer({"status": "ok"}, fault)


async def _form(request: web.Request) -> _Form:
    """Raises RefusalError: 422 without a name or with labels that are no object of strings."""
    if not request.content_type.startswith("multipart/"):
        raise errors.missing("body", "name")
    form = _Form()
    sent = await request.post()
    for key, value in sent.items():
        if isinstance(value, FileField):
            content = await asyncio.to_thread(value.file.read)
            if key == "files":
                form.files.append((value.filename, value.content_type, content))
        elif isinstance(value, str) and key == "labels":
            form.labels = _labels(value)
        elif isinstance(value, str) and key in {"name", "description"}:
            setattr(form, key, value)
    if not form.name:
        raise errors.missing("body", "name")
    if len(form.files) > EMULATOR_SAMPLES_MAX:
        raise errors.RefusalError(
            400, "too_many_samples", f"At most {EMULATOR_SAMPLES_MAX} samples can be uploaded."
        )
    return form


def _labels(text: str) -> Mapping[str, str]:
    """The client sends "null" where no labels are given."""
    try:
        labels = json.loads(text or "null")
    except ValueError:
        labels = text
    if labels is None:
        return {}
    if not isinstance(labels, dict):
        msg = "Input should be a valid dictionary"
        raise errors.UnprocessableError([(("body", "labels"), msg, "dict_type")])
    return {str(key): str(value) for key, value in labels.items()}


async def _learn(
    vendor: Vendor, files: Sequence[tuple[str, str, bytes]]
) -> tuple[list[Sample], object]:
    """The samples and what the mouth makes of them.

    Raises RefusalError: what is no audio, or too short to learn from. The names of these
    two are guesses.
    """
    samples: list[Sample] = []
    sounds: list[Pcm] = []
    for file_name, content_type, content in files:
        try:
            pcm = await asyncio.to_thread(
                decode_audio_blob, content, max_seconds=EMULATOR_SAMPLE_MAX_S
            )
        except MediaError as error:
            message = f"The file {file_name} cannot be used: {error}"
            raise errors.RefusalError(400, "invalid_audio_file", message) from error
        sounds.append(pcm)
        samples.append(
            Sample(
                id=hashlib.sha256(content).hexdigest()[:20],
                file_name=file_name,
                mime_type=content_type,
                size_bytes=len(content),
                duration_s=len(pcm) / SAMPLE_RATE_HZ,
            )
        )
    try:
        return samples, await vendor.mouth.learn(np.concatenate(sounds))
    except ValueError as error:
        message = f"The samples cannot be used: {error}"
        raise errors.RefusalError(400, "audio_too_short", message) from error
