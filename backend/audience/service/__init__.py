"""Use cases about the people of a shop, seen by admins through all slices at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from backend.audience.service.bulk import PeopleBulkService
from backend.audience.service.people import AudienceService
from backend.audience.service.segments import SegmentsService
from backend.audience.service.timeline import NEEDS, TimelineService
from backend.infra.live_settings import Live
from backend.infra.timeline import Source
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId

__all__ = ["NEEDS", "AudienceService", "AudienceServices", "PeopleBulkService", "SegmentsService", "TimelineService"]


@dataclass(frozen=True, kw_only=True)
class AudienceServices:
    """The services of this slice."""

    people: AudienceService
    """People by filter."""
    bulk: PeopleBulkService
    """Actions on many people."""
    segments: SegmentsService
    """Filters under names."""
    timeline: TimelineService
    """One person's history."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        forget: Callable[[UserId], None],
        sources: Sequence[Source],
        grace: Live[timedelta],
        currency: str,
    ) -> AudienceServices:
        """The services; ``sources`` are where a person's history is read, ``grace`` is that of premium,
        ``forget`` has a person read again once a change of them is committed."""
        return cls(
            people=AudienceService(uow=uow, grace=grace, currency=currency),
            bulk=PeopleBulkService(uow=uow, forget=forget, grace=grace, currency=currency),
            segments=SegmentsService(uow=uow, grace=grace, currency=currency),
            timeline=TimelineService(uow=uow, sources=sources),
        )
