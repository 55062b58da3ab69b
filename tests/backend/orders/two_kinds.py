"""A shop of two kinds of goods, for the tests of orders of several lines."""

from __future__ import annotations

from datetime import timedelta

from backend.bootstrap import FULFILLERS
from backend.catalog import domain as catalog
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderLineId
from backend.orders.domain.lines import Fulfillers
from backend.orders.service import OrdersServices
from backend.orders.types import OrderView, RequestedLine, ReservationLimits
from backend.orders.types.lines import LineStatus
from backend.wallet import domain as wallet
from backend.wallet.repository import ledger
from backend.wallet.types import Problem
from tests.factories.shop import Goods, add_goods, buyers
from tests.factories.wallet import HUGE, USD
from tests.fakes.fulfiller import FakeGoods


class Shop:
    """Two products of keys and two of the fake kind, and a buyer with 100.00."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, *, slow: bool = False) -> None:
        self.uow, self.ring, self.fake = uow, ring, FakeGoods(slow=slow)
        self.fulfillers = Fulfillers([*(make(ring) for make in FULFILLERS), self.fake])
        self.orders = OrdersServices.build(
            uow=uow, ring=ring, fulfillers=self.fulfillers, single_admin_limit=lambda: HUGE,
            reservation=lambda: timedelta(minutes=15), limits=lambda: ReservationLimits(keys=100, share=100),
        )  # fmt: skip

    async def open(self) -> None:
        """Fill it."""
        (self.buyer,) = await buyers(self.uow, 1, 10_000)
        async with self.uow() as tx:
            await self.fake.create(tx)
            self.keys = [await add_goods(tx, self.ring, keys=3, price=700) for _ in range(2)]
            self.fakes = [await add_goods(tx, self.ring, keys=0, price=150, kind="fake") for _ in range(2)]
            for goods in self.fakes:
                await self.fake.restock(tx, goods.variant_id, 3)

    async def left(self) -> list[int]:
        """What can be bought of each."""
        async with self.uow() as tx:
            keys = [await catalog.count_available(tx, goods.variant_id) for goods in self.keys]
            return keys + [await self.fake.left(tx, goods.variant_id) for goods in self.fakes]

    async def give_away(self, tx: Tx) -> Goods:
        """More of the fake kind, for nothing."""
        goods = await add_goods(tx, self.ring, keys=0, price=0, kind="fake")
        await self.fake.restock(tx, goods.variant_id, 3)
        return goods

    async def balance(self) -> int:
        """What the buyer has."""
        async with self.uow.read() as tx:
            return int((await wallet.balance(tx, self.buyer.id, USD)).amount)

    async def view(self, number: str) -> OrderView:
        """The order as its buyer sees it."""
        return await self.orders.history.detail(self.buyer, number)

    async def end_line(self, line_id: OrderLineId, failure: str = "") -> None:
        """The slow kind reports, and the worker runs the task twice."""
        async with self.uow() as tx:
            event = await (self.fake.fail(tx, line_id, failure) if failure else self.fake.fulfil(tx, line_id))
        for _ in range(2):
            await self.orders.settlement.settle_line(event)

    async def proven(self) -> None:
        """The ledger is balanced."""
        async with self.uow.read() as tx:
            differences = [await ledger.list_differences(tx, problem) for problem in Problem]
        assert not any(listed for listed, _ in differences)


def states(order: OrderView) -> list[LineStatus]:
    """The statuses of its lines."""
    return [line.status for line in order.lines]


def some(*lines: tuple[Goods, int]) -> list[RequestedLine]:
    return [RequestedLine(goods.variant_id, count) for goods, count in lines]
