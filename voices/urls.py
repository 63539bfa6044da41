"""Addresses below ``/api/``."""

from django.urls import path

from voices.api.actors import (
    ActorsView,
    ActorView,
    MergeActorsView,
    PictureView,
    SplitActorView,
)
from voices.api.clone_events import CloneEventsView
from voices.api.clones import (
    CloneLinkView,
    ClonePreviewView,
    ClonesView,
    CloneView,
    OptimiseCloneView,
)
from voices.api.consents import ConsentsView, ConsentView, EvidenceView, RevokeConsentView
from voices.api.decisions import DecisionsView
from voices.api.pins import PinnedVoicesView, PinnedVoiceView
from voices.api.previews import (
    ComparisonsView,
    ComparisonView,
    PreviewAudioView,
    PreviewLinkView,
    PreviewView,
)
from voices.api.samples import (
    SampleAnalysisView,
    SampleAudioView,
    SampleLinkView,
    SamplePictureView,
    SamplesView,
    SampleView,
)
from voices.api.speakers import (
    ConfirmView,
    MergeSpeakersView,
    RejectView,
    SpeakersView,
    SpeakerView,
    SplitSpeakerView,
)
from voices.api.titles import TitlesView, TitleView

_ACTOR = "actors/<uuid:actor_id>"
_SPEAKER = "speakers/<uuid:speaker_id>"
_SAMPLE = "samples/<uuid:sample_id>"
_CLONE = "clones/<uuid:clone_id>"
_PREVIEW = "previews/<uuid:preview_id>"
_CONSENT = "consents/<uuid:consent_id>"

urlpatterns = [
    path("actors", ActorsView.as_view(), name="actors"),
    path(_ACTOR, ActorView.as_view(), name="actor"),
    path(f"{_ACTOR}/picture", PictureView.as_view(), name="actor-picture"),
    path(f"{_ACTOR}/merge", MergeActorsView.as_view(), name="merge-actors"),
    path(f"{_ACTOR}/split", SplitActorView.as_view(), name="split-actor"),
    path("speakers", SpeakersView.as_view(), name="speakers"),
    path(_SPEAKER, SpeakerView.as_view(), name="speaker"),
    path(f"{_SPEAKER}/confirm", ConfirmView.as_view(), name="confirm-speaker"),
    path(f"{_SPEAKER}/reject", RejectView.as_view(), name="reject-speaker"),
    path(f"{_SPEAKER}/merge", MergeSpeakersView.as_view(), name="merge-speakers"),
    path(f"{_SPEAKER}/split", SplitSpeakerView.as_view(), name="split-speaker"),
    path("samples", SamplesView.as_view(), name="samples"),
    path(_SAMPLE, SampleView.as_view(), name="sample"),
    path(f"{_SAMPLE}/audio", SampleAudioView.as_view(), name="sample-audio"),
    path(f"{_SAMPLE}/picture", SamplePictureView.as_view(), name="sample-picture"),
    path(f"{_SAMPLE}/link", SampleLinkView.as_view(), name="sample-link"),
    path(f"{_SAMPLE}/analysis", SampleAnalysisView.as_view(), name="sample-analysis"),
    path("consents", ConsentsView.as_view(), name="consents"),
    path(_CONSENT, ConsentView.as_view(), name="consent"),
    path(f"{_CONSENT}/revoke", RevokeConsentView.as_view(), name="revoke-consent"),
    path(f"{_CONSENT}/evidence", EvidenceView.as_view(), name="consent-evidence"),
    path("clones", ClonesView.as_view(), name="clones"),
    path(_CLONE, CloneView.as_view(), name="clone"),
    path(f"{_CLONE}/optimise", OptimiseCloneView.as_view(), name="optimise-clone"),
    path(f"{_CLONE}/preview", ClonePreviewView.as_view(), name="clone-preview"),
    path(f"{_CLONE}/events", CloneEventsView.as_view(), name="clone-events"),
    path(f"{_CLONE}/link", CloneLinkView.as_view(), name="clone-link"),
    path("comparisons", ComparisonsView.as_view(), name="comparisons"),
    path("comparisons/<uuid:comparison_id>", ComparisonView.as_view(), name="comparison"),
    path(_PREVIEW, PreviewView.as_view(), name="preview"),
    path(f"{_PREVIEW}/audio", PreviewAudioView.as_view(), name="preview-audio"),
    path(f"{_PREVIEW}/link", PreviewLinkView.as_view(), name="preview-link"),
    path("pinned-voices", PinnedVoicesView.as_view(), name="pinned-voices"),
    path("pinned-voices/<uuid:pin_id>", PinnedVoiceView.as_view(), name="pinned-voice"),
    path("titles", TitlesView.as_view(), name="titles"),
    path("titles/<uuid:title_id>", TitleView.as_view(), name="title"),
    path("decisions", DecisionsView.as_view(), name="decisions"),
]
