"""The terms that somebody keeps, read when a run of theirs starts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from django.db import Error as DatabaseError

from accounts.orm_thread import in_orm_thread
from pipeline.bounds import GLOSSARY_READ_S
from pipeline.plan import AUTO
from sessions_app.glossaries.selectors import terms_for

log = logging.getLogger(__name__)


async def kept_terms(user_id: int, sources: Collection[str], target: str) -> dict[str, str]:
    """Source term → what it becomes. While the database is away a run goes without."""
    if not user_id:
        return {}
    spoken = [source for source in sources if source != AUTO]
    try:
        async with asyncio.timeout(GLOSSARY_READ_S):
            return await in_orm_thread(terms_for, user_id, sources=spoken, target=target)
    except (DatabaseError, TimeoutError) as error:
        log.warning("no kept terms", extra={"code": type(error).__name__})
        return {}
