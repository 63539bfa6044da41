"""A Python client of the interface: copy this folder into your program, with httpx beside it.

It stands on nothing else of this project::

    from client import DubbingClient

    with DubbingClient("https://dub.example.org", token) as api:
        for session in api.sessions(state="ended", q="train"):
            print(session["title"], api.transcript(session["id"], format="srt"))

Live sound goes over the socket, see ``/protocol``; ``verify_webhook`` is for your receiver.
"""

from .client import DubbingClient
from .errors import ApiError
from .receiving import NotVerifiedError, verify_webhook

__all__ = ["ApiError", "DubbingClient", "NotVerifiedError", "verify_webhook"]
