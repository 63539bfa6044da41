"""For a receiver of webhooks: is this really from the server? After Standard Webhooks.

Deliveries may come more than once: keep the ``id`` of those that you have done.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

TOLERANCE_S = 300


class NotVerifiedError(Exception):
    """Not from the server, changed on its way, or so old that it may be a repetition."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> dict[str, Any]:
    """The event: ``id``, ``type``, ``timestamp`` and ``data``. ``body`` is as it came, unread.

    Raises NotVerifiedError.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        event_id, sent_at = given["webhook-id"], given["webhook-timestamp"]
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        if abs((time.time() if now is None else now) - int(sent_at)) > TOLERANCE_S:
            raise NotVerifiedError("The delivery is too old, or a clock is wrong.")
        signed = b".".join((event_id.encode(), sent_at.encode(), body))
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        signatures = [
            text.partition(",")[2].encode()
            for text in given["webhook-signature"].split()
            if text.startswith("v1,")
        ]
    except (KeyError, ValueError, binascii.Error):
        raise NotVerifiedError("The headers are not those of a delivery.") from None
    if not any(hmac.compare_digest(wanted, one) for one in signatures):
        raise NotVerifiedError("The signature is not the server's.")
    event: dict[str, Any] = {"id": event_id, **json.loads(body)}
    return event
