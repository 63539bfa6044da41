"""``/settings/webhooks``: where events go, and how their deliveries went."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Team, User
from accounts.selectors import editing_teams_of
from accounts.webhooks import services
from accounts.webhooks.addresses import AddressRefusedError, check_url
from accounts.webhooks.event_types import EVENT_TYPES, EVERY
from accounts.webhooks.models import WebhookDelivery, WebhookEndpoint
from pipeline.bounds import WEBHOOK_URL_MAX

DELIVERIES_A_PAGE = 25
TEST_EVERY_S = 5


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=WEBHOOK_URL_MAX,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hooks/dubbing"}),
    )
    description = forms.CharField(max_length=200, required=False)
    event_types = forms.MultipleChoiceField(
        label="Events", required=False, widget=forms.CheckboxSelectMultiple
    )
    team = forms.ModelChoiceField(
        Team.objects.none(),
        required=False,
        empty_label="Everything of mine",
        label="About",
        help_text="A team: only what it shares.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = self.fields["event_types"]
        assert isinstance(kinds, forms.MultipleChoiceField)
        kinds.choices = [(name, name) for name in EVENT_TYPES]
        kinds.help_text = "None chosen: all of them, also those to come."
        team = self.fields["team"]
        assert isinstance(team, forms.ModelChoiceField)
        team.queryset = editing_teams_of(user)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url, private=settings.WEBHOOKS_PRIVATE_ADDRESSES)
        except AddressRefusedError as refused:
            raise forms.ValidationError(str(refused)) from None
        return url

    def clean_event_types(self) -> list[str]:
        return self.cleaned_data["event_types"] or [EVERY]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """A POST makes one and shows its secret: not a redirect, so that it is kept nowhere."""
    user = cast(User, request.user)
    form = WebhookForm(request.POST or None, user=user)
    made: tuple[WebhookEndpoint, str] | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_webhook(user, **form.cleaned_data)
            form = WebhookForm(user=user)
        except services.WebhookLimitReachedError as reason:
            form.add_error(None, str(reason))
    found = WebhookEndpoint.objects.editable_by(user).select_related("team")
    return render(
        request, "settings/webhooks.html", {"form": form, "made": made, "webhooks": found}
    )


@never_cache
@login_required
@require_safe
def webhook(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    return _page(request, _found(request, webhook_id))


@never_cache
@login_required
@require_POST
def renew_secret(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    with transaction.atomic():
        secret = services.renew_secret(_found(request, webhook_id))
    return _page(request, _found(request, webhook_id), secret=secret)


@login_required
@require_POST
def switch(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    with transaction.atomic():
        found = _found(request, webhook_id)
        services.edit_webhook(found, enabled=not found.enabled)
    return redirect("settings-webhook", webhook_id)


@login_required
@require_POST
def send_test(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    found = _found(request, webhook_id)
    if not found.enabled:
        messages.warning(request, "The webhook is off: turn it on first.")
    elif cache.add(f"webhook test {found.pk}", 1, TEST_EVERY_S):
        services.send_test(found)
        messages.success(request, "A test event is on its way. Reload to see how it went.")
    else:
        messages.warning(request, "You sent one just now; wait a few seconds.")
    return redirect("settings-webhook", webhook_id)


@login_required
@require_POST
def replay(request: HttpRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> HttpResponse:
    delivery = get_object_or_404(
        WebhookDelivery, pk=delivery_id, endpoint=_found(request, webhook_id)
    )
    services.replay(delivery)
    messages.success(request, "It will be sent again in a moment.")
    return redirect("settings-webhook", webhook_id)


@login_required
@require_POST
def delete(request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
    _found(request, webhook_id).delete()
    messages.success(request, "The webhook is deleted, and its delivery log with it.")
    return redirect("settings-webhooks")


def _page(request: HttpRequest, found: WebhookEndpoint, *, secret: str = "") -> HttpResponse:
    deliveries = found.deliveries.select_related("event")
    context = {
        "webhook": found,
        "secret": secret,
        "page": Paginator(deliveries, DELIVERIES_A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "settings/webhook.html", context)


def _found(request: HttpRequest, webhook_id: uuid.UUID) -> WebhookEndpoint:
    """One that the user owns, or whose team they edit in: viewers do not see where a team's
    events go. Locked until the end of a transaction, if there is one."""
    rows = WebhookEndpoint.objects.editable_by(cast(User, request.user)).filter(pk=webhook_id)
    if transaction.get_connection().in_atomic_block:
        rows = rows.select_for_update(of=("self",))
    found: WebhookEndpoint | None = rows.first()
    if found is None:
        raise Http404
    return found
