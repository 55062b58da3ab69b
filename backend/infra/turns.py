"""A long task in turns, each a transaction of its own: one job does as many as it has time for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from backend.infra.failpoints import failpoint
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.events import Event

_SECONDS_A_JOB: Final = 20.0


async def take_turns(uow: UnitOfWork, turn: Callable[[], Awaitable[bool]], again: Event) -> None:
    """Take turns until one says False; what takes longer is left to the job that ``again`` starts."""
    until = time.monotonic() + _SECONDS_A_JOB
    while await turn():
        failpoint("turns.next")
        if time.monotonic() > until:
            async with uow() as tx:
                tx.emit(again)
            return
