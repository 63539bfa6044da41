"""``/api/glossaries``: a person's own and their teams', term by term or all at once."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import django_filters
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.preferences import LANGUAGES
from accounts.rest.conditional import check_match, tagged
from accounts.rest.fields import ChoiceField
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from accounts.rest.views import Api
from pipeline.bounds import GLOSSARY_TERM_MAX, GLOSSARY_TERMS_MAX, SEARCH_MAX_CHARACTERS
from sessions_app.api.sessions import team_of
from sessions_app.glossaries import selectors, services
from sessions_app.glossaries.models import Glossary, Term

EDITABLE = ("name", "source_language", "target_language", "team", "enabled")
TERM_EDITABLE = ("source", "target")
READ, WRITE = "read:glossaries", "write:glossaries"
GLOSSARY_LANGUAGES = ["", *LANGUAGES]


class GlossarySerializer(serializers.ModelSerializer[Glossary]):
    owner = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    team = serializers.PrimaryKeyRelatedField[Any](read_only=True, allow_null=True)
    term_count = serializers.SerializerMethodField()

    class Meta:
        model = Glossary
        fields: tuple[str, ...] = (
            "id",
            "name",
            "owner",
            "team",
            "source_language",
            "target_language",
            "enabled",
            "term_count",
            "created_at",
            "updated_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_term_count(self, glossary: Glossary) -> int:
        count = getattr(glossary, "term_count", None)
        return glossary.terms.count() if count is None else int(count)


class TermSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    source = serializers.CharField(  # type: ignore[assignment]  # a field, not the argument
        max_length=GLOSSARY_TERM_MAX, help_text="As it is heard, in any case."
    )
    target = serializers.CharField(
        max_length=GLOSSARY_TERM_MAX,
        allow_blank=True,
        default="",
        help_text="What it becomes; empty: it stays as it is.",
    )


class GivenGlossarySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    source_language = ChoiceField(choices=GLOSSARY_LANGUAGES, default="", help_text="Empty: any.")
    target_language = ChoiceField(choices=GLOSSARY_LANGUAGES, default="", help_text="Empty: any.")
    enabled = serializers.BooleanField(default=True)
    team = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        allow_null=True,
        default=None,
        help_text="A team in which you edit, to share it with.",
    )


class EditedGlossarySerializer(GivenGlossarySerializer):
    """What is left out stays as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, partial=True, **kwargs)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Name what to change: {', '.join(EDITABLE)}.")
        return attrs


class AllTermsSerializer(serializers.Serializer[Any]):
    terms = TermSerializer(  # type: ignore[call-arg]  # of the list that it becomes
        many=True, max_length=GLOSSARY_TERMS_MAX, allow_empty=True
    )


class TermCountSerializer(serializers.Serializer[Any]):
    term_count = serializers.IntegerField()


class TermFilters(FilterSet):
    q = django_filters.CharFilter(
        method="search", max_length=SEARCH_MAX_CHARACTERS, help_text="Part of either text."
    )

    class Meta:
        model = Term
        fields: ClassVar[list[str]] = []

    def search(self, rows: QuerySet[Term], name: str, value: str) -> QuerySet[Term]:  # noqa: ARG002 - the library's signature
        return rows.filter(source__icontains=value) | rows.filter(target__icontains=value)


class Glossaries(Api):
    """What the views of one glossary share."""

    tag = "glossaries"
    serializer_class: type[serializers.BaseSerializer[Any]] | None = GlossarySerializer

    def seen(self, glossary_id: int) -> Glossary:
        found = None
        if glossary_id < 2**63:
            found = selectors.glossary_of(self.person, glossary_id)
        if found is None:
            raise NotFound
        return found

    def editable(self, glossary_id: int) -> Glossary:
        """Locked. Raises NotFound, and Problem for somebody who may only look."""
        found = self.seen(glossary_id)
        if not selectors.may_edit(self.person, found):
            raise Problem("forbidden", "Viewers of a team do not edit what it shares.")
        locked = Glossary.objects.select_for_update().filter(pk=found.pk).first()
        if locked is None:
            raise NotFound
        return cast(Glossary, locked)

    def term(self, glossary: Glossary, term_id: int) -> Term:
        found = glossary.terms.filter(pk=term_id).first() if term_id < 2**63 else None
        if found is None:
            raise NotFound
        return found


