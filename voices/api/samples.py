"""``/api/samples``: recordings of actors, what was measured of them, and their sound."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import also_answers, edits, with_tag
from pipeline.bounds import SAMPLE_LINK_S, SAMPLE_MAX_BYTES, SAMPLE_MAX_S
from voices import selectors, services
from voices.api.problems import told
from voices.api.rows import OfActorSerializer, VoicesApi, actor_to_add_to, editable, found
from voices.links import PARAMETER, Linked, signed_path
from voices.models import Consent, SampleState, Verdict, VoiceSample
from voices.models.fields import LANGUAGE
from voices.playback import stored_response

EDITABLE = ("name", "language")
_LIMITS = f"At most {SAMPLE_MAX_BYTES // 1024**2} MiB and {SAMPLE_MAX_S / 60:g} minutes"


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="What is wrong, and what to do.")


class MeasuresSerializer(serializers.Serializer[Any]):
    """What was measured; a figure is null where there was nothing to measure it on."""

    duration_s = serializers.FloatField()
    sample_rate_hz = serializers.IntegerField()
    speech_s = serializers.FloatField()
    speech_share = serializers.FloatField(help_text="Of the whole length, 0 to 1.")
    snr_db = serializers.FloatField(allow_null=True, help_text="Voice over noise, at most 60.")
    clipped_share = serializers.FloatField(help_text="Samples in cut-off tops, 0 to 1.")
    loudness_lufs = serializers.FloatField(allow_null=True, help_text="ITU-R BS.1770-4.")
    peak_dbfs = serializers.FloatField()
    bandwidth_hz = serializers.IntegerField(help_text="Up to where there is sound of the voice.")
    speakers = serializers.IntegerField(help_text="People who speak for more than a moment.")
    main_speaker_share = serializers.FloatField(help_text="Of the speech, 0 to 1.")
    pitch_median_hz = serializers.FloatField(allow_null=True)
    pitch_low_hz = serializers.FloatField(allow_null=True, help_text="5th percentile.")
    pitch_high_hz = serializers.FloatField(allow_null=True, help_text="95th percentile.")
    reverberation_s = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="In which sound dies away by 60 dB, as speech ends; 0.2 is dry.",
    )
    syllables_per_s = serializers.FloatField(
        allow_null=True, required=False, help_text="In speech, pauses left out."
    )


class SampleSerializer(OfActorSerializer):
    session = serializers.UUIDField(
        source="session_id",
        read_only=True,
        allow_null=True,
        help_text="That it was kept from; null: uploaded.",
    )
    verdict = serializers.ChoiceField(
        choices=Verdict.choices,
        allow_blank=True,
        read_only=True,
        help_text="Empty until it was analysed.",
    )
    consent = serializers.PrimaryKeyRelatedField[Any](
        read_only=True, help_text="Under which it is kept."
    )
    reasons = ReasonSerializer(many=True, read_only=True, help_text="Worst first.")
    analysis = serializers.SerializerMethodField(help_text="Null until it was analysed.")
    audio_url = serializers.SerializerMethodField(help_text="Null until it can be played.")
    picture_url = serializers.SerializerMethodField(
        help_text="Waveform and spectrogram; null until it was analysed."
    )

    class Meta:
        model = VoiceSample
        fields = (
            "id",
            "actor",
            "name",
            "language",
            "session",
            "speaker_label",
            "consent",
            "state",
            "problem",
            "verdict",
            "reasons",
            "duration_s",
            "speech_s",
            "analysis",
            "audio_url",
            "picture_url",
            "size_bytes",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
            "analysed_at",
        )
        read_only_fields = fields

    @extend_schema_field(MeasuresSerializer(allow_null=True))
    def get_analysis(self, sample: VoiceSample) -> dict[str, Any] | None:
        return sample.analysis or None

    def get_audio_url(self, sample: VoiceSample) -> str | None:
        return f"/api/samples/{sample.pk}/audio" if sample.playable else None

    def get_picture_url(self, sample: VoiceSample) -> str | None:
        return f"/api/samples/{sample.pk}/picture" if sample.picture else None


class NewSampleSerializer(serializers.Serializer[Any]):
    actor = serializers.UUIDField()
    audio = serializers.FileField(
        help_text=f"Any audio or video file with one person speaking. {_LIMITS}."
    )
    consent = serializers.UUIDField(
        required=False, help_text="Under which it is kept; one that covers it is found without."
    )
    name = serializers.CharField(max_length=200, allow_blank=True, default="")
    language = serializers.CharField(validators=[LANGUAGE], allow_blank=True, default="")


class EditedSampleSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    language = serializers.CharField(validators=[LANGUAGE], allow_blank=True, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Name what to change: name, language.")
        return attrs


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Opens the sound without a token, for you alone.")
    expires_in_s = serializers.IntegerField()


class SampleFilters(FilterSet):
    actor = django_filters.UUIDFilter(method="of_actor")
    session = django_filters.UUIDFilter(field_name="session_id")
    state = django_filters.MultipleChoiceFilter(choices=SampleState.choices)
    verdict = django_filters.MultipleChoiceFilter(choices=Verdict.choices)
    language = django_filters.CharFilter(max_length=8)
    speech_from = django_filters.NumberFilter(
        field_name="speech_s", lookup_expr="gte", help_text="Seconds of speech at least."
    )

    class Meta:
        model = VoiceSample
        fields: ClassVar[list[str]] = []

    def of_actor(self, rows: QuerySet[Any], name: str, value: uuid.UUID) -> QuerySet[Any]:  # noqa: ARG002 - the library's signature
        return rows.filter(actor=value, actor_shown=True)


class SamplesView(VoicesApi):
    tag = "samples"
    serializer_class = SampleSerializer
    queryset = VoiceSample.objects.none()
    filter_backends = (Filters,)
    filterset_class = SampleFilters
    parser_classes = (MultiPartParser,)
    ordering = ("-created_at", "id")

    @extend_schema(operation_id="list_samples", responses=SampleSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your samples, your teams' and the catalogue's, newest first."""
        return self.page_of(self.filter_queryset(selectors.samples_of(self.person)))

    @extend_schema(
        operation_id="create_sample",
        request={"multipart/form-data": NewSampleSerializer},
        responses={201: SampleSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Upload a recording of an actor, under a consent of theirs. It is analysed at once;
        read the sample again for its verdict."""
        given = NewSampleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        actor = actor_to_add_to(self, wanted.pop("actor"))
        consent = _consent(self, wanted.pop("consent", None))
        upload = wanted.pop("audio")
        if upload.size > SAMPLE_MAX_BYTES:
            raise serializers.ValidationError({"audio": f"{_LIMITS}."})
        with told():
            sample = services.upload_sample(
                actor,
                owner=self.person,
                by=self.person,
                content=upload.read(),
                consent=consent,
                **wanted,
            )
        return tagged(
            request,
            shown(self, sample.pk),
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/samples/{sample.pk}"},
        )


class SampleView(VoicesApi):
    tag = "samples"
    serializer_class = SampleSerializer

    @extend_schema(operation_id="read_sample")
    @with_tag
    def get(self, request: Request, sample_id: uuid.UUID) -> Response:
        """One sample, with its verdict and figures once it was analysed."""
        return tagged(request, shown(self, sample_id), EDITABLE)

    @extend_schema(operation_id="edit_sample", request=EditedSampleSerializer)
    @edits
    def patch(self, request: Request, sample_id: uuid.UUID) -> Response:
        """Give it a name or a language."""
        given = EditedSampleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            sample = editable(self, selectors.samples_of(self.person), sample_id)
            check_match(request, shown(self, sample_id), EDITABLE)
            services.edit_sample(sample, **given.validated_data)
        return tagged(request, shown(self, sample_id), EDITABLE)

    @extend_schema(operation_id="delete_sample", responses={204: None})
    def delete(self, request: Request, sample_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Delete it with its sound, and all that was learned from it."""
        sample = editable(self, selectors.samples_of(self.person), sample_id)
        services.delete_sample(sample, by=self.person)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SampleAudioView(Linked, VoicesApi):
    tag = "samples"
    serializer_class = SampleSerializer
    subject = "sample_id"

    @extend_schema(
        operation_id="play_sample",
        parameters=[OpenApiParameter(PARAMETER, description="From `GET …/link`.")],
        responses={(200, "audio/flac"): OpenApiTypes.BINARY},
    )
    @also_answers("409")
    def get(self, request: Request, sample_id: uuid.UUID) -> HttpResponseBase:
        """The sound as FLAC; takes `Range`. With S3 it redirects to a short-lived address."""
        sample = found(selectors.samples_of(self.person), sample_id)
        if not sample.playable:
            raise Problem("not_analysed")
        return stored_response(request._request, sample.audio.name or "", media_type="audio/flac")


class SamplePictureView(VoicesApi):
    tag = "samples"
    serializer_class = SampleSerializer

    @extend_schema(
        operation_id="read_sample_picture",
        responses={(200, "image/webp"): OpenApiTypes.BINARY},
    )
    @also_answers("409")
    def get(self, request: Request, sample_id: uuid.UUID) -> HttpResponseBase:
        """Its waveform, and below it the spectrogram, mel scale: 960 by 320 pixels."""
        sample = found(selectors.samples_of(self.person), sample_id)
        if not sample.picture:
            raise Problem("not_analysed")
        return stored_response(request._request, sample.picture.name, media_type="image/webp")


class SampleLinkView(VoicesApi):
    tag = "samples"
    serializer_class = LinkSerializer

    @extend_schema(operation_id="read_sample_link")
    def get(self, request: Request, sample_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """A link for a player that sends no token. It ends after minutes, and at once when you
        may no longer see the sample."""
        found(selectors.samples_of(self.person), sample_id)
        url = signed_path(f"/api/samples/{sample_id}/audio", user=self.person, subject=sample_id)
        return Response(
            {"url": url, "expires_in_s": SAMPLE_LINK_S}, headers={"Cache-Control": "no-store"}
        )


class SampleAnalysisView(VoicesApi):
    tag = "samples"
    serializer_class = SampleSerializer

    @extend_schema(operation_id="analyse_sample", request=None, responses={202: SampleSerializer})
    def post(self, request: Request, sample_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Analyse it anew."""
        sample = editable(self, selectors.samples_of(self.person), sample_id)
        services.analyse_again(sample)
        return Response(shown(self, sample_id), status=status.HTTP_202_ACCEPTED)


def shown(view: VoicesApi, sample_id: uuid.UUID) -> dict[str, Any]:
    sample = found(selectors.samples_of(view.person), sample_id)
    return dict(SampleSerializer(sample, context=view.get_serializer_context()).data)


def _consent(view: VoicesApi, consent_id: uuid.UUID | None) -> Consent | None:
    if consent_id is None:
        return None
    consent: Consent | None = selectors.consents_of(view.person).filter(pk=consent_id).first()
    if consent is None:
        raise serializers.ValidationError({"consent": "There is no consent of this id."})
    return consent
