"""``/api/actors``: made, found, edited, shared, merged, split and deleted."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django_filters
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.conditional import check_match, tagged
from accounts.rest.filters import Filters, FilterSet
from accounts.rest.idempotency import idempotent
from accounts.rest.problems import Problem
from accounts.rest.schema import edits, with_tag
from pipeline.bounds import (
    ACTOR_ALIASES_MAX,
    ACTOR_LANGUAGES_MAX,
    MERGED_ACTORS_MAX,
    SEARCH_MAX_CHARACTERS,
)
from voices import selectors, services
from voices.api.problems import told
from voices.api.rows import (
    OwnedSerializer,
    Standing,
    VoicesApi,
    chosen_rows,
    editable,
    found,
    team_field,
    team_to_share_with,
)
from voices.models import Actor
from voices.models.fields import LANGUAGE
from voices.playback import stored_response

EDITABLE = ("name", "aliases", "languages", "notes", "team")


class ActorSerializer(OwnedSerializer):
    picture_url = serializers.SerializerMethodField(help_text="Null without a picture.")
    samples = serializers.IntegerField(source="samples_count", read_only=True)
    speakers = serializers.IntegerField(
        source="speakers_count",
        read_only=True,
        help_text="In so many places of sessions that you may see they were confirmed.",
    )

    class Meta:
        model = Actor
        fields = (
            "id",
            "name",
            "aliases",
            "languages",
            "notes",
            "picture_url",
            "samples",
            "speakers",
            "owner",
            "team",
            "whose",
            "editable",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_picture_url(self, actor: Actor) -> str | None:
        return f"/api/actors/{actor.pk}/picture" if actor.picture else None


class EditedActorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    aliases = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=ACTOR_ALIASES_MAX,
        required=False,
        help_text="Other names that they go by.",
    )
    languages = serializers.ListField(
        child=serializers.CharField(validators=[LANGUAGE]),
        max_length=ACTOR_LANGUAGES_MAX,
        required=False,
        help_text="ISO 639 codes of what they speak, most usual first.",
    )
    notes = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    team = team_field(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Name what to change: {', '.join(EDITABLE)}.")
        return attrs


class MergeActorsSerializer(serializers.Serializer[Any]):
    actors = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=MERGED_ACTORS_MAX,
        help_text="Those who turned out to be this one. They are gone afterwards; their names "
        "become aliases, and all that is theirs becomes this one's.",
    )


class SplitActorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, help_text="Of the other person.")
    speakers = serializers.ListField(
        child=serializers.UUIDField(), max_length=1000, default=list, help_text="Who are theirs."
    )
    samples = serializers.ListField(
        child=serializers.UUIDField(), max_length=1000, default=list, help_text="Which are theirs."
    )


class PictureSerializer(serializers.Serializer[Any]):
    picture = serializers.FileField(help_text="JPEG, PNG, WebP or GIF.")


class ActorFilters(FilterSet):
    q = django_filters.CharFilter(
        method="search",
        max_length=SEARCH_MAX_CHARACTERS,
        help_text="Part of a name or of an alias, in any case.",
    )
    language = django_filters.CharFilter(
        field_name="languages", lookup_expr="contains", method="speaking", max_length=8
    )
    whose = django_filters.ChoiceFilter(
        choices=[("own", "own"), ("team", "team"), ("catalogue", "catalogue")], method="of"
    )
    team = django_filters.NumberFilter(field_name="team", min_value=1, max_value=2**63 - 1)

    class Meta:
        model = Actor
        fields: ClassVar[list[str]] = []

    def search(self, rows: QuerySet[Actor], name: str, value: str) -> QuerySet[Actor]:  # noqa: ARG002 - the library's signature
        return rows.filter(Q(name__icontains=value) | Q(aliases__icontains=value))

    def speaking(self, rows: QuerySet[Actor], name: str, value: str) -> QuerySet[Actor]:  # noqa: ARG002 - the library's signature
        return rows.filter(languages__contains=[value])

    def of(self, rows: QuerySet[Actor], name: str, value: str) -> QuerySet[Actor]:  # noqa: ARG002 - the library's signature
        own = Q(owner=self.request.user)
        kinds = {"own": own, "team": ~own & Q(owner__isnull=False), "catalogue": Q(owner=None)}
        return rows.filter(kinds[value])


class ActorsView(VoicesApi):
    tag = "actors"
    serializer_class = ActorSerializer
    queryset = Actor.objects.none()
    filter_backends = (Filters,)
    filterset_class = ActorFilters
    ordering = ("name", "id")

    @extend_schema(operation_id="list_actors", responses=ActorSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the framework's signature
        """Your actors, those of your teams and of the shared catalogue, by name."""
        return self.page_of(self.filter_queryset(selectors.actors_of(self.person)))

    @extend_schema(
        operation_id="create_actor",
        request=EditedActorSerializer,
        responses={201: ActorSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make an actor, of whom speakers, samples and consents can be."""
        wanted = _wanted(request)
        team = team_to_share_with(self, wanted.pop("team", None))
        with told():
            actor = services.create_actor(self.person, by=self.person, team=team, **wanted)
        return tagged(
            request,
            shown(self, actor.pk),
            EDITABLE,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/actors/{actor.pk}"},
        )


