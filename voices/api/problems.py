"""How what is wrong with a wish about actors is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.rest.problem_codes import EXPLAINED, Explained
from accounts.rest.problems import Problem
from voices.errors import VoicesError

CODES = {
    "consent_missing": Explained(
        409, "No consent covers this", "Write the actor's consent down first: /api/consents."
    ),
    "consent_revoked": Explained(
        409, "The consent was revoked", "A revoked consent stays revoked; give a new one."
    ),
    "limit_reached": Explained(409, "There is no room for more", "Delete what is not needed."),
    "link_invalid": Explained(
        403, "The link no longer opens anything", "Ask for a new one: it lasts for minutes."
    ),
    "not_spoken": Explained(
        409, "There is nothing to hear yet", "Ask again in a few seconds; or it may not be heard."
    ),
    "clone_streams_full": Explained(
        503, "Too many event streams are open", "Read the clone itself every few seconds."
    ),
    "not_analysed": Explained(
        409, "The sample is still being analysed", "Ask again in a few seconds."
    ),
}


def explain() -> None:
    """Called when the app is loaded."""
    EXPLAINED.update(CODES)


@contextmanager
def told() -> Iterator[None]:
    """Raise what a service refuses as a problem of the interface."""
    try:
        yield
    except VoicesError as error:
        if error.code in CODES:
            raise Problem(error.code, str(error)) from None
        if error.code == "not_yours":
            raise Problem("forbidden", str(error)) from None
        errors = {error.field: [str(error)]} if error.field else None
        raise Problem("invalid", str(error), errors=errors) from None
