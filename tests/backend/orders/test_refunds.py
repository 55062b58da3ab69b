"""Refunds of a paid order: to the wallet, through the provider, never more than was paid."""

from __future__ import annotations

import asyncio

import pytest

from backend.identity.types import Actor
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.money import Money
from backend.orders.errors import IdempotencyKeyReused, OrderNotPayable
from backend.orders.types import (
    OrderStatus,
    OrderStep,
    OrderView,
    RefundTarget,
    RequestedLine,
)
from backend.orders.types.lines import LineQuantity
from backend.payments.errors import RefundNotPossible, RefundTooMuch
from tests.backend.orders.settling import KEY, Shop
from tests.factories.wallet import give, usd


class TestRefunds:
    """Refunds of a paid order."""

    @pytest.fixture
    async def sold(self, shop: Shop, buyer: Actor) -> OrderView:
        """7.20: 3.00 from the wallet, 4.20 by the provider."""
        goods = await shop.goods(price=720)
        ref = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, KEY, hold=True)
        await shop.arrive(await shop.begin(buyer, ref, usd(420)), usd(420))
        return await shop.orders.history.detail(buyer, ref.number)

    async def test_a_part_to_the_wallet_and_the_rest_by_its_method(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        admin = Actor.system()
        can = await shop.orders.refunds.refundable(admin, sold.number)
        assert (can.most, [(item.method, item.most) for item in can.methods]) == (usd(720), [("fake", usd(420))])
        part = await shop.orders.refunds.refund(
            admin, sold.number, usd(300), RefundTarget.WALLET, "a gesture", idempotency_key="refund-1"
        )
        assert (part.status, part.refunded, len(part.keys)) == (OrderStatus.DELIVERED, usd(300), 1)
        assert await shop.balance(buyer) == 300
        with pytest.raises(RefundTooMuch) as refused:
            await shop.orders.refunds.refund(
                admin, sold.number, usd(421), RefundTarget.PROVIDER, "too much", idempotency_key="refund-2"
            )
        assert refused.value.params == {"most": usd(420)}
        whole = await shop.orders.refunds.refund(
            admin, sold.number, usd(420), RefundTarget.PROVIDER, "all", idempotency_key="refund-3"
        )
        assert (whole.status, whole.refunded, whole.keys) == (OrderStatus.REFUNDED, usd(720), [])
        await shop.settle_all()
        assert list(shop.fake.refunds.values()) == [usd(420)]
        assert await shop.balance(buyer) == 300
        steps = [entry.step for entry in whole.timeline]
        assert steps[-2:] == [OrderStep.PARTIALLY_REFUNDED, OrderStep.REFUNDED]
        done = (await shop.orders.refunds.refundable(admin, sold.number)).done
        assert [(row.amount, row.target, row.reason) for row in done] == [
            (usd(300), RefundTarget.WALLET, "a gesture"), (usd(420), RefundTarget.PROVIDER, "all")
        ]  # fmt: skip
        with pytest.raises(OrderNotPayable):
            await shop.orders.settlement.pay(buyer, sold.number)
        await shop.proven()

    async def test_the_same_key_gives_nothing_more(self, shop: Shop, buyer: Actor, sold: OrderView) -> None:
        admin = Actor.system()
        for _ in range(3):
            await shop.orders.refunds.refund(
                admin, sold.number, usd(300), RefundTarget.WALLET, "once", idempotency_key="refund-1"
            )
        assert await shop.balance(buyer) == 300
        with pytest.raises(IdempotencyKeyReused):
            await shop.orders.refunds.refund(
                admin, sold.number, usd(301), RefundTarget.WALLET, "once", idempotency_key="refund-1"
            )

    async def test_a_line_is_refunded_to_its_payment_method(self, shop: Shop, buyer: Actor) -> None:
        """Lines of 5.00 and 2.20: 3.00 from the wallet, 4.20 by the provider, which gives no more than it had."""
        goods = [await shop.goods(price=500), await shop.goods(price=220)]
        lines = [RequestedLine(one.variant_id, 1) for one in goods]
        ref = await shop.orders.checkout.reserve_all(buyer, lines, KEY, hold=True)
        await shop.arrive(await shop.begin(buyer, ref, usd(420)), usd(420))
        order = await shop.orders.history.detail(buyer, ref.number)
        admin, first, second = Actor.system(), *(LineQuantity(line.id, 1) for line in order.lines)
        for target, chosen in ((RefundTarget.PROVIDER, [first]), (RefundTarget.PROVIDER, [first, second])):
            with pytest.raises(RefundTooMuch):
                await shop.orders.refunds.refund(
                    admin, ref.number, chosen, target, "more than it had", idempotency_key="refund-0"
                )
        part = await shop.orders.refunds.refund(
            admin, ref.number, [second], RefundTarget.PROVIDER, "broken", idempotency_key="refund-1"
        )
        assert (part.status, part.refunded, len(part.keys)) == (OrderStatus.DELIVERED, usd(220), 1)
        whole = await shop.orders.refunds.refund(
            admin, ref.number, [first], RefundTarget.WALLET, "broken", idempotency_key="refund-2"
        )
        assert (whole.status, whole.keys, await shop.balance(buyer)) == (OrderStatus.REFUNDED, [], 500)
        await shop.settle_all()
        assert list(shop.fake.refunds.values()) == [usd(220)]
        await shop.proven()

    async def test_many_admins_at_once_give_no_more_than_was_paid(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        targets = [RefundTarget.WALLET, RefundTarget.PROVIDER] * 5
        outcomes = await asyncio.gather(
            *(
                shop.orders.refunds.refund(
                    Actor.system(), sold.number, usd(400), target, "all at once", idempotency_key=f"refund-{n}"
                )
                for n, target in enumerate(targets)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, OrderView) for outcome in outcomes) == 1
        assert all(isinstance(outcome, OrderView | RefundTooMuch) for outcome in outcomes), outcomes
        await shop.settle_all()
        back = await shop.balance(buyer) + sum(money.amount for money in shop.fake.refunds.values())
        assert back == 400
        await shop.proven()

    async def test_a_provider_that_refuses_leaves_it_in_the_wallet(
        self, shop: Shop, buyer: Actor, sold: OrderView
    ) -> None:
        shop.fake.refuses = True
        await shop.orders.refunds.refund(
            Actor.system(), sold.number, usd(420), RefundTarget.PROVIDER, "refused", idempotency_key="refund-1"
        )
        await shop.settle_all()
        assert await shop.balance(buyer) == 420
        assert (await shop.orders.history.detail(buyer, sold.number)).refunded == usd(420)
        with pytest.raises(RefundTooMuch):
            await shop.orders.refunds.refund(
                Actor.system(), sold.number, usd(301), RefundTarget.WALLET, "more", idempotency_key="refund-2"
            )
        await shop.proven()

    async def test_what_is_refused(self, shop: Shop, buyer: Actor, sold: OrderView) -> None:
        admin, wallet = Actor.system(), RefundTarget.WALLET
        with pytest.raises(Forbidden):
            await shop.orders.refunds.refund(buyer, sold.number, usd(1), wallet, "mine", idempotency_key="refund-1")
        with pytest.raises(Invalid):
            await shop.orders.refunds.refund(admin, sold.number, usd(1), wallet, " ", idempotency_key="refund-1")
        for amount in (usd(0), usd(-1), usd(721), Money(1, "EUR")):
            with pytest.raises(RefundTooMuch):
                await shop.orders.refunds.refund(admin, sold.number, amount, wallet, "no", idempotency_key="refund-1")
        goods = await shop.goods(price=100)
        waiting = await shop.orders.checkout.reserve(buyer, goods.variant_id, 1, "tap-0000009")
        with pytest.raises(OrderNotPayable):
            await shop.orders.refunds.refund(admin, waiting.number, usd(1), wallet, "no", idempotency_key="refund-1")
        assert (await shop.orders.refunds.refundable(admin, waiting.number)).most == usd(0)

    async def test_an_order_paid_from_the_wallet_goes_back_there(self, shop: Shop, buyer: Actor) -> None:
        goods = await shop.goods(price=100)
        async with shop.uow() as tx:
            await give(tx, buyer.id, usd(100))
        ref = await shop.orders.checkout.place(buyer, goods.variant_id, 1, KEY)
        assert (await shop.orders.refunds.refundable(Actor.system(), ref.number)).methods == []
        with pytest.raises((RefundNotPossible, RefundTooMuch)):
            await shop.orders.refunds.refund(
                Actor.system(), ref.number, usd(100), RefundTarget.PROVIDER, "no", idempotency_key="refund-1"
            )
