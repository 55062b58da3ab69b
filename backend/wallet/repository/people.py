"""SQL of people's wallets for the back office: their timeline, and who has how much."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, select, true

from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.wallet.models import LedgerAccount, LedgerLeg, LedgerTransfer
from backend.wallet.types import WALLET


async def list_changes(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The newest changes of the person's wallet before a place; each asset's account gives a page by its index."""
    place = LedgerLeg.at, LedgerLeg.transfer_id
    of_account = (
        select(LedgerLeg.transfer_id, LedgerLeg.at, LedgerLeg.amount, LedgerLeg.asset)
        .where(LedgerLeg.account_id == LedgerAccount.id, LedgerLeg.seq.is_not(None))
        .where(LedgerLeg.at <= before.at)
    )
    legs = newest(of_account, place, before, limit).lateral("legs")
    statement = (
        select(legs.c.transfer_id, legs.c.at, legs.c.amount, legs.c.asset, LedgerTransfer.kind)
        .select_from(LedgerAccount)
        .join(legs, true())
        .join(LedgerTransfer, LedgerTransfer.id == legs.c.transfer_id)
        .where(LedgerAccount.user_id == user_id, LedgerAccount.name == WALLET)
        .order_by(legs.c.at.desc(), legs.c.transfer_id.desc())
        .limit(limit)
    )
    return [
        Entry(
            kind=EntryKind.TRANSFER, at=row.at, id=row.transfer_id, state=row.kind, amount=Money(row.amount, row.asset)
        )
        for row in await tx.execute(statement)
    ]


def with_more_than(minor_units: int, asset: str) -> Select[Any]:
    """The ids of people whose wallet holds more than this."""
    mine = and_(LedgerAccount.name == WALLET, LedgerAccount.asset == asset, LedgerAccount.user_id.is_not(None))
    return select(LedgerAccount.user_id).where(mine, LedgerAccount.balance > minor_units)
