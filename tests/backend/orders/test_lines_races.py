"""Orders of several lines, many at once, on real connections."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.orders.types import OrderView, RefundTarget, RequestedLine
from backend.orders.types.lines import LineQuantity
from backend.payments.errors import RefundTooMuch
from tests.factories.shop import add_goods, buyers

SYSTEM = Actor.system()
_APART = """
SELECT count(*) FROM orders WHERE
  refunded_amount <> (SELECT sum(refunded_amount) FROM order_lines WHERE order_id = orders.id)
  OR refunded_amount <> (SELECT COALESCE(sum(amount), 0) FROM order_refunds WHERE order_id = orders.id)"""


async def _count(services: Services, query: str) -> int:
    async with services.uow.read() as tx:
        return int((await tx.execute(text(query))).scalar_one())


async def _all_agrees(services: Services) -> None:
    assert (await services.wallet.ledger.verify(SYSTEM)).differences == []
    assert await _count(services, _APART) == 0


async def test_refunds_of_the_same_lines_at_once_give_each_unit_once(services: Services) -> None:
    (buyer,) = await buyers(services.uow, 1, 100_000)
    async with services.uow() as tx:
        shelf = [await add_goods(tx, services.ring, price=333) for _ in range(2)]
    order = await services.orders.checkout.place_all(
        buyer, [RequestedLine(one.variant_id, 3) for one in shelf], "two-lines-1"
    )

    async def back(number: int) -> OrderView:
        # Five requests, each four times: lines in both orders, one or two of each.
        requested = [LineQuantity(line.id, 1 + number % 2) for line in order.lines[:: 1 if number % 3 else -1]]
        return await services.orders.refunds.refund(
            SYSTEM, order.number, requested, RefundTarget.WALLET, "broken", idempotency_key=f"refund-{number % 5}"
        )

    results = await asyncio.gather(*(back(n % 5) for n in range(20)), return_exceptions=True)
    assert {type(result) for result in results} <= {OrderView, RefundTooMuch}, results
    assert any(isinstance(result, OrderView) for result in results)
    async with services.uow.read() as tx:
        rows = (await tx.execute(text("SELECT quantity, refunded_quantity, refunded_amount FROM order_lines"))).all()
    for row in rows:
        assert row.refunded_amount == 333 * row.refunded_quantity
    await _all_agrees(services)


async def test_buying_and_refunding_at_once_do_not_wait_in_a_circle(services: Services) -> None:
    people = await buyers(services.uow, 6, 100_000)
    async with services.uow() as tx:
        shelf = [await add_goods(tx, services.ring, keys=60) for _ in range(3)]
    lines = [RequestedLine(one.variant_id, 1) for one in shelf]
    first = [await services.orders.checkout.place_all(buyer, lines, "bought-first") for buyer in people]

    async def back(number: int, order: OrderView) -> OrderView:
        lines = [LineQuantity(line.id, 1) for line in order.lines[:: 1 if number % 2 else -1]]
        return await services.orders.refunds.refund(
            SYSTEM, order.number, lines, RefundTarget.WALLET, "broken", idempotency_key="refund-all"
        )

    await asyncio.gather(
        *(back(n, order) for n, order in enumerate(first)),
        *(
            services.orders.checkout.place_all(buyer, lines[::step], f"again-{step:04}-{n}")
            for n, buyer in enumerate(people)
            for step in (1, -1)
        ),
    )
    assert await _count(services, "SELECT count(*) FROM orders WHERE status = 'refunded'") == 6
    await _all_agrees(services)
