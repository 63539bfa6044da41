"""Where requests enter: pages and the interface to Django, sockets to the consumers."""

import contextlib
import gc
import os

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubbing_project.settings")
# Before the imports below: consumers import models, which need the apps to be loaded.
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from accounts.socket_authentication import SocketAuthentication  # noqa: E402
from dubbing_project.health.watch import begin_watching  # noqa: E402
from pipeline import metrics  # noqa: E402
from sessions_app.engines.loaded import begin_warming, engines  # noqa: E402
from sessions_app.live import registry as live  # noqa: E402
from sessions_app.processes import readiness  # noqa: E402
from sessions_app.processes.loop_lag import begin_sampling  # noqa: E402
from sessions_app.routing import websocket_urlpatterns  # noqa: E402

metrics.export_bounds()

# Pages of other sites are kept out by SocketAuthentication: it takes the login cookie
# from pages of this very host only. Native clients send no Origin and carry a token.
router = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(SocketAuthentication(URLRouter(websocket_urlpatterns))),
    }
)


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Under a server that does not call `warm`, the first request begins what it would."""
    _begin()
    await router(scope, receive, send)


def _begin() -> None:
    """What belongs to the loop that serves: its engines, and what looks after it."""
    begin_warming()
    begin_sampling()
    begin_watching()
    live.begin_answering()


async def warm() -> None:
    """Returns when the engines are loaded or have failed to: the server is as ready as it gets.

    Engines belong to the loop that serves, so a server calls this from there.
    """
    _begin()
    with contextlib.suppress(Exception):
        # A failure is logged where it happens, is in the health report, and is met again by
        # the first session.
        await engines()
    # What is loaded stays: collections that look through all of it would stop every session.
    gc.collect()
    gc.freeze()


async def drain(timeout_s: float) -> None:
    """Before the server stops: every live session is told and put on record."""
    readiness.withdraw("draining")
    await live.drain(timeout_s)
