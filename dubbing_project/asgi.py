"""Where requests enter: pages and the interface to Django, sockets to the consumers."""

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
from sessions_app.loop_lag import begin_sampling  # noqa: E402
from sessions_app.routing import websocket_urlpatterns  # noqa: E402
from sessions_app.wiring import begin_warming  # noqa: E402

# Pages of other sites are kept out by SocketAuthentication: it takes the login cookie
# from pages of this very host only. Native clients send no Origin and carry a token.
router = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(SocketAuthentication(URLRouter(websocket_urlpatterns))),
    }
)


async def application(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """The first request of all, which is the runner's own, has the engines loaded.

    Daphne has no start-up event, and engines belong to the loop that serves; so do the
    sampler of its lag and the watch over what the server stands on.
    """
    begin_warming()
    begin_sampling()
    begin_watching()
    await router(scope, receive, send)
