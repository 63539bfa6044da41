"""What programs ask for most, as methods; ``request`` is for every other address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from . import shapes
from .projects import ProjectMethods


class DubbingClient(ProjectMethods):
    """One user's view of a server. Use it as a context manager, or ``close`` it.

    Requests that are safe to repeat are, up to four times: after a network that broke, 429 and
    503, with the pause that the server asks for. Creations carry an ``Idempotency-Key`` of
    their own, so that they are safe too. Edits name the ETag of what was read last, and raise
    ApiError ``changed_meanwhile`` when somebody else was quicker. Raises ApiError and
    ``httpx.TransportError``.
    """

    # People and tokens --------------------------------------------------------------

    def me(self) -> shapes.Me:
        return cast(shapes.Me, self._get("/api/me"))

    def tokens(self) -> Iterator[shapes.Token]:
        return cast("Iterator[shapes.Token]", self._pages("/api/tokens"))

    def create_token(
        self, name: str, *, scopes: list[str] | None = None, expires_in_days: int | None = None
    ) -> shapes.MadeToken:
        body = {"name": name, "scopes": scopes, "expires_in_days": expires_in_days}
        return cast(shapes.MadeToken, self._create("/api/tokens", body))

    def revoke_token(self, token_id: int) -> None:
        self.request("DELETE", f"/api/tokens/{token_id}")

    def ticket(self) -> shapes.Ticket:
        """A pass to one socket, for 30 seconds."""
        return cast(shapes.Ticket, self.request("POST", "/api/ticket").json())

    # Sessions -----------------------------------------------------------------------

    def sessions(self, **filters: str | int | list[str]) -> Iterator[shapes.Session]:
        """Newest first; by ``state``, ``source_language``, ``target_language``,
        ``created_after``, ``created_before``, ``team``, and words in ``q``."""
        return cast("Iterator[shapes.Session]", self._pages("/api/sessions", filters))

    def session(self, session_id: str) -> shapes.SessionDetail:
        return cast(shapes.SessionDetail, self._get(f"/api/sessions/{session_id}"))

    def create_session(
        self,
        target_language: str,
        *,
        source_language: str = "auto",
        title: str = "",
        preserve_voice: bool = True,
        team: int | None = None,
    ) -> shapes.MadeSession:
        body = {
            "target_language": target_language,
            "source_language": source_language,
            "title": title,
            "preserve_voice": preserve_voice,
            "team": team,
        }
        return cast(shapes.MadeSession, self._create("/api/sessions", body))

    def edit_session(self, session_id: str, **changes: Any) -> shapes.SessionDetail:
        """Change ``title`` or ``team``."""
        return cast(shapes.SessionDetail, self._edit(f"/api/sessions/{session_id}", changes))

    def delete_session(self, session_id: str) -> None:
        self.request("DELETE", f"/api/sessions/{session_id}")

    def lines(self, session_id: str, **filters: str | float) -> Iterator[shapes.Line]:
        """In order; by ``speaker``, ``after``, ``from_s``, ``until_s``, and words in ``q``."""
        return cast(
            "Iterator[shapes.Line]", self._pages(f"/api/sessions/{session_id}/lines", filters)
        )

    def transcript(
        self,
        session_id: str,
        *,
        format: Literal["txt", "srt", "vtt", "json"] = "txt",
        text: Literal["source", "target", "both"] = "both",
        times: Literal["source", "dub"] = "source",
    ) -> str:
        query = {"format": format, "text": text, "times": times}
        return self.request("GET", f"/api/sessions/{session_id}/transcript", query=query).text

    def statistics(self, session_id: str) -> shapes.Statistics:
        return cast(shapes.Statistics, self._get(f"/api/sessions/{session_id}/statistics"))

    # Engines and use ----------------------------------------------------------------

    def languages(self, **engines: str) -> shapes.Languages:
        """What can be dubbed; with other engines: ``recognition``, ``translation``,
        ``synthesis``."""
        return cast(shapes.Languages, self._get("/api/languages", engines))

    def voices(self, language: str) -> list[shapes.Voice]:
        """Clones of actors and stock voices, of every page."""
        found = self._pages("/api/voices", {"language": language}, rows="voices")
        return cast(list[shapes.Voice], list(found))

    def usage(self, *, days: int = 30) -> shapes.Usage:
        return cast(shapes.Usage, self._get("/api/usage", {"days": days}))

    # Glossaries ---------------------------------------------------------------------

    def glossaries(self) -> Iterator[shapes.Glossary]:
        return cast("Iterator[shapes.Glossary]", self._pages("/api/glossaries"))

    def create_glossary(self, name: str, **fields: Any) -> shapes.Glossary:
        """With ``source_language``, ``target_language``, ``enabled``, ``team``."""
        return cast(shapes.Glossary, self._create("/api/glossaries", {"name": name, **fields}))

    def edit_glossary(self, glossary_id: int, **changes: Any) -> shapes.Glossary:
        return cast(shapes.Glossary, self._edit(f"/api/glossaries/{glossary_id}", changes))

    def delete_glossary(self, glossary_id: int) -> None:
        self.request("DELETE", f"/api/glossaries/{glossary_id}")

    def terms(self, glossary_id: int, *, q: str = "") -> Iterator[shapes.Term]:
        query = {"q": q} if q else {}
        path = f"/api/glossaries/{glossary_id}/terms"
        return cast("Iterator[shapes.Term]", self._pages(path, query))

    def set_terms(self, glossary_id: int, terms: Mapping[str, str]) -> int:
        """Give all terms at once, source → what it becomes; returns how many there are."""
        body = {"terms": [{"source": one, "target": to} for one, to in terms.items()]}
        path = f"/api/glossaries/{glossary_id}/terms"
        return int(self.request("PUT", path, body=body).json()["term_count"])

    # Webhooks -----------------------------------------------------------------------

    def event_types(self) -> list[shapes.EventType]:
        found = self._get("/api/webhooks/event-types")["event_types"]
        return cast(list[shapes.EventType], found)

    def webhooks(self) -> Iterator[shapes.Webhook]:
        return cast("Iterator[shapes.Webhook]", self._pages("/api/webhooks"))

    def webhook(self, webhook_id: str) -> shapes.Webhook:
        return cast(shapes.Webhook, self._get(f"/api/webhooks/{webhook_id}"))

    def create_webhook(
        self,
        url: str,
        *,
        event_types: list[str] | None = None,
        description: str = "",
        team: int | None = None,
    ) -> shapes.MadeWebhook:
        """The answer holds the secret, this once."""
        body = {
            "url": url,
            "event_types": event_types,
            "description": description,
            "team": team,
        }
        return cast(shapes.MadeWebhook, self._create("/api/webhooks", body))

    def edit_webhook(self, webhook_id: str, **changes: Any) -> shapes.Webhook:
        return cast(shapes.Webhook, self._edit(f"/api/webhooks/{webhook_id}", changes))

    def delete_webhook(self, webhook_id: str) -> None:
        self.request("DELETE", f"/api/webhooks/{webhook_id}")

    def renew_webhook_secret(self, webhook_id: str) -> shapes.Secret:
        return cast(
            shapes.Secret, self.request("POST", f"/api/webhooks/{webhook_id}/secret").json()
        )

    def test_webhook(self, webhook_id: str) -> shapes.Delivery:
        return cast(
            shapes.Delivery, self.request("POST", f"/api/webhooks/{webhook_id}/test").json()
        )

    def deliveries(self, webhook_id: str, **filters: str | list[str]) -> Iterator[shapes.Delivery]:
        """Newest first; by ``status`` and ``event_type``."""
        path = f"/api/webhooks/{webhook_id}/deliveries"
        return cast("Iterator[shapes.Delivery]", self._pages(path, filters))

    def delivery(self, webhook_id: str, delivery_id: str) -> shapes.DeliveryDetail:
        path = f"/api/webhooks/{webhook_id}/deliveries/{delivery_id}"
        return cast(shapes.DeliveryDetail, self._get(path))

    def replay_delivery(self, webhook_id: str, delivery_id: str) -> shapes.Delivery:
        path = f"/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"
        return cast(shapes.Delivery, self.request("POST", path).json())

    def replay_failed(self, webhook_id: str, *, since: str | None = None) -> int:
        """Send again what failed for good since a time (ISO 8601); returns how many."""
        body = {"since": since} if since else {}
        return int(
            self.request("POST", f"/api/webhooks/{webhook_id}/replay", body=body).json()["replayed"]
        )
