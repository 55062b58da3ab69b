"""Use cases about the people of a shop, seen by admins through all slices at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.audience.service.timeline import NEEDS, TimelineService
from backend.infra.timeline import Source
from backend.infra.unit_of_work import UnitOfWork

__all__ = ["NEEDS", "AudienceServices", "TimelineService"]


@dataclass(frozen=True, kw_only=True)
class AudienceServices:
    """The services of this slice."""

    timeline: TimelineService
    """One person's history."""

    @classmethod
    def build(cls, *, uow: UnitOfWork, sources: Sequence[Source]) -> AudienceServices:
        """The services; ``sources`` are where a person's history is read."""
        return cls(timeline=TimelineService(uow=uow, sources=sources))
