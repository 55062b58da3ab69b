"""A shop that sells goods by hand, with two admins who prepare them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
from sqlalchemy import select, text, update

from backend.bootstrap import make_fulfillers
from backend.catalog.models import Variant
from backend.catalog.service import HandWorkService
from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.catalog.types.hand_work import HandWorkDue
from backend.identity.types import Actor, Permission
from backend.infra.audit import AuditEntry
from backend.infra.crypto import KeyRing
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import OrderLineId
from backend.orders.service import OrdersServices
from backend.orders.types import OrderView
from backend.wallet.repository import ledger
from backend.wallet.types import Problem
from tests.backend.orders.two_kinds import some
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import HUGE, actor_of, add_person, wallet_services

PRICE = 1500


class HandShop:
    """The services, a buyer with 100.00, and what a test asks of them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, folder: Path) -> None:
        self.uow, self.ring = uow, ring
        files = PrivateFiles(folder)
        self.work = HandWorkService(uow=uow, ring=ring, files=files)
        self.orders = OrdersServices.build(
            uow=uow, ring=ring, fulfillers=make_fulfillers(ring), single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15), files=files,
        )  # fmt: skip
        self.wallet = wallet_services(uow)

    async def open(self, places: int | None = None) -> None:
        """Fill it."""
        (self.buyer,) = await buyers(self.uow, 1, 10_000)
        self.dana, self.omar = [await self.admin() for _ in range(2)]
        async with self.uow() as tx:
            self.goods = await add_goods(tx, self.ring, keys=0, price=PRICE, kind="by_hand")
            self.keys = await add_goods(tx, self.ring, keys=3, price=700)
            change = update(Variant).where(Variant.id == self.goods.variant_id)
            await tx.execute(change.values(open_places=places))

    async def admin(self) -> Actor:
        """Somebody who may prepare orders."""
        async with self.uow() as tx:
            actor = actor_of(await add_person(tx))
        return msgspec.structs.replace(actor, permissions=frozenset({Permission.ORDERS}))

    async def buy(self, key: str, *more: Goods, quantity: int = 1) -> tuple[OrderView, OrderLineId]:
        """An order of the goods by hand and of one of each of ``more``; its first line."""
        lines = some((self.goods, quantity), *((one, 1) for one in more))
        order = await self.orders.checkout.place_all(self.buyer, lines, key)
        return order, order.lines[0].id

    async def view(self, order: OrderView) -> OrderView:
        """The order as its buyer sees it now."""
        return await self.orders.history.detail(self.buyer, order.number)

    async def settle(self) -> None:
        """What the worker does with every line that has ended; each job twice, for it is at-least-once."""
        statement = text("SELECT task, payload FROM outbox_jobs WHERE task LIKE 'orders.%_line' ORDER BY id")
        async with self.uow.read() as tx:
            jobs = [(row.task, row.payload) for row in await tx.execute(statement)]
        for task, payload in jobs * 2:
            event = msgspec.convert(payload, LineFulfilled if task == "orders.deliver_line" else LineFailed)
            await self.orders.settlement.settle_line(event)

    async def reminders(self) -> list[HandWorkDue]:
        """What admins were reminded of."""
        statement = text("SELECT payload FROM outbox_jobs WHERE task = 'notifications.hand_work_due' ORDER BY id")
        async with self.uow.read() as tx:
            return [msgspec.convert(row.payload, HandWorkDue) for row in await tx.execute(statement)]

    async def audited(self) -> list[tuple[str, object]]:
        """What admins did, and who."""
        async with self.uow.read() as tx:
            rows = await tx.execute(select(AuditEntry.action, AuditEntry.actor_id).order_by(AuditEntry.id))
            return [(row.action, row.actor_id) for row in rows]

    async def balance(self) -> int:
        """What the buyer has."""
        return (await self.wallet.statement.overview(self.buyer)).balance.amount

    async def proven(self) -> None:
        """The ledger is balanced."""
        async with self.uow.read() as tx:
            differences = [await ledger.list_differences(tx, problem) for problem in Problem]
        assert not any(listed for listed, _ in differences)
