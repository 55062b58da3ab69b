"""Telegram Stars in the simulated Telegram: what is begun in the Mini App ends in the wallet, once, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.i18n import translator
from backend.kernel.ids import OrderId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.payments.types import (
    ActionKind,
    IntentStatus,
)
from bot.intake import Intake, NotTaken
from tests.bot.conftest import Parts
from tests.bot.paying import TEN_IN_STARS, Payer, inbox, link_of, money_update, payer, top_ups
from tests.bot.telegram import DMITRI, LAYLA, Telegram
from tests.factories.shop import add_goods
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

STARS = Money(TEN_IN_STARS, "XTR")
MONTH = 2_592_000
CASHIER = Actor.system()


async def test_begun_paid_and_credited(running_bot: Parts, telegram: Telegram, emma: Payer) -> None:
    begun = await emma.begin()
    assert (begun.payable, begun.status) == (STARS, IntentStatus.PENDING)
    assert begun.action is not None
    assert begun.action.kind is ActionKind.INVOICE
    (call,) = await telegram.calls("createInvoiceLink")
    params = call["params"]
    assert (params["currency"], params["provider_token"], params["payload"]) == ("XTR", "", str(begun.id))
    paid = await emma.pay(begun.action.url)
    assert paid["status"] == "paid"
    settled = await emma.settled(begun.id)
    assert (settled.credited, settled.received, settled.charge_id) == (usd(1000), STARS, paid["charge_id"])
    assert await emma.balance() == 1000
    assert await inbox(emma.services, "applied") == [(paid["charge_id"], "")]


async def test_closing_and_failing_change_nothing(running_bot: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    for outcome in ("cancelled", "failed"):
        assert (await emma.pay(begun.action.url, outcome))["status"] == outcome
    assert (await emma.services.payments.intents.refresh(emma.actor, begun.id)).status is IntentStatus.PENDING
    assert await emma.balance() == 0


async def test_the_money_comes_before_the_answer_of_its_creation_is_saved(
    running_bot: Parts, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider: Any = emma.services.payments.intents._providers["stars"]
    create = provider.create

    async def create_and_be_paid(payment: Any) -> Any:
        created = await create(payment)
        assert (await emma.pay(created.action.url))["status"] == "paid"
        await emma.settled(payment.intent_id)
        return created

    monkeypatch.setattr(provider, "create", create_and_be_paid)
    begun = await emma.begin()
    assert (begun.status, begun.credited) == (IntentStatus.SUCCEEDED, usd(1000))
    assert begun.external_id is not None
    assert await emma.balance() == 1000


async def test_money_that_comes_late_is_credited(parts: Parts, emma: Payer, clock: FakeClock) -> None:
    begun = await emma.begin()
    clock.move(hours=1)
    assert (await emma.services.payments.intents.refresh(emma.actor, begun.id)).status is IntentStatus.EXPIRED
    await parts.intake.take(money_update(parts, str(begun.id), STARS, "late"))
    assert (await emma.intent(begun.id)).status is IntentStatus.SUCCEEDED
    assert await emma.balance() == 1000


async def test_the_same_update_ten_times_at_once(parts: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    updates = [money_update(parts, str(begun.id), STARS, "once") for _ in range(10)]
    intakes = [Intake(parts.bot, parts.dispatcher, parts.services.redis, parts.services.payments.chat) for _ in updates]
    await asyncio.gather(*(intake.take(update) for intake, update in zip(intakes, updates, strict=True)))
    assert await emma.balance() == 1000
    assert await inbox(emma.services, "applied") == [("once", "")]
    assert await inbox(emma.services) == []


async def test_a_second_charge_for_one_payment_waits_for_an_admin(parts: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    updates = [money_update(parts, str(begun.id), STARS, charge) for charge in ("first", "second")]
    await asyncio.gather(*(parts.intake.take(update) for update in updates))
    assert await emma.balance() == 1000
    ((charge, reason),) = await inbox(emma.services)
    assert (charge in {"first", "second"}, reason) == (True, "unknown_payment")
    assert (await emma.services.payments.intents.refresh(emma.actor, begun.id)).credited == usd(1000)
    # The refund is no event of the payment either.
    await parts.intake.take(money_update(parts, str(begun.id), STARS, charge, kind="refunded_payment"))
    assert {event for event, _ in await inbox(emma.services)} == {charge, f"{charge}:refund"}
    assert (await emma.intent(begun.id)).refunded == usd(0)
    (event, *_) = (await emma.services.payments.inbox.unmatched(CASHIER)).items[::-1]
    await emma.services.payments.inbox.assign(CASHIER, event.id, emma.actor.id, usd(1000))
    assert await emma.balance() == 2000


async def test_money_for_no_payment_of_ours_waits_for_an_admin(parts: Parts, emma: Payer) -> None:
    elsewhere = await emma.begin(method="demo")
    for number, payload in enumerate(("order-1", "", str(elsewhere.id), "\0", "0" * 32)):
        await parts.intake.take(money_update(parts, payload, STARS, f"foreign{number}"))
    assert [event for event, _ in await inbox(emma.services)] == [f"foreign{number}" for number in range(5)]
    assert await top_ups(emma.services) == 0


async def test_only_the_payer_pays_only_the_price_only_in_time(
    running_bot: Parts, telegram: Telegram, emma: Payer, clock: FakeClock
) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    dmitri = await payer(telegram, emma.services, DMITRI, "ru")
    cards = await emma.begin(method="telegram_card", key="card")
    refused = "Payment expired or not found. You haven't been charged."
    for who, url in (
        (dmitri, begun.action.url),
        (emma, await link_of(running_bot, str(begun.id), TEN_IN_STARS - 1)),
        (emma, await link_of(running_bot, str(begun.id), TEN_IN_STARS + 1)),
        (emma, await link_of(running_bot, str(cards.id))),
        (emma, await link_of(running_bot, "somebody-elses")),
        (emma, await link_of(running_bot, "0190b0b0-0000-7000-8000-000000000000")),
    ):
        answer = await who.pay(url)
        locale = Locale(who.actor.language)
        assert (answer["status"], answer["error"]) == ("failed", translator(locale).gettext(refused))
    clock.move(hours=1)
    assert (await emma.pay(begun.action.url))["error"] == refused
    assert await top_ups(emma.services) == 0
    assert await inbox(emma.services) == []


async def test_what_is_paid_is_not_paid_again(running_bot: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    await emma.pay(begun.action.url)
    await emma.settled(begun.id)
    assert (await emma.pay(begun.action.url))["status"] == "failed"
    assert await emma.balance() == 1000


async def test_the_blacklisted_pay_nothing_but_what_they_paid_is_taken_in(running_bot: Parts, emma: Payer) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    await emma.services.identity.people.block(CASHIER, emma.actor.id, "fraud")
    answer = await emma.pay(begun.action.url)
    assert (answer["status"], answer["error"]) == ("failed", "You're blocked. You can still write to us here.")
    await running_bot.intake.take(money_update(running_bot, str(begun.id), STARS, "paid-before"))
    assert await emma.balance() == 1000


async def test_an_order_that_waits_no_more_takes_no_money(running_bot: Parts, emma: Payer) -> None:
    services = emma.services
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, price=1000)
    order = await services.orders.checkout.reserve(emma.actor, goods.variant_id, 1, "keep-this")
    begun = await emma.begin(order_id=OrderId(order.id))
    assert begun.action is not None
    await services.orders.reservations.cancel(emma.actor, order.number)
    answer = await emma.pay(begun.action.url)
    assert answer["error"] == "This order can't be paid now. You haven't been charged."


async def test_an_approval_that_takes_too_long_is_a_refusal(
    running_bot: Parts, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await emma.begin()
    assert begun.action is not None

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(type(emma.services.payments.intents), "approve", never)
    monkeypatch.setattr("bot.handlers.payments._APPROVE_SECONDS", 0.05)
    assert (await emma.pay(begun.action.url))["error"] == "Something went wrong. You haven't been charged."


async def test_slow_handlers_do_not_hold_an_approval_up(
    running_bot: Parts, telegram: Telegram, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as are handled at once are busy; the question before a payment does not wait for them."""
    begun = await emma.begin()
    assert begun.action is not None
    for _ in range(8):
        await running_bot.intake._limit.acquire()
    assert (await emma.pay(begun.action.url))["status"] == "paid"
    await emma.settled(begun.id)


