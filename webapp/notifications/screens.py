"""Messages and jobs that did not go through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from backend.infra.jobs import FailedJob
from webapp.core.parts import Chip


class DeliveryRow(msgspec.Struct, frozen=True):
    """A message or a job that did not go through yet."""

    id: str
    name: str
    state: Literal["retrying", "dead"]
    attempts: int
    at: datetime
    error: str = ""
    next_at: datetime | None = None


class DeliveriesPage(msgspec.Struct, frozen=True):
    """notifications/admin/deliveries.html"""

    filters: tuple[Chip, ...]
    rows: tuple[DeliveryRow, ...]
    next_url: str | None = None


def delivery(job: FailedJob) -> DeliveryRow:
    """A job that did not go through."""
    return DeliveryRow(
        id=str(job.id),
        name=job.task,
        state="dead" if job.dead_at else "retrying",
        attempts=job.attempts,
        at=job.dead_at or job.created_at,
        error=_last_line(job.last_error),
        next_at=None if job.dead_at else job.run_at,
    )


def _last_line(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines()
    return lines[-1][:200] if lines else ""
