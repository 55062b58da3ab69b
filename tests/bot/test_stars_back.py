"""Stars that go back, and those that no update told of: books and Telegram agree in the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.jobs import RetryLater
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, PaymentConflict, RefundNotPossible, RefundTooMuch
from backend.payments.types import (
    DifferenceKind,
    IntentStatus,
    RefundStatus,
    SendRefund,
)
from backend.wallet.errors import InsufficientFunds
from tests.bot.conftest import Parts
from tests.bot.paying import TEN_IN_STARS, Payer, inbox, link_of, money_update
from tests.bot.telegram import EMMA, Telegram
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

STARS = Money(TEN_IN_STARS, "XTR")
CASHIER = Actor.system()


async def paid_payment(parts: Parts, who: Payer, key: str = "tap") -> Any:
    begun = await who.begin(key=key)
    assert begun.action is not None
    assert (await who.pay(begun.action.url))["status"] == "paid"
    return await who.settled(begun.id)


async def stars_left(parts: Parts) -> int:
    return (await parts.bot.get_my_star_balance()).amount


async def test_a_refund_goes_back_once(running_bot: Parts, emma: Payer) -> None:
    paid = await paid_payment(running_bot, emma)
    refunds = emma.services.payments.refunds
    with pytest.raises(RefundNotPossible):
        await refunds.refund_top_up(CASHIER, paid.id, usd(500), "half", idempotency_key="half")
    begun = await refunds.refund_top_up(CASHIER, paid.id, usd(1000), "asked", idempotency_key="all")
    assert begun == await refunds.refund_top_up(CASHIER, paid.id, usd(1000), "asked", idempotency_key="all")
    assert await emma.balance() == 0
    sent = await asyncio.gather(*(refunds.send(SendRefund(begun.id)) for _ in range(3)), return_exceptions=True)
    assert all(item is None or isinstance(item, RetryLater) for item in sent), sent
    (ended,) = await refunds.list_for(CASHIER, intent_id=paid.id)
    assert (ended.status, ended.external_id) == (RefundStatus.SUCCEEDED, paid.charge_id)
    assert await stars_left(running_bot) == 0
    assert (await emma.intent(paid.id)).status is IntentStatus.REFUNDED
    # Telegram reports our own refund, which is known already.
    async with asyncio.timeout(10):
        while not await inbox(emma.services, "ignored"):
            await asyncio.sleep(0.02)
    assert await inbox(emma.services) == []
    (compared,) = [
        item for item in await emma.services.payments.reconciliation.reconcile_all() if item.method == "stars"
    ]
    assert (compared.differences, compared.error) == ([], "")


async def test_two_admins_refund_at_once(running_bot: Parts, emma: Payer) -> None:
    paid = await paid_payment(running_bot, emma)
    refunds = emma.services.payments.refunds
    results = await asyncio.gather(
        *(
            refunds.refund_top_up(CASHIER, paid.id, usd(1000), "asked", idempotency_key=key)
            for key in ("one", "another")
        ),
        return_exceptions=True,
    )
    refused = [item for item in results if isinstance(item, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], RefundTooMuch | RefundNotPossible | PaymentConflict | InsufficientFunds)
    (booked,) = await refunds.list_for(CASHIER, intent_id=paid.id)
    await refunds.send(SendRefund(booked.id))
    assert await stars_left(running_bot) == 0


async def test_a_crash_between_refund_and_mark(
    running_bot: Parts, telegram: Telegram, emma: Payer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = await paid_payment(running_bot, emma)
    refunds = emma.services.payments.refunds
    begun = await refunds.refund_top_up(CASHIER, paid.id, usd(1000), "asked", idempotency_key="all")

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(refunds), "_end", killed)
        with pytest.raises(KeyboardInterrupt):
            await refunds.send(SendRefund(begun.id))
    assert await stars_left(running_bot) == 0
    clock.move(seconds=91)
    await refunds.send(SendRefund(begun.id))
    (ended,) = await refunds.list_for(CASHIER, intent_id=paid.id)
    assert ended.status is RefundStatus.SUCCEEDED
    assert len(await telegram.calls("refundStarPayment")) == 2


async def test_a_refund_that_telegram_refuses_stays_in_the_wallet(
    running_bot: Parts, telegram: Telegram, emma: Payer
) -> None:
    paid = await paid_payment(running_bot, emma)
    refunds = emma.services.payments.refunds
    begun = await refunds.refund_top_up(CASHIER, paid.id, usd(1000), "asked", idempotency_key="all")
    await telegram.fault("refundStarPayment", kind="error", status=400, description="Bad Request: BALANCE_TOO_LOW")
    await refunds.send(SendRefund(begun.id))
    assert await emma.balance() == 1000
    assert (await emma.intent(paid.id)).refunded == usd(0)


async def test_a_refund_made_elsewhere_waits_for_an_admin(running_bot: Parts, emma: Payer) -> None:
    paid = await paid_payment(running_bot, emma)
    await running_bot.bot.refund_star_payment(EMMA, paid.charge_id)
    async with asyncio.timeout(10):
        while not (events := await inbox(emma.services)):
            await asyncio.sleep(0.02)
    assert events == [(f"{paid.charge_id}:refund", "refunded_elsewhere")]
    assert await emma.balance() == 1000
    # The statement tells it under the same id.
    await emma.services.payments.reconciliation.reconcile_all()
    (event,) = (await emma.services.payments.inbox.unmatched(CASHIER)).items
    await emma.services.payments.inbox.accept_refund(CASHIER, event.id)
    assert await emma.balance() == 0


# What no update told


async def test_a_refund_that_is_told_before_its_payment(parts: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    gone = money_update(parts, str(begun.id), STARS, "charge", kind="refunded_payment")
    await parts.intake.take(gone)
    assert (await inbox(emma.services), await emma.balance()) == ([("charge:refund", "refunded_elsewhere")], 0)
    await parts.intake.take(money_update(parts, str(begun.id), STARS, "charge"))
    assert await emma.balance() == 1000
    (waiting,) = (await emma.services.payments.inbox.unmatched(CASHIER)).items
    await emma.services.payments.inbox.accept_refund(CASHIER, waiting.id)
    assert (await emma.balance(), (await emma.intent(begun.id)).status) == (0, IntentStatus.REFUNDED)


async def pay_unheard(parts: Parts, who: Payer, url: str) -> None:
    """Pay while only the question is answered: the event of the payment is lost."""
    paying = asyncio.create_task(who.pay(url))
    (asked,) = await parts.bot.get_updates(timeout=5, allowed_updates=parts.kinds)
    await parts.bot.answer_pre_checkout_query(asked.pre_checkout_query.id, ok=True)  # type: ignore[union-attr]
    assert (await paying)["status"] == "paid"
    lost = await parts.bot.get_updates(offset=asked.update_id + 1, timeout=5)
    await parts.bot.get_updates(offset=lost[-1].update_id + 1, timeout=0)


async def test_a_lost_update_is_found_by_asking(parts: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    other = await emma.begin(key="other")
    assert begun.action is not None
    await pay_unheard(parts, emma, begun.action.url)
    assert await emma.balance() == 0
    for _ in range(2):
        assert (await emma.services.payments.intents.refresh(emma.actor, begun.id)).status is IntentStatus.SUCCEEDED
    assert (await emma.services.payments.intents.refresh(emma.actor, other.id)).status is IntentStatus.PENDING
    assert await emma.balance() == 1000
    paid = await emma.intent(begun.id)
    assert paid.charge_id is not None
    await parts.intake.take(money_update(parts, str(begun.id), STARS, paid.charge_id))
    assert await emma.balance() == 1000


async def test_a_lost_update_is_found_by_the_daily_comparison(parts: Parts, emma: Payer, clock: FakeClock) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    await pay_unheard(parts, emma, begun.action.url)
    await pay_unheard(parts, emma, await link_of(parts, "of another tool", 50))
    clock.move(hours=1)
    (compared,) = [
        item for item in await emma.services.payments.reconciliation.reconcile_all() if item.method == "stars"
    ]
    kinds = {(item.kind, item.subject == str(begun.id), item.theirs) for item in compared.differences}
    assert kinds == {(DifferenceKind.MISSING_HERE, True, TEN_IN_STARS), (DifferenceKind.MISSING_HERE, False, 50)}
    assert await emma.balance() == 1000
    ((_, reason),) = await inbox(emma.services)
    assert reason == "unknown_payment"
    (again,) = [item for item in await emma.services.payments.reconciliation.reconcile_all() if item.method == "stars"]
    # What waits for an admin, and no more.
    assert ([item.theirs for item in again.differences], again.checked) == ([50], 2)


async def test_a_telegram_that_is_away_is_asked_later(parts: Parts, telegram: Telegram, emma: Payer) -> None:
    begun = await emma.begin()
    for kind in ({"kind": "error", "status": 502, "description": "Bad Gateway"}, {"kind": "429", "retry_after": 30}):
        await telegram.fault("getStarTransactions", **kind)
        assert (await emma.services.payments.intents.refresh(emma.actor, begun.id)).status is IntentStatus.PENDING
    await telegram.fault("getStarTransactions", kind="drop")
    (compared,) = [
        item for item in await emma.services.payments.reconciliation.reconcile_all() if item.method == "stars"
    ]
    assert compared.error


async def test_nobody_reaches_stars_by_http(shop: Services) -> None:
    for method in ("stars", "telegram_card"):
        with pytest.raises(BadWebhook):
            await shop.payments.intents.receive(method, {}, b"{}")
