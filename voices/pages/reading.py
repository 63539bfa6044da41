"""What several pages about voices read, and how they say it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.preferences import LANGUAGES
from pipeline.bounds import PREVIEW_TEXT_MAX, SAMPLE_MAX_BYTES, SAMPLE_MAX_S
from voices import selectors
from voices.api.rows import Standing
from voices.models import (
    Actor,
    CloneState,
    CloneStep,
    Consent,
    ConsentUse,
    SampleState,
    VoiceClone,
    VoiceSample,
)

COMPARED_MAX = 3
"""Voices that a page puts side by side; the interface takes more."""
ENGINE_NAMES = {"offline": "This server, offline", "elevenlabs": "ElevenLabs"}
"""Providers whose voices people choose among."""
LIMITS = {
    "compared": COMPARED_MAX,
    "text": PREVIEW_TEXT_MAX,
    "sample_bytes": SAMPLE_MAX_BYTES,
    "sample_mib": SAMPLE_MAX_BYTES // 1024**2,
    "sample_minutes": int(SAMPLE_MAX_S // 60),
}
_LOOKS = {
    "good": "badge-good",
    "valid": "badge-good",
    "ready": "badge-good",
    "usable": "badge-soft",
    "unusable": "badge-bad",
    "failed": "badge-bad",
    "revoked": "badge-bad",
}
_STATUSES = {
    "valid": "Valid",
    "revoked": "Revoked",
    "expired": "Expired",
    "not_yet": "Not valid yet",
}
_PARTS = {
    "similarity": "Likeness to the person",
    "intelligibility": "How well it is understood",
    "stability": "Same from sentence to sentence",
}


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def actor_or_404(request: HttpRequest, actor_id: uuid.UUID) -> Actor:
    """Somebody else's looks like one that does not exist."""
    actor = selectors.actors_of(user_of(request)).filter(pk=actor_id).first()
    if actor is None:
        raise Http404("There is no such actor.")
    return actor


def page_of(request: HttpRequest, rows: QuerySet[Any], size: int) -> Page[Any]:
    """The page that the query names; the nearest one where there is no such page."""
    return Paginator(rows, size).get_page(request.GET.get("page", "")[:9])


def asked(request: HttpRequest, *names: str) -> dict[str, str]:
    """Those of the query's fields that say something."""
    given = {name: request.GET.get(name, "").strip()[:200] for name in names}
    return {name: value for name, value in given.items() if value}


def standing_of(request: HttpRequest) -> Standing:
    return Standing(request)


@dataclass(frozen=True, slots=True)
class SampleShown:
    sample: VoiceSample
    editable: bool
    look: str
    label: str

    @property
    def pending(self) -> bool:
        return self.sample.state in (SampleState.WAITING, SampleState.ANALYSING)

    @property
    def usable(self) -> bool:
        return self.sample.playable and self.sample.verdict != "unusable"

    @property
    def figures(self) -> list[tuple[str, str]]:
        """What was measured, in words; what could not be measured is left out."""
        found = self.sample.analysis or {}
        wanted = (
            ("Speech", "speech_s", "{:.1f} s"),
            ("Share of speech", "speech_share", "{:.0%}"),
            ("Voice over noise", "snr_db", "{:.0f} dB"),
            ("Loudness", "loudness_lufs", "{:.0f} LUFS"),
            ("Clipped", "clipped_share", "{:.2%}"),
            ("Sound up to", "bandwidth_hz", "{:,.0f} Hz"),
            ("Room rings", "reverberation_s", "{:.2f} s"),
            ("Speakers", "speakers", "{:d}"),
            ("Pitch", "pitch_median_hz", "{:.0f} Hz"),
            ("Syllables a second", "syllables_per_s", "{:.1f}"),
        )
        return [
            (name, form.format(found[key]))
            for name, key, form in wanted
            if found.get(key) is not None
        ]


def samples_shown(rows: Any, standing: Standing) -> list[SampleShown]:
    return [
        SampleShown(
            sample=one,
            editable=standing.may_edit(one),
            look=_LOOKS.get(one.verdict or one.state, "badge-quiet"),
            label=one.get_verdict_display() or one.get_state_display(),
        )
        for one in rows
    ]


@dataclass(frozen=True, slots=True)
class ConsentShown:
    consent: Consent
    editable: bool
    status: str
    label: str
    look: str
    uses: list[str]

    @property
    def to_clone(self) -> bool:
        return self.status == "valid" and ConsentUse.CLONE in self.consent.uses


def consents_shown(rows: Any, standing: Standing) -> list[ConsentShown]:
    now = timezone.now()
    statuses = [(one, one.status(now)) for one in rows]
    return [
        ConsentShown(
            consent=one,
            editable=standing.may_edit(one),
            status=status,
            label=_STATUSES[status],
            look=_LOOKS.get(status, "badge-quiet"),
            uses=[ConsentUse(use).label for use in one.uses],
        )
        for one, status in statuses
    ]


@dataclass(frozen=True, slots=True)
class CloneShown:
    clone: VoiceClone
    editable: bool
    usable: bool
    look: str

    @property
    def pending(self) -> bool:
        return self.clone.state in (CloneState.WAITING, CloneState.MAKING)

    @property
    def label(self) -> str:
        if self.clone.state == CloneState.READY and not self.usable:
            return "No valid consent"
        return str(self.clone.get_state_display())

    @property
    def parts(self) -> list[tuple[str, float]]:
        parts = (self.clone.quality or {}).get("parts", {})
        return [(name, parts[key]) for key, name in _PARTS.items() if key in parts]

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """(step, name, "done" | "now" | "later") of the making."""
        order = [one for one in CloneStep if one != CloneStep.TUNE or self.clone.optimise]
        made = self.clone.state == CloneState.READY
        at = order.index(CloneStep(self.clone.step)) if self.clone.step in order else -1
        return [
            (
                one.value,
                str(one.label),
                "done" if made or place < at else "now" if place == at else "later",
            )
            for place, one in enumerate(order)
        ]


def clones_shown(rows: Any, standing: Standing, user: User) -> list[CloneShown]:
    rows = list(rows)
    usable = set(
        selectors.usable_clones(user)
        .filter(pk__in=[one.pk for one in rows])
        .values_list("pk", flat=True)
    )
    return [
        CloneShown(
            clone=one,
            editable=standing.may_edit(one),
            usable=one.pk in usable,
            look=_LOOKS.get(one.state, "badge-quiet"),
        )
        for one in rows
    ]


def common() -> dict[str, Any]:
    """What each page's forms need."""
    return {"all_languages": list(LANGUAGES.items()), "limits": LIMITS}
