"""What writes readings, and what lets them be read while they are written."""

from __future__ import annotations

from dataclasses import dataclass

from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.service.authors import Authors
from backend.readings.service.calling import Calling
from backend.readings.service.interpreting import InterpretingService
from backend.readings.service.prompting import ModelService, PromptsService
from backend.readings.service.upkeep import UpkeepService
from backend.readings.service.watching import WatchingService

_BUILT_IN_SECONDS = 600
"""More than the built-in interpreter takes for the longest spread at the slowest pace."""


@dataclass(frozen=True, kw_only=True)
class InterpretationServices:
    """The services around the interpreters, one for each concern."""

    interpreting: InterpretingService
    """The worker's part: texts are written."""
    watching: WatchingService
    """Texts are read while they are written."""
    prompts: PromptsService
    model: ModelService
    upkeep: UpkeepService
    longest: int
    """Seconds that no text takes."""
    calling: Calling | None

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        signals: Signals,
        authors: Authors,
        calling: Calling | None,
        longest: int,
    ) -> InterpretationServices:
        """Put them together; ``longest`` is how many seconds the model has for a text."""
        return cls(
            interpreting=InterpretingService(uow=uow, ring=ring, signals=signals, authors=authors),
            watching=WatchingService(uow=uow, ring=ring),
            prompts=PromptsService(uow=uow),
            model=ModelService(uow=uow, calling=calling),
            upkeep=UpkeepService(uow=uow),
            longest=longest + _BUILT_IN_SECONDS,
            calling=calling,
        )

    async def close(self) -> None:
        """Close the connections to the model's server."""
        if self.calling is not None:
            await self.calling.model.close()
