"""Background work of the ledger."""

from __future__ import annotations

from backend.infra.jobs import Cron
from backend.wallet.service import LedgerService

_ROLL_UP_SECONDS = 10


def crons(service: LedgerService) -> list[Cron]:
    """Timers: the shop accounts' balances are rolled up. They are exact without it, and faster to read with it."""

    async def roll_up() -> None:
        await service.roll_up()

    return [Cron("wallet.roll_up", roll_up, seconds=_ROLL_UP_SECONDS)]
