"""DATABASE_URL, REDIS_URL and EMAIL_URL: one spelling each, turned into what clients want."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

POSTGRES_FORM = "postgresql://user:password@host:5432/database (?sslmode=… and the like may follow)"
PORT_OF = re.compile(r":[0-9]*$")
REDIS_FORM = "redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/redis.sock?db=0"


def parse_database_url(url: str) -> dict[str, Any]:
    """A Django DATABASES entry for Postgres; a percent-encoded host is a socket folder.

    Raises ValueError saying which form is allowed.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError(POSTGRES_FORM) from None
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name or "/" in name:
        raise ValueError(POSTGRES_FORM)
    options = dict(parse_qsl(parts.query))
    # urlsplit lower-cases the host name, which would break a socket folder's path.
    host = unquote(PORT_OF.sub("", parts.netloc.rpartition("@")[2]).strip("[]"))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", host),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def socket_database_url(*, folder: str, user: str, database: str) -> str:
    """A URL that libpq and parse_database_url both read; the folder stands as the host."""
    user, folder, database = (quote(part, safe="") for part in (user, folder, database))
    return f"postgresql://{user}@{folder}/{database}"


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """One Redis, in the spellings of redis-py and of Celery's transport."""

    client: str
    """redis-py, the channel layer and Django's cache: redis://, rediss:// or unix://."""
    celery: str
    """kombu: redis://, rediss:// or redis+socket://."""


def parse_redis_url(url: str) -> RedisUrl:
    """Raises ValueError saying which form is allowed."""
    parts = urlsplit(url)
    if parts.scheme in ("redis", "rediss"):
        database = parts.path.lstrip("/") or "0"
        try:
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            port_is_valid = False
        if not parts.hostname or not port_is_valid or not database.isdecimal():
            raise ValueError(REDIS_FORM)
        return RedisUrl(client=url, celery=url)
    if parts.scheme in ("unix", "redis+socket") and parts.path.startswith("/"):
        query = dict(parse_qsl(parts.query))
        database = query.get("db") or query.get("virtual_host") or "0"
        if parts.hostname or not database.isdecimal():
            raise ValueError(REDIS_FORM)
        place = f"{parts.netloc}{parts.path}"
        return RedisUrl(
            client=f"unix://{place}?db={database}",
            celery=f"redis+socket://{place}?virtual_host={database}",
        )
    raise ValueError(REDIS_FORM)


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    user: str
    password: str
    starttls: bool
    tls: bool


MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
MAIL_FORM = (
    "smtp+starttls://user:password@host:587, smtps://user:password@host:465 or smtp://host:25, "
    "with %40 for an @ in the user's name"
)


def parse_email_url(url: str) -> MailServer:
    """Raises ValueError saying which form is allowed."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError(MAIL_FORM) from None
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in MAIL_PORTS or not parts.hostname or extra:
        raise ValueError(MAIL_FORM)
    return MailServer(
        host=parts.hostname,
        port=port or MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+starttls",
        tls=parts.scheme == "smtps",
    )
