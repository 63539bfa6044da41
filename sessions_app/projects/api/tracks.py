"""What is heard and seen of a project: its waveform, its original, its dub, its mix."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.files.storage import default_storage
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.schema import also_answers
from pipeline.batch.sounding import PEAKS_PER_S
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.api.projects import ProjectSerializer
from sessions_app.projects.withdrawing import refuse_withdrawn
from voices.playback import stored_response

_WAVEFORMS = {"original": "waveform", "dub": "dub_waveform"}


class WaveformSerializer(serializers.Serializer[Any]):
    peaks_per_s = serializers.IntegerField()
    peaks = serializers.ListField(child=serializers.IntegerField())


class WaveformView(ProjectsApi):
    serializer_class = WaveformSerializer

    @extend_schema(
        operation_id="read_waveform",
        parameters=[
            OpenApiParameter(
                "track", enum=list(_WAVEFORMS), default="original", description="Whose level."
            )
        ],
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The level of the original or of the dub over time: peaks from 0 to 255."""
        project = self.seen(project_id)
        track = request.query_params.get("track", "original")
        if track not in _WAVEFORMS:
            raise serializers.ValidationError({"track": "Choose original or dub."})
        name = getattr(project, _WAVEFORMS[track])
        if not name:
            raise NotFound
        with default_storage.open(name, "rb") as file:
            peaks = list(file.read())
        return Response({"peaks_per_s": PEAKS_PER_S, "peaks": peaks})


class TrackView(ProjectsApi):
    serializer_class = ProjectSerializer
    media_type = ""
    field = ""

    def get(self, request: Request, project_id: uuid.UUID) -> HttpResponseBase:
        project = self.seen(project_id)
        name = getattr(project, self.field)
        if not name:
            raise NotFound
        if self.field != "original":
            with told():
                refuse_withdrawn(project, project.clones)
        return stored_response(request._request, name, media_type=self.media_type or _type(name))


class DubTrackView(TrackView):
    field, media_type = "dub", "audio/flac"

    @extend_schema(operation_id="play_dub", responses={(200, "audio/flac"): OpenApiTypes.BINARY})
    @also_answers("409")
    def get(self, request: Request, project_id: uuid.UUID) -> HttpResponseBase:
        """The dub alone, as FLAC; takes `Range`."""
        return super().get(request, project_id)


class MixTrackView(TrackView):
    field, media_type = "mix", "audio/flac"

    @extend_schema(operation_id="play_mix", responses={(200, "audio/flac"): OpenApiTypes.BINARY})
    @also_answers("409")
    def get(self, request: Request, project_id: uuid.UUID) -> HttpResponseBase:
        """The dub over the lowered original, as FLAC; takes `Range`."""
        return super().get(request, project_id)


class OriginalTrackView(TrackView):
    field = "original"

    @extend_schema(
        operation_id="play_original",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, project_id: uuid.UUID) -> HttpResponseBase:
        """The original as it was uploaded; takes `Range`."""
        return super().get(request, project_id)


_TYPES = {".mp4": "video/mp4", ".mkv": "video/x-matroska", ".mp3": "audio/mpeg",
          ".flac": "audio/flac", ".wav": "audio/wav", ".ogg": "audio/ogg"}  # fmt: skip


def _type(name: str) -> str:
    return _TYPES.get(f".{name.rpartition('.')[2]}", "application/octet-stream")
