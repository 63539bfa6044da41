"""What was changed in a project, and taken back; what people say about its lines."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers
from pipeline.bounds import COMMENT_MAX
from sessions_app.projects import editing
from sessions_app.projects.api.base import ProjectsApi, told
from sessions_app.projects.models import Change, Comment


class ChangeSerializer(serializers.ModelSerializer[Change]):
    line = serializers.SerializerMethodField(help_text="Number of the line; null: of a speaker.")
    speaker = serializers.SerializerMethodField(help_text="Label, where a speaker was changed.")
    by = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    before = serializers.DictField(read_only=True)
    after = serializers.DictField(read_only=True)
    undoes = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)

    class Meta:
        model = Change
        fields: tuple[str, ...] = (
            "id",
            "line",
            "speaker",
            "by",
            "at",
            "revision",
            "before",
            "after",
            "undoes",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_line(self, change: Change) -> int | None:
        return change.line.number if change.line else None

    def get_speaker(self, change: Change) -> str | None:
        return change.speaker.label if change.speaker else None


class ChangesView(ProjectsApi):
    serializer_class = ChangeSerializer
    queryset = Change.objects.none()
    ordering = ("-pk",)

    @extend_schema(operation_id="list_changes", responses=ChangeSerializer(many=True))
    def get(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """What was changed in it, by whom, newest first."""
        project = self.seen(project_id)
        rows = project.changes.select_related("line", "speaker").defer("speaker__shape")
        return self.page_of(rows)


class UndoView(ProjectsApi):
    serializer_class = ChangeSerializer

    @extend_schema(operation_id="undo_change", request=None)
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Take back the newest change that you made; again, the one before. The answer is the
        change that was taken back."""
        project = self.editable(project_id)
        with told():
            change = editing.undo(project, by=self.person, by_them_alone=True)
        return Response(ChangeSerializer(change).data)


class CommentSerializer(serializers.ModelSerializer[Comment]):
    by = serializers.PrimaryKeyRelatedField[Any](read_only=True)

    class Meta:
        model = Comment
        fields: tuple[str, ...] = ("id", "by", "text", "at")
        read_only_fields: tuple[str, ...] = fields


class NewCommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=COMMENT_MAX)


class CommentsView(ProjectsApi):
    serializer_class = CommentSerializer
    queryset = Comment.objects.none()
    ordering = ("pk",)

    @extend_schema(operation_id="list_comments", responses=CommentSerializer(many=True))
    def get(self, request: Request, project_id: uuid.UUID, number: int) -> Response:  # noqa: ARG002 - the framework's signature
        """What was said about a line, oldest first."""
        return self.page_of(self.line(self.seen(project_id), number).comments.all())

    @extend_schema(
        operation_id="create_comment",
        request=NewCommentSerializer,
        responses={201: CommentSerializer},
    )
    @idempotent
    @also_answers("409")
    def post(self, request: Request, project_id: uuid.UUID, number: int) -> Response:
        """Say something about a line; whoever may see the project may."""
        given = NewCommentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        line = self.line(self.seen(project_id), number)
        with told():
            made = editing.comment(line, by=self.person, text=given.validated_data["text"])
        return Response(CommentSerializer(made).data, status=status.HTTP_201_CREATED)


class CommentView(ProjectsApi):
    serializer_class = CommentSerializer

    @extend_schema(operation_id="delete_comment", responses={204: None})
    def delete(
        self,
        request: Request,  # noqa: ARG002 - the framework's signature
        project_id: uuid.UUID,
        number: int,
        comment_id: int,
    ) -> Response:
        """Delete a comment of yours; who owns the project deletes any."""
        project = self.seen(project_id)
        comment = self.line(project, number).comments.filter(pk=comment_id).first()
        if comment is None:
            raise NotFound
        if self.person.pk not in {comment.by_id, project.owner_id}:
            raise Problem("forbidden", "Only who wrote it and the project's owner delete it.")
        comment.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
