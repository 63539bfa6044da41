"""``/api/engines`` and ``/api/engine-keys/check``: what can be chosen, and does it work?"""

from __future__ import annotations

from typing import cast

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from accounts.authentication import REST_AUTHENTICATION
from accounts.models import User
from sessions_app.engine_access import access_of
from sessions_app.engine_list import check_keys_of, engines_for


class EnginesView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """The engines that the user's sessions may choose from, by role."""
        return Response(engines_for(access_of(cast(User, request.user).pk)))


class CheckKeysView(APIView):
    authentication_classes = REST_AUTHENTICATION
    permission_classes = (IsAuthenticated,)
    # Every check is a call to a vendor, on somebody's account.
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "engine_check"

    def post(self, request: Request) -> Response:
        """Try each of the user's own keys with one cheap call."""
        found = check_keys_of(cast(User, request.user).pk)
        return Response({"checks": [one.shown() for one in found]})
