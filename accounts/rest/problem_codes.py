"""Every code of an error answer of the interface: its status, its title, and what to do.

Programs decide by the code; ``detail`` beside it is for people and may change. Apps add
theirs when they are loaded, as ``EXPLAINED.update(…)``; the page ``/api/problems`` shows all,
and behind them those of ``IN_RECORDS``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    status: int
    title: str
    remedy: str


EXPLAINED: dict[str, Explained] = {
    "invalid": Explained(
        400, "The request is not valid", "`errors` says for each field what is wrong with it."
    ),
    "malformed": Explained(400, "The request cannot be read", "Send well-formed JSON in UTF-8."),
    "cursor_invalid": Explained(
        400, "There is no such page", "Take `cursor` from `next` or `previous` of another page."
    ),
    "idempotency_key_invalid": Explained(
        400, "The Idempotency-Key has a wrong form", "Use 1 to 255 printable ASCII characters."
    ),
    "not_authenticated": Explained(
        401, "Nobody is logged in", "Send `Authorization: Token …` with a token of yours."
    ),
    "credential_invalid": Explained(
        401,
        "The token is no good",
        "The token is wrong, revoked or expired: make a new one.",
    ),
    "forbidden": Explained(403, "This is not allowed", "`detail` says to whom it is."),
    "scope_missing": Explained(
        403, "The token lacks a scope", "Make a token with the scope that `detail` names."
    ),
    "pairing_code_wrong": Explained(
        403,
        "The pairing code is wrong, used or too old",
        "Make a new one on the page of the browser extension.",
    ),
    "user_keys_off": Explained(
        403, "People's own engine keys are off", "Whoever runs the server can allow them."
    ),
    "not_found": Explained(
        404, "There is no such thing", "Check the address; what is somebody else's looks the same."
    ),
    "method_not_allowed": Explained(
        405, "The address does not take this method", "`Allow` lists those that it takes."
    ),
    "not_acceptable": Explained(
        406,
        "No such form or version",
        "Accept `application/json`, with `version=1` or without a version.",
    ),
    "conflict": Explained(409, "Something is in the way", "`detail` says what."),
    "token_limit": Explained(409, "You hold too many tokens", "Revoke one first."),
    "webhook_limit": Explained(409, "You have too many webhooks", "Delete one first."),
    "webhook_disabled": Explained(
        409, "The webhook is disabled", "Enable it first: nothing is sent to it."
    ),
    "idempotency_key_reused": Explained(
        409, "The Idempotency-Key was used otherwise", "Use another key for another request."
    ),
    "idempotency_in_progress": Explained(
        409, "The same request is under way", "Ask again after `Retry-After` seconds."
    ),
    "changed_meanwhile": Explained(
        412, "It was changed meanwhile", "Read it again, and edit what it is now."
    ),
    "too_large": Explained(413, "The request is too large", "`detail` says how large it may be."),
    "unsupported_media_type": Explained(
        415, "The form of the body is not taken", "Send `application/json`."
    ),
    "if_match_required": Explained(
        428,
        "An edit says what it edits",
        "Send `If-Match` with the ETag that you read, or `*` to edit whatever is there.",
    ),
    "too_many_requests": Explained(
        429, "Too many requests", "Wait `Retry-After` seconds; `RateLimit` tells what is left."
    ),
    "internal_error": Explained(
        500, "A fault of the server", "Tell its operator the `X-Request-Id`."
    ),
    "database_away": Explained(503, "The database is away", "Ask again in a few seconds."),
    "row_busy": Explained(
        503, "Somebody else is changing it", "Nothing was changed; ask again in a second."
    ),
    "engine_unavailable": Explained(503, "An engine cannot be used", "`detail` says why."),
}

IN_RECORDS: dict[str, str] = {}
"""Code → what it means, of those that only stand in ``problem`` of what was made in the
background: jobs, lines, clones. Apps add theirs; codes of ``EXPLAINED`` may stand there too."""


def of_status(status: int) -> str:
    """The code of an error that says no more than its status."""
    usual = {400: "malformed", 409: "conflict", 503: "database_away"}
    if status in usual:
        return usual[status]
    found = next((code for code, one in EXPLAINED.items() if one.status == status), None)
    return found or ("internal_error" if status >= 500 else "malformed")
