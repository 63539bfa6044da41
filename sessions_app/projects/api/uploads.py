"""``/api/uploads``: a file in pieces that may be resumed; ``/api/upload-audio``: one at once."""

from __future__ import annotations

import time
import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.idempotency import idempotent
from accounts.rest.schema import also_answers
from pipeline.bounds import BODY_MAX_BYTES, JOB_WAIT_S, MEDIA_MAX_BYTES, UPLOAD_PIECE_MAX_BYTES
from sessions_app.api.sessions import team_of
from sessions_app.projects import making, selectors, uploads
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.api.jobs import JobSerializer
from sessions_app.projects.api.projects import LANGUAGE, SOURCE, team_field
from sessions_app.projects.errors import ProjectError
from sessions_app.projects.job_models import UNFINISHED, Job, Upload

_PIECE = "application/octet-stream"
_LOOK_S = 0.25
_OFFSET = OpenApiParameter(
    "Upload-Offset",
    OpenApiTypes.INT64,
    OpenApiParameter.HEADER,
    required=True,
    description="Where the piece begins: the upload's `offset`.",
)


class PieceParser(BaseParser):
    media_type = _PIECE

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:  # noqa: ARG002 - the framework's signature
        # One byte more tells that there is more.
        return bytes(stream.read(UPLOAD_PIECE_MAX_BYTES + 1))


class TusPieceParser(PieceParser):
    """What clients of the tus protocol call the same bytes."""

    media_type = "application/offset+octet-stream"


class UploadSerializer(serializers.ModelSerializer[Upload]):
    piece_max_bytes = serializers.SerializerMethodField(help_text="The largest piece taken.")

    class Meta:
        model = Upload
        fields: tuple[str, ...] = (
            "id",
            "name",
            "size_bytes",
            "offset",
            "piece_max_bytes",
            "created_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_piece_max_bytes(self, upload: Upload) -> int:  # noqa: ARG002 - the library's signature
        return UPLOAD_PIECE_MAX_BYTES


class NewUploadSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=255, help_text="What the file is called.")
    size_bytes = serializers.IntegerField(min_value=1, max_value=MEDIA_MAX_BYTES)


class UploadsView(ProjectsApi):
    serializer_class = UploadSerializer
    queryset = Upload.objects.none()
    ordering = ("-created_at", "-id")

    @extend_schema(operation_id="list_uploads", responses=UploadSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your uploads of which nothing was made yet; they are kept for a day."""
        rows: QuerySet[Upload] = selectors.uploads_of(self.person)
        return self.page_of(rows)

    @extend_schema(
        operation_id="create_upload",
        request=NewUploadSerializer,
        responses={201: UploadSerializer},
    )
    @idempotent
    @also_answers("409", "413")
    def post(self, request: Request) -> Response:
        """Begin an upload. Its pieces are sent in order with `PATCH`; after an interruption read
        its `offset` and go on there. Then make a project of it."""
        given = NewUploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with told():
            upload = uploads.begin(self.person, **given.validated_data)
        return Response(
            UploadSerializer(upload).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/uploads/{upload.pk}"},
        )


class UploadView(ProjectsApi):
    serializer_class = UploadSerializer
    parser_classes = (PieceParser, TusPieceParser)

    @extend_schema(operation_id="read_upload")
    def get(self, request: Request, upload_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """How much has come: `offset`."""
        return Response(UploadSerializer(self._found(upload_id)).data)

    @extend_schema(
        operation_id="send_piece",
        parameters=[_OFFSET],
        request={_PIECE: OpenApiTypes.BINARY},
    )
    @also_answers("409", "413", "415")
    def patch(self, request: Request, upload_id: uuid.UUID) -> Response:
        """Send the next piece, as it is in the file."""
        self._found(upload_id)
        text = request.headers.get("Upload-Offset", "")
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            raise serializers.ValidationError({"Upload-Offset": "Say where the piece begins."})
        data: Any = request.data
        content = data if isinstance(data, bytes) else b""
        try:
            with told():
                upload = uploads.append(
                    upload_id, owner=self.person, offset=int(text), content=content
                )
        except Upload.DoesNotExist:
            raise NotFound from None
        return Response(UploadSerializer(upload).data)

    @extend_schema(operation_id="delete_upload", responses={204: None})
    def delete(self, request: Request, upload_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Give the upload up, with what has come of it."""
        self._found(upload_id).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _found(self, upload_id: uuid.UUID) -> Upload:
        upload = selectors.uploads_of(self.person).filter(pk=upload_id).first()
        if upload is None:
            raise NotFound
        return upload


class UploadedSerializer(serializers.Serializer[Any]):
    audio = serializers.FileField(
        help_text="An audio or video file of at most "
        f"{BODY_MAX_BYTES // 1024**2 - 1} MiB; larger ones go through `/api/uploads`."
    )
    source_language = serializers.RegexField(SOURCE, default="auto")
    target_language = serializers.RegexField(LANGUAGE)
    title = serializers.CharField(max_length=200, allow_blank=True, default="")
    preserve_voice = serializers.BooleanField(default=True)
    team = team_field()
    wait = serializers.FloatField(
        min_value=0,
        max_value=JOB_WAIT_S,
        default=0,
        help_text="Seconds to wait for the result; the answer is 200 when it is there by then.",
    )


class UploadAudioView(ProjectsApi):
    serializer_class = JobSerializer
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="upload_audio",
        request={"multipart/form-data": UploadedSerializer},
        responses={200: JobSerializer, 202: JobSerializer},
    )
    @idempotent
    @also_answers("409", "413", "415")
    def post(self, request: Request) -> Response:
        """Have a small file dubbed: the answer is the job, 202 while it is under way, and 200
        when it ended within `wait` seconds."""
        given = UploadedSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        team = team_of(self, wanted.pop("team"))
        file, wait_s = wanted.pop("audio"), wanted.pop("wait")
        with told():
            upload = uploads.whole(self.person, name=file.name or "", content=file.read())
            try:
                _, job = making.create_project(self.person, upload=upload, team=team, **wanted)
            except ProjectError:
                # Nobody knows of it: it came with this request alone.
                upload.delete()
                raise
        # A request under a key is one transaction: its job begins only when it has ended.
        if wait_s and "Idempotency-Key" not in request.headers:
            job = _ended(job, time.monotonic() + wait_s)
        under_way = job.state in UNFINISHED
        return Response(
            JobSerializer(job).data,
            status=status.HTTP_202_ACCEPTED if under_way else status.HTTP_200_OK,
            headers={"Location": f"/api/jobs/{job.pk}"},
        )


def _ended(job: Job, until: float) -> Job:
    while job.state in UNFINISHED and time.monotonic() < until:
        time.sleep(_LOOK_S)
        job.refresh_from_db()
    return job