class GlossariesView(Glossaries):
    scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}
    ordering = ("name", "pk")

    @extend_schema(operation_id="list_glossaries", responses=GlossarySerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your glossaries, those of your teams, and the catalogue's."""
        return self.page_of(selectors.glossaries_of(self.person))

    @extend_schema(
        operation_id="create_glossary",
        request=GivenGlossarySerializer,
        responses={201: GlossarySerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a glossary. Sessions that begin from then on use it."""
        given = GivenGlossarySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        wanted["team"] = team_of(self, wanted["team"])
        glossary = services.create_glossary(self.person, **wanted)
        return tagged(
            request,
            GlossarySerializer(glossary).data,
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/glossaries/{glossary.pk}"},
        )


class GlossaryView(Glossaries):
    scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="read_glossary")
    @with_tag
    def get(self, request: Request, glossary_id: int) -> Response:
        """One glossary, without its terms."""
        return tagged(request, GlossarySerializer(self.seen(glossary_id)).data, EDITABLE)

    @extend_schema(operation_id="edit_glossary", request=EditedGlossarySerializer)
    @edits
    def patch(self, request: Request, glossary_id: int) -> Response:
        """Rename, share, or take a glossary out of use."""
        given = EditedGlossarySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        with transaction.atomic():
            glossary = self.editable(glossary_id)
            check_match(request, GlossarySerializer(glossary).data, EDITABLE)
            if "team" in wanted:
                wanted["team"] = team_of(self, wanted["team"])
            services.update_glossary(self.person, glossary, **wanted)
        return tagged(request, GlossarySerializer(glossary).data, EDITABLE)

    @extend_schema(operation_id="delete_glossary", responses={204: None})
    @edits
    def delete(self, request: Request, glossary_id: int) -> Response:
        """Delete a glossary of your own, with its terms."""
        with transaction.atomic():
            glossary = self.editable(glossary_id)
            check_match(request, GlossarySerializer(glossary).data, EDITABLE, required=False)
            if not services.delete_glossary(self.person, glossary):
                raise Problem("forbidden", "Only its owner deletes a glossary.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class TermsView(Glossaries):
    scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE, "PUT": WRITE}
    serializer_class = TermSerializer
    queryset = Term.objects.none()
    filter_backends = (Filters,)
    filterset_class = TermFilters
    ordering = ("source", "pk")

    @extend_schema(operation_id="list_terms", responses=TermSerializer(many=True))
    def get(self, request: Request, glossary_id: int) -> Response:  # noqa: ARG002 - the framework's signature
        """The terms of a glossary, by their source."""
        return self.page_of(self.filter_queryset(self.seen(glossary_id).terms.all()))

    @extend_schema(
        operation_id="create_term", request=TermSerializer, responses={201: TermSerializer}
    )
    @idempotent
    def post(self, request: Request, glossary_id: int) -> Response:
        """Add a term."""
        wanted = self.valid(request)
        with transaction.atomic():
            term = services.put_term(self.editable(glossary_id), **wanted)
        return tagged(
            request,
            TermSerializer(term).data,
            TERM_EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/glossaries/{glossary_id}/terms/{term.pk}"},
        )

    @extend_schema(
        operation_id="set_terms", request=AllTermsSerializer, responses=TermCountSerializer
    )
    def put(self, request: Request, glossary_id: int) -> Response:
        """Give all terms at once: what is not among them goes. All of it or nothing."""
        given = AllTermsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        terms = [(one["source"], one["target"]) for one in given.validated_data["terms"]]
        with transaction.atomic():
            count = services.import_terms(self.editable(glossary_id), terms, replace=True)
        return Response({"term_count": count})


class TermView(Glossaries):
    scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    serializer_class = TermSerializer

    @extend_schema(operation_id="read_term")
    @with_tag
    def get(self, request: Request, glossary_id: int, term_id: int) -> Response:
        """One term."""
        term = self.term(self.seen(glossary_id), term_id)
        return tagged(request, TermSerializer(term).data, TERM_EDITABLE)

    @extend_schema(operation_id="edit_term", request=TermSerializer(partial=True))
    @edits
    def patch(self, request: Request, glossary_id: int, term_id: int) -> Response:
        """Change a term."""
        wanted = self.valid(request, partial=True)
        if not wanted:
            raise ValidationError("Name what to change: source, target.")
        with transaction.atomic():
            glossary = self.editable(glossary_id)
            term = self.term(glossary, term_id)
            check_match(request, TermSerializer(term).data, TERM_EDITABLE)
            texts = {"source": term.source, "target": term.target} | wanted
            services.put_term(glossary, **texts, term=term)
        return tagged(request, TermSerializer(term).data, TERM_EDITABLE)

    @extend_schema(operation_id="delete_term", responses={204: None})
    @edits
    def delete(self, request: Request, glossary_id: int, term_id: int) -> Response:
        """Take a term out."""
        with transaction.atomic():
            glossary = self.editable(glossary_id)
            term = self.term(glossary, term_id)
            check_match(request, TermSerializer(term).data, TERM_EDITABLE, required=False)
            services.delete_term(glossary, term_id=term.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)
