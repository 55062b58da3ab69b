"""Every payment method from the order to its key, in any order of buyer, provider and clock.

The ledger is verified after each step that moves money (``Shop.work``) and at the end of each test.
"""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from backend.orders.types import OrderStatus, RefundTarget
from backend.payments.errors import RefundNotPossible
from backend.payments.types import (
    Created,
    Difference,
    DifferenceKind,
    IntentStatus,
    PaymentRef,
    RefundStatus,
)
from tests.backend.payments.methods.shop import PRICE, SYSTEM, Shop
from tests.factories.payments import polled
from tests.factories.wallet import usd

S = IntentStatus


async def test_created_paid_and_delivered(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    assert intent.status is S.PENDING
    await shop.assert_waits(order)
    await shop.hear(await shop.pay(intent))
    paid = await shop.look(intent)
    assert (paid.status, paid.credited, paid.received) == (S.SUCCEEDED, usd(PRICE), intent.payable)
    await shop.assert_delivered(order)
    assert (await shop.at_provider(), await shop.unmatched()) == (PRICE, [])


async def test_the_report_ten_times_at_once_beside_pages_and_polls(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    notify = await shop.pay(intent)
    payments = shop.services.payments.intents
    await asyncio.gather(
        *(notify() for _ in range(10)),
        *(payments.refresh(shop.buyer, intent.id) for _ in range(3)),
        *(polled(payments, intent.id) for _ in range(3)),
    )
    await asyncio.gather(shop.work(), shop.work())
    await shop.assert_delivered(order)
    # And once more, long afterwards.
    shop.clock.move(days=1)
    await shop.hear(notify, notify)
    await shop.assert_delivered(order)
    assert (await shop.at_provider(), await shop.unmatched()) == (PRICE, [])


async def test_the_report_arrives_before_the_answer_that_opened_the_payment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = shop.provider.create

    async def create_and_pay(payment: PaymentRef) -> Created:
        created = await create(payment)
        intent = await shop.intent(payment.intent_id)
        assert intent.external_id is None
        if shop.method.looked_at:  # nobody knows where to pay yet, and a second look shows the same place
            assert await create(payment) == created
        else:
            await shop.hear(await shop.pay(msgspec.structs.replace(intent, action=created.action)))
        return created

    monkeypatch.setattr(shop.provider, "create", create_and_pay)
    order = await shop.order()
    intent = await shop.begin(order)
    if shop.method.looked_at:
        await shop.hear(await shop.pay(intent))
    paid = await shop.look(intent)
    assert (paid.status, paid.external_id) == (S.SUCCEEDED, intent.external_id)
    assert paid.external_id is not None
    await shop.assert_delivered(order)


async def test_two_parts_whose_reports_change_places(shop: Shop) -> None:
    """Of one payment, or of two for the one order where a payment is one charge."""
    order = await shop.order()
    if shop.method.in_parts:
        intent = await shop.begin(order)
        first, second = await shop.pay(intent, 600), await shop.pay(intent, 400)
    else:
        # Beginning the second takes the place of the first, whose money is on its way already.
        intent = await shop.begin(order, 600)
        first = await shop.pay(intent, 600)
        second = await shop.pay(await shop.begin(order, 400), 400)
    await shop.hear(second)
    await shop.hear(first)
    assert ((await shop.look(intent)).status, await shop.at_provider()) == (S.SUCCEEDED, PRICE)
    await shop.assert_delivered(order)


async def test_late_money_pays_the_order_while_its_goods_are_there(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    notify = await shop.pay(intent) if shop.method.fixed else None
    shop.clock.move(seconds=shop.provider.capabilities.lifetime_seconds + 1)
    assert await shop.services.orders.reservations.expire_lapsed() == 1
    assert (await shop.services.orders.history.detail(shop.buyer, order.number)).status is OrderStatus.EXPIRED
    await shop.hear(notify or await shop.pay(intent))
    assert (await shop.look(intent)).status is S.SUCCEEDED
    await shop.assert_delivered(order)


async def test_short_money_waits_and_the_rest_delivers(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    notify = await shop.method.pay(shop, intent, 600)
    if shop.method.fixed:
        assert (notify, await shop.at_provider()) == (None, 0)
        return
    assert notify is not None
    await shop.hear(notify)
    short = await shop.look(intent)
    assert (short.status, short.credited, await shop.balance()) == (S.UNDERPAID, usd(600), 600)
    assert short.missing.amount * PRICE == intent.payable.amount * 400
    await shop.assert_waits(order)
    rest = intent if shop.method.in_parts else await shop.begin(order, 400)
    await shop.hear(await shop.pay(rest, 400))
    await shop.assert_delivered(order)


async def test_long_money_delivers_and_the_rest_stays_in_the_wallet(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    notify = await shop.method.pay(shop, intent, 1300)
    if shop.method.fixed:
        assert (notify, await shop.at_provider()) == (None, 0)
        return
    assert notify is not None
    await shop.hear(notify)
    assert ((await shop.look(intent)).status, await shop.at_provider()) == (S.OVERPAID, 1300)
    await shop.assert_delivered(order, left=300)


async def test_a_refund_of_the_order_goes_as_far_as_the_method_can(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    await shop.hear(await shop.pay(intent))
    orders = shop.services.orders

    async def refund(target: RefundTarget) -> None:
        for _ in range(2):
            await orders.refunds.refund(
                SYSTEM, order.number, usd(PRICE), target, "asked for", idempotency_key="refund-000001"
            )
        await shop.work()

    if shop.provider.capabilities.refundable:
        await refund(RefundTarget.PROVIDER)
        (sent,) = await shop.services.payments.refunds.list_for(SYSTEM, intent_id=intent.id)
        assert (sent.status, (await shop.look(intent)).status) == (RefundStatus.SUCCEEDED, S.REFUNDED)
        assert await shop.method.sent_back(shop, intent) in {None, PRICE}
        assert (await shop.at_provider(), await shop.balance()) == (0, 0)
    else:
        with pytest.raises(RefundNotPossible):
            await refund(RefundTarget.PROVIDER)
        assert (await shop.at_provider(), await shop.balance()) == (PRICE, 0)
        await refund(RefundTarget.WALLET)
        assert (await shop.at_provider(), await shop.balance()) == (PRICE, PRICE)
    assert (await orders.history.detail(shop.buyer, order.number)).status is OrderStatus.REFUNDED
    shop.clock.move(minutes=1)
    compared = await shop.reconcile()
    assert (compared.differences, compared.error, await shop.unmatched()) == ([], "", [])


async def test_reconciliation_finds_a_lost_report_and_the_order_is_delivered(shop: Shop) -> None:
    order = await shop.order()
    intent = await shop.begin(order)
    notify = await shop.pay(intent)
    shop.clock.move(seconds=6)  # which the demo provider takes to be paid by itself
    # Somebody asked, and died with the answer: at PayPal asking is what takes the money.
    await shop.provider.status(await shop.ref(intent))
    result = await shop.reconcile()
    theirs = intent.payable.amount
    missing = Difference(
        kind=DifferenceKind.MISSING_HERE, subject=str(intent.id), asset=intent.payable.currency, ours=0, theirs=theirs
    )
    assert (result.differences, result.error) == ([] if shop.method.silent else [missing], "")
    await shop.work()
    if not shop.method.silent:
        await shop.assert_delivered(order)
    await shop.hear(notify)
    await shop.assert_delivered(order)
    again = await shop.reconcile()
    assert (again.differences, again.error, await shop.unmatched()) == ([], "", [])
