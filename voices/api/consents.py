"""``/api/consents``: who allowed what to be done with an actor's voice."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import tagged
from accounts.rest.fields import MultipleChoiceField
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import with_tag
from pipeline.bounds import EVIDENCE_MAX_BYTES
from voices import selectors, services
from voices.api.problems import told
from voices.api.rows import OfActorSerializer, VoicesApi, actor_to_add_to, editable, found
from voices.models import Consent, ConsentUse
from voices.playback import stored_response


class ConsentSerializer(OfActorSerializer):
    uses = serializers.ListField(child=serializers.ChoiceField(choices=ConsentUse.choices))
    status = serializers.SerializerMethodField(help_text="`valid`, `expired`, `revoked`, `not_yet`")
    evidence_url = serializers.SerializerMethodField(help_text="Null without evidence.")

    class Meta:
        model = Consent
        fields = (
            "id",
            "actor",
            "given_by",
            "capacity",
            "uses",
            "statement",
            "evidence_url",
            "evidence_name",
            "evidence_type",
            "given_at",
            "expires_at",
            "status",
            "revoked_at",
            "revoked_by",
            "revocation_reason",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
        )
        read_only_fields = fields

    def get_status(self, consent: Consent) -> str:
        return consent.status(timezone.now())

    def get_evidence_url(self, consent: Consent) -> str | None:
        return f"/api/consents/{consent.pk}/evidence" if consent.evidence else None


class NewConsentSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField()
    given_by = serializers.CharField(
        max_length=200, help_text="The actor's name, or that of who may speak for them."
    )
    capacity = serializers.CharField(
        max_length=200,
        allow_blank=True,
        default="",
        help_text="As what, if not as the actor: agent, parent, holder of the rights.",
    )
    uses = MultipleChoiceField(
        choices=ConsentUse.choices, allow_empty=False, help_text="What is allowed, each by itself."
    )
    statement = serializers.CharField(
        max_length=10_000,
        allow_blank=True,
        default="",
        help_text="The words in which it was given; these or `evidence`.",
    )
    evidence = serializers.FileField(
        required=False,
        help_text="A PDF, a JPEG, PNG or WebP picture, or a WAV, FLAC, OGG or MP3 recording.",
    )
    given_at = serializers.DateTimeField(required=False, help_text="Now, if it is left out.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class RevokeSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class ConsentFilters(FilterSet):
    actor = django_filters.UUIDFilter(method="of_actor")
    use = django_filters.ChoiceFilter(choices=ConsentUse.choices, method="allowing")
    valid = django_filters.BooleanFilter(method="holding", help_text="Whether it holds now.")

    class Meta:
        model = Consent
        fields: ClassVar[list[str]] = []

    def of_actor(self, rows: QuerySet[Any], name: str, value: uuid.UUID) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(actor=value, actor_shown=True)

    def allowing(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(uses__contains=[value])

    def holding(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        valid = Consent.objects.valid(timezone.now()).values("pk")
        return rows.filter(pk__in=valid) if value else rows.exclude(pk__in=valid)


class ConsentsView(VoicesApi):
    tag = "consents"
    serializer_class = ConsentSerializer
    queryset = Consent.objects.none()
    filter_backends = (Filters,)
    filterset_class = ConsentFilters
    parser_classes = (JSONParser, MultiPartParser)
    ordering = ("-given_at", "id")

    @extend_schema(operation_id="list_consents", responses=ConsentSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your consents and your teams', newest first; revoked and expired ones too."""
        return self.page_of(self.filter_queryset(selectors.consents_of(self.person)))

    @extend_schema(
        operation_id="create_consent",
        request=NewConsentSerializer,
        responses={201: ConsentSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Write down that somebody allowed uses of an actor's voice. It is never edited: what
        is wrong is revoked and written down anew."""
        given = NewConsentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        actor = actor_to_add_to(self, wanted.pop("actor"))
        upload = wanted.pop("evidence", None)
        if upload is not None and upload.size > EVIDENCE_MAX_BYTES:
            limit = EVIDENCE_MAX_BYTES // 1024**2
            raise serializers.ValidationError({"evidence": f"Send at most {limit} MiB."})
        wanted["uses"] = [use for use in ConsentUse.values if use in wanted["uses"]]
        with told():
            consent = services.give_consent(
                actor,
                owner=self.person,
                by=self.person,
                evidence=upload.read() if upload else None,
                evidence_name=upload.name if upload else "",
                **wanted,
            )
        return tagged(
            request,
            shown(self, consent.pk),
            (),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/consents/{consent.pk}"},
        )


class ConsentView(VoicesApi):
    tag = "consents"
    serializer_class = ConsentSerializer

    @extend_schema(operation_id="read_consent")
    @with_tag
    def get(self, request: Request, consent_id: uuid.UUID) -> Response:
        """One consent, with its revocation where it was revoked."""
        return tagged(request, shown(self, consent_id), ())


class RevokeConsentView(VoicesApi):
    tag = "consents"
    serializer_class = RevokeSerializer

    @extend_schema(operation_id="revoke_consent", responses=ConsentSerializer)
    def post(self, request: Request, consent_id: uuid.UUID) -> Response:
        """From now on nothing of it is used. Samples, clones and voiceprints that rest on no
        other consent are deleted; the consent itself stays on record."""
        consent = editable(self, selectors.consents_of(self.person), consent_id)
        reason = self.valid(request)["reason"]
        with told():
            services.revoke_consent(consent, by=self.person, reason=reason)
        return Response(shown(self, consent_id))


class EvidenceView(VoicesApi):
    tag = "consents"
    serializer_class = ConsentSerializer

    @extend_schema(
        operation_id="read_consent_evidence",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, consent_id: uuid.UUID) -> HttpResponseBase:
        """The signed paper or recording, as it was sent."""
        consent = found(selectors.consents_of(self.person), consent_id)
        if not consent.evidence:
            raise Problem("not_found", "This consent has no evidence but its words.")
        name = consent.evidence.name or ""
        return stored_response(
            request._request,
            name,
            media_type=consent.evidence_type,
            download_as=f"consent-{consent_id}{name[name.rfind('.') :]}",
        )


def shown(view: VoicesApi, consent_id: uuid.UUID) -> dict[str, Any]:
    consent = found(selectors.consents_of(view.person), consent_id)
    return dict(ConsentSerializer(consent, context=view.get_serializer_context()).data)
