"""``/settings/data``: a copy of everything, and the end of the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import IO, cast

from allauth.account.decorators import reauthentication_required
from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError as QueueAway

from accounts.forms import DeleteAccountForm
from accounts.models import DataExport, User
from accounts.personal_data import ObstacleError, ask_for_export, delete_account, forget_export
from accounts.tasks import export_data

_PIECE_BYTES = 256 * 1024


@never_cache
@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    export = DataExport.objects.filter(user=cast(User, request.user)).first()
    return render(request, "settings/data.html", {"export": export})


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    ask_for_export(user)
    try:
        export_data.apply_async((user.pk,), retry=False)
    except (QueueAway, OSError):
        forget_export(user)
        messages.error(request, "The server cannot make the copy just now; try again in a while.")
    else:
        messages.success(request, "The copy is being made. Look here again in a moment.")
    return redirect("settings-data")


@login_required
@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    export = DataExport.objects.filter(
        user=cast(User, request.user), state=DataExport.State.READY
    ).first()
    if export is None or not default_storage.exists(export.file):
        raise Http404
    file = default_storage.open(export.file, "rb")
    return StreamingHttpResponse(
        _pieces(file),
        content_type="application/zip",
        headers={
            "Content-Disposition": 'attachment; filename="live-dubbing-data.zip"',
            "Content-Length": str(export.size_bytes),
            "Cache-Control": "no-store",
        },
    )


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Piece by piece: a stream that is not asynchronous would be read whole before it goes."""
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
    finally:
        await sync_to_async(file.close)()


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = DeleteAccountForm(request.POST or None, address=user.email)
    if request.method == "POST" and form.is_valid():
        try:
            delete_account(User.objects.get(pk=user.pk))
        except ObstacleError as error:
            for reason in error.reasons:
                form.add_error(None, reason)
        else:
            logout(request)
            messages.success(request, "Your account and everything of yours is deleted.")
            return redirect("home")
    return render(request, "settings/delete_account.html", {"form": form})


guarded_delete = reauthentication_required(delete)
