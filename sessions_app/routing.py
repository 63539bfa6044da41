"""Addresses of sockets; ``accounts.socket_authentication`` has to stand around them."""

from django.urls import re_path

from sessions_app.consumer import DubbingConsumer, UnknownAddress

websocket_urlpatterns = [
    re_path(
        r"^ws/(?P<connection_id>[^/]+)/(?P<session_id>[^/]+)/?$",
        DubbingConsumer.as_asgi(),
    ),
    re_path(r"", UnknownAddress.as_asgi()),
]