async def test_a_question_that_comes_while_another_person_is_served_slowly(
    running_bot: Parts, telegram: Telegram, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    access, served, waits = emma.services.identity.access, asyncio.Event(), asyncio.Event()
    authenticate = access.authenticate

    async def slow(update: Any) -> Any:
        if update.telegram_id == LAYLA:
            waits.set()
            await served.wait()
        return await authenticate(update)

    monkeypatch.setattr(access, "authenticate", slow)
    await telegram.person(LAYLA).send("/start")
    await waits.wait()
    assert (await emma.pay(begun.action.url))["status"] == "paid"
    assert await telegram.person(LAYLA).heard(wait=0) == []
    served.set()
    await emma.settled(begun.id)
    assert len(await telegram.calls("answerPreCheckoutQuery")) == 1
    assert await telegram.person(LAYLA).heard()


# What must never be lost


def broken_settling(services: Services, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Let the database refuse a while; the list grows by each refusal."""
    settle = services.payments.intents.settle
    refusals: list[int] = []

    async def broken(method: str, report: Any) -> Any:
        if len(refusals) < times:
            refusals.append(1)
            raise OperationalError("INSERT", {}, Exception("the database is away"))
        return await settle(method, report)

    monkeypatch.setattr(services.payments.intents, "settle", broken)
    return refusals


async def test_an_update_that_cannot_be_stored_comes_again_by_polling(
    running_bot: Parts, telegram: Telegram, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await emma.begin()
    assert begun.action is not None
    refusals = broken_settling(emma.services, monkeypatch, 2)
    assert (await emma.pay(begun.action.url))["status"] == "paid"
    # Meanwhile the others are answered, once.
    assert await telegram.person(LAYLA).say("/start")
    await emma.settled(begun.id)
    assert (len(refusals), await emma.balance()) == (2, 1000)
    async with asyncio.timeout(10):  # settled first, then confirmed by the next call for updates
        while await running_bot.bot.get_updates(timeout=0, limit=1, offset=0):
            await asyncio.sleep(0.02)
    assert len(await telegram.person(LAYLA).heard()) == 1


async def test_an_update_that_cannot_be_stored_is_not_remembered_as_handled(
    parts: Parts, emma: Payer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = await emma.begin()
    incoming = money_update(parts, str(begun.id), STARS, "again")
    broken_settling(emma.services, monkeypatch, 1)
    with pytest.raises(NotTaken) as refused:
        await parts.intake.take_all([incoming])
    assert refused.value.number == incoming.update_id
    await parts.intake.take_all([incoming])
    await parts.intake.take_all([incoming])
    assert await emma.balance() == 1000


async def test_a_subscriptions_renewals_wait_for_an_admin(running_bot: Parts, telegram: Telegram, emma: Payer) -> None:
    begun = await emma.begin()
    url = await link_of(running_bot, str(begun.id), subscription_period=MONTH)
    charge = (await emma.pay(url))["charge_id"]
    first = await emma.settled(begun.id)
    assert first.charge_id == charge
    for _ in range(2):
        await telegram.control("POST", "/renew", charge_id=charge)
    async with asyncio.timeout(10):
        while len(events := await inbox(emma.services)) < 2:
            await asyncio.sleep(0.02)
    (one, other) = [event.rpartition(":")[2] for event, _ in events]
    assert int(other) - int(one) == MONTH
    assert await emma.balance() == 1000
    # The statement lists the renewals too, though not when their periods end: nothing is counted twice.
    await emma.services.payments.reconciliation.reconcile_all()
    assert len(await inbox(emma.services)) == 2
    assert await emma.balance() == 1000
