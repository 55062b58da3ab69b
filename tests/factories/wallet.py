"""People with money, for tests."""

from __future__ import annotations

import itertools

from sqlalchemy import insert

from backend.identity.models import User
from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.wallet import domain
from backend.wallet.service import AdjustmentsService, LedgerService, StatementService, WalletServices
from backend.wallet.types import AccountRef, TransferKind

USD = "USD"
_telegram_ids = itertools.count(700_000_000)


def usd(cents: int) -> Money:
    """Dollars, told in cents."""
    return Money(cents, USD)


HUGE = usd(10**15)
"""A single-admin limit that nobody comes to."""


def wallet_services(uow: UnitOfWork, *, limit: Money = HUGE) -> WalletServices:
    """The wallet of a shop that sells in dollars."""
    return WalletServices(
        statement=StatementService(uow=uow, currency=USD),
        ledger=LedgerService(uow=uow),
        adjustments=AdjustmentsService(uow=uow, limit=limit),
    )


async def add_person(tx: Tx, *, language: Locale = Locale.EN) -> UserId:
    """A person without a past."""
    user_id = UserId(tx.new_id())
    row = {"id": user_id, "telegram_id": next(_telegram_ids), "first_name": "Nadia", "language": language.value}
    await tx.execute(insert(User), {**row, "created_at": tx.now})
    return user_id


def actor_of(user_id: UserId, *, timezone: str = "UTC", language: Locale = Locale.EN) -> Actor:
    """The person as an actor."""
    return Actor(user_id=user_id, telegram_id=1, first_name="Nadia", language=language, timezone=timezone)


async def give(tx: Tx, user_id: UserId, amount: Money) -> None:
    """Top the person's wallet up."""
    provider = AccountRef.shop("provider:demo")
    key = f"gift:{tx.new_id()}"
    await domain.transfer(tx, TransferKind.TOP_UP, key, provider, AccountRef.user(user_id), amount)


async def rich_person(uow: UnitOfWork, amount: Money) -> UserId:
    """A new person who has ``amount``."""
    async with uow() as tx:
        user_id = await add_person(tx)
        if amount:
            await give(tx, user_id, amount)
    return user_id
