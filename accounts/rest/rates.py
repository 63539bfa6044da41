"""How often one may ask: so many requests in each minute, counted in Redis.

By token; by user for a page with a login cookie; by address for a visitor. Each answer says
how it stands in ``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers),
and a refusal in ``Retry-After`` too. Redis that is away lets everybody through: the interface
must work without it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.rest.scopes import TokenAccess

WINDOW_S = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RateStanding:
    policy: str
    limit: int
    used: int
    reset_s: int
    """Until the next window begins."""

    def headers(self) -> dict[str, str]:
        left = max(0, self.limit - self.used)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={left};t={self.reset_s}',
        }


class RateLimit(BaseThrottle):
    """Of the view's ``rate``, a name in ``API_RATES``; without one, of who is asking."""

    def __init__(self) -> None:
        self._standing: RateStanding | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        who, usual = self._who(request)
        policy = view.rate or usual
        now = time.time()
        window, passed = divmod(int(now), WINDOW_S)
        used = _count(f"rate:{policy}:{who}:{window}")
        standing = RateStanding(policy, settings.API_RATES[policy], used, WINDOW_S - passed)
        self._standing = request._request.rate_standing = standing  # type: ignore[attr-defined]
        return used <= standing.limit

    def wait(self) -> float | None:
        return None if self._standing is None else float(self._standing.reset_s)

    def _who(self, request: Request) -> tuple[str, str]:
        if isinstance(request.auth, TokenAccess):
            return f"token-{request.auth.token_id}", "token"
        if request.user and request.user.is_authenticated:
            return f"user-{request.user.pk}", "user"
        return f"address-{self.get_ident(request)}", "anonymous"


def _count(key: str) -> int:
    """How many have asked in this window, with this one; 0 while Redis is away."""
    try:
        cache.add(key, 0, timeout=2 * WINDOW_S)
        return int(cache.incr(key))
    except RedisError as error:
        log.warning("requests not counted", extra={"error": type(error).__name__})
    except ValueError:
        # Gone between the two: memory was short.
        return 1
    return 0
