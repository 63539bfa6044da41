"""How far somebody's files are reaches their open sessions, in whichever process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asgiref.sync import async_to_sync
from django.dispatch import receiver

from sessions_app.live import registry as live
from sessions_app.projects.notices import job_moved
from sessions_app.protocol.messages import JobMoved


@receiver(job_moved)
def tell_of_job(users: Sequence[int], told: Mapping[str, Any], **_: Any) -> None:
    async_to_sync(live.tell_people)(users, JobMoved(**told))