class ActorView(VoicesApi):
    tag = "actors"
    serializer_class = ActorSerializer

    @extend_schema(operation_id="read_actor")
    @with_tag
    def get(self, request: Request, actor_id: uuid.UUID) -> Response:
        """One actor."""
        return tagged(request, shown(self, actor_id), EDITABLE)

    @extend_schema(operation_id="edit_actor", request=EditedActorSerializer)
    @edits
    def patch(self, request: Request, actor_id: uuid.UUID) -> Response:
        """Rename, describe or share an actor. What you leave out stays."""
        wanted = _wanted(request, partial=True)
        with transaction.atomic():
            actor = editable(self, Actor.objects.visible_to(self.person), actor_id)
            check_match(request, shown(self, actor_id), EDITABLE)
            with told():
                if "team" in wanted:
                    team = team_to_share_with(self, wanted.pop("team"))
                    actor = services.share_actor(actor, by=self.person, team=team)
                services.edit_actor(actor, by=self.person, changes=wanted)
        return tagged(request, shown(self, actor_id), EDITABLE)

    @extend_schema(operation_id="delete_actor", responses={204: None})
    @edits
    def delete(self, request: Request, actor_id: uuid.UUID) -> Response:
        """Delete an actor with their samples, consents, clones and pinned voices, files
        included. Speakers who were confirmed to be this actor are unknown again."""
        with transaction.atomic():
            actor = editable(self, Actor.objects.visible_to(self.person), actor_id)
            check_match(request, shown(self, actor_id), EDITABLE, required=False)
            if actor.owner_id != self.person.pk:
                raise Problem("forbidden", "Only its owner deletes an actor.")
            services.delete_actor(actor, by=self.person)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MergeActorsView(VoicesApi):
    tag = "actors"
    serializer_class = MergeActorsSerializer

    @extend_schema(operation_id="merge_actors", responses=ActorSerializer)
    @idempotent
    def post(self, request: Request, actor_id: uuid.UUID) -> Response:
        """These actors are one person. You must be allowed to change them all."""
        actors = Actor.objects.visible_to(self.person)
        into = editable(self, actors, actor_id)
        ids = self.valid(request)["actors"]
        gone = chosen_rows(actors, ids, "actors")
        standing = Standing(request)
        if not all(standing.may_edit(one) for one in gone):
            raise Problem("forbidden", "You may change only some of these actors.")
        with told():
            services.merge_actors(into, gone, by=self.person)
        return Response(shown(self, actor_id))


class SplitActorView(VoicesApi):
    tag = "actors"
    serializer_class = SplitActorSerializer

    @extend_schema(operation_id="split_actor", responses={201: ActorSerializer})
    @idempotent
    def post(self, request: Request, actor_id: uuid.UUID) -> Response:
        """Some of an actor's speakers and samples are another person, who is made here."""
        actor = editable(self, Actor.objects.visible_to(self.person), actor_id)
        wanted = self.valid(request)
        speakers = chosen_rows(
            selectors.changeable_speakers(self.person), wanted["speakers"], "speakers"
        )
        samples = chosen_rows(
            selectors.changeable_samples(self.person), wanted["samples"], "samples"
        )
        with told():
            other = services.split_actor(
                actor, by=self.person, name=wanted["name"], speakers=speakers, samples=samples
            )
        return Response(
            shown(self, other.pk),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/actors/{other.pk}"},
        )


class PictureView(VoicesApi):
    tag = "actors"
    serializer_class = PictureSerializer
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="read_actor_picture",
        responses={(200, "image/webp"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, actor_id: uuid.UUID) -> HttpResponseBase:
        """The picture, at most 512 pixels a side."""
        actor = found(Actor.objects.visible_to(self.person), actor_id)
        if not actor.picture:
            raise Problem("not_found", "This actor has no picture.")
        return stored_response(request._request, actor.picture.name, media_type="image/webp")

    @extend_schema(operation_id="replace_actor_picture", responses=ActorSerializer)
    def put(self, request: Request, actor_id: uuid.UUID) -> Response:
        """Give the actor a picture, in place of one they have."""
        actor = editable(self, Actor.objects.visible_to(self.person), actor_id)
        content = self.valid(request)["picture"].read()
        with told():
            services.set_picture(actor, by=self.person, content=content)
        return Response(shown(self, actor_id))

    @extend_schema(operation_id="delete_actor_picture", responses={204: None})
    def delete(self, request: Request, actor_id: uuid.UUID) -> Response:  # noqa: ARG002 - the framework's signature
        """Take the picture away."""
        actor = editable(self, Actor.objects.visible_to(self.person), actor_id)
        services.set_picture(actor, by=self.person, content=None)
        return Response(status=status.HTTP_204_NO_CONTENT)


def shown(view: VoicesApi, actor_id: uuid.UUID) -> dict[str, Any]:
    actor = found(selectors.actors_of(view.person), actor_id)
    return dict(ActorSerializer(actor, context=view.get_serializer_context()).data)


def _wanted(request: Request, *, partial: bool = False) -> dict[str, Any]:
    given = EditedActorSerializer(data=request.data, partial=partial)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
