"""A message is edited when something happens to what it is about, whatever the order of the events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from backend.bootstrap import build
from backend.growth.types import NewBonusRule
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.ids import OrderId, new_id
from backend.orders.types import OrderRefunded, RefundTarget
from backend.payments.types import IntentId, ProviderReport, ProviderState, RefundEnded, RefundId, RefundStatus
from tests.backend.notifications.conftest import Shop
from tests.backend.notifications.test_money import admin, tell
from tests.bot.telegram import EMMA, LAYLA, NADIA, Telegram
from tests.conftest import BOT_TOKEN
from tests.factories.identity import contact
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00"
PDF = b"%PDF-1.7 receipt"


class Refund:
    """A refund of an order by its provider, as events tell of it."""

    def __init__(self, buyer: Actor, order_id: OrderId) -> None:
        self.id = RefundId(new_id())
        self._buyer, self._order = buyer, order_id

    @property
    def begun(self) -> OrderRefunded:
        return OrderRefunded(
            order_id=self._order, user_id=self._buyer.id, amount=720, currency="USD", target=RefundTarget.PROVIDER,
            refunds={str(self.id): 720},
        )  # fmt: skip

    def ended(self, status: RefundStatus) -> RefundEnded:
        return RefundEnded(
            refund_id=self.id, intent_id=IntentId(new_id()), user_id=self._buyer.id, order_id=self._order,
            method="demo", amount=720, currency="USD", status=status,
        )  # fmt: skip


async def refund_of(shop: Shop, telegram: Telegram) -> tuple[Refund, int]:
    goods, buyer = await shop.goods(), await shop.buyer()
    order = await shop.sale(buyer, goods)
    await shop.work()
    return Refund(buyer, OrderId(order.id)), (await telegram.person(EMMA).heard())[-1]["message_id"]


@pytest.mark.parametrize(
    ("status", "said"),
    [(RefundStatus.SUCCEEDED, "$7.20 refunded"), (RefundStatus.FAILED, "$7.20 added to your balance")],
)
async def test_a_refund_is_one_message_that_is_edited(
    shop: Shop, telegram: Telegram, status: RefundStatus, said: str
) -> None:
    refund, before = await refund_of(shop, telegram)
    await tell(shop, refund.begun)
    await shop.later(seconds=5)
    (first,) = await telegram.person(EMMA).heard(after=before)
    assert first["text"].startswith("Refund of $7.20 started\nOrder ")
    await tell(shop, refund.ended(status), refund.ended(status))
    await tell(shop, refund.ended(status), refund.begun)
    await shop.later(seconds=5)
    (last,) = await telegram.person(EMMA).heard(after=before)
    assert last["message_id"] == first["message_id"]
    assert last["text"].startswith(said)


async def test_the_end_may_be_heard_before_the_beginning(shop: Shop, telegram: Telegram) -> None:
    refund, before = await refund_of(shop, telegram)
    await tell(shop, refund.ended(RefundStatus.SUCCEEDED))
    await tell(shop, refund.begun)
    await shop.later(seconds=5)
    (only,) = await telegram.person(EMMA).heard(after=before)
    assert only["text"].startswith("$7.20 refunded")


async def test_a_message_that_was_deleted_is_sent_again(shop: Shop, telegram: Telegram) -> None:
    refund, before = await refund_of(shop, telegram)
    await tell(shop, refund.begun)
    await shop.later(seconds=5)
    (first,) = await telegram.person(EMMA).heard(after=before)
    gone = {"chat_id": EMMA, "message_id": first["message_id"]}
    await telegram.http.post(f"/bot{BOT_TOKEN}/deleteMessage", json=gone)
    await tell(shop, refund.ended(RefundStatus.SUCCEEDED))
    await shop.later(seconds=5)
    (last,) = await telegram.person(EMMA).heard(after=before)
    assert last["message_id"] != first["message_id"]
    assert last["text"].startswith("$7.20 refunded")


async def test_an_outage_in_the_middle_of_an_edit_delays_it(shop: Shop, telegram: Telegram) -> None:
    refund, before = await refund_of(shop, telegram)
    await tell(shop, refund.begun)
    await shop.later(seconds=5)
    await telegram.fault("editMessageText", kind="html", status=502)
    await tell(shop, refund.ended(RefundStatus.SUCCEEDED))
    await shop.later(minutes=5)
    (last,) = await telegram.person(EMMA).heard(after=before)
    assert last["text"].startswith("$7.20 refunded")


async def test_a_bonus_that_is_told_after_its_top_up(shop: Shop, telegram: Telegram) -> None:
    root = await shop.services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
    buyer, payments = await shop.buyer(cents=100), shop.services.payments.intents
    intent = await payments.start_top_up(buyer, "demo", usd(2000), None, idempotency_key="later-bonus")
    await shop.services.growth.bonuses.add_rule(root, NewBonusRule(minimum=usd(1000), basis_points=1000))
    await telegram.fault("sendMessage", kind="429", retry_after=1)
    await payments.settle(
        "demo", ProviderReport(event_id="paid", state=ProviderState.PAID, intent_id=intent.id, received=usd(2000))
    )
    for _ in range(3):
        await shop.later(seconds=5)
    texts = [item["text"] for item in await telegram.person(EMMA).heard()]
    assert texts == ["$20.00 added to your balance\nBonus: $2.00\nBalance: $23.00"]


@pytest.fixture
async def deposits(
    other_settings: Callable[..., Settings], telegram: Telegram, committed_db: None, clock: FakeClock, tmp_path: Path
) -> AsyncIterator[Shop]:
    """The backend with deposits on."""
    settings = other_settings(
        telegram_api_url=telegram.url, deposit_instructions="Name {reference}.", data_dir=str(tmp_path)
    )
    services = build(settings, clock=clock)
    async with services.running(listen=False):
        await services.identity.access.ensure_root()
        await services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
        yield Shop(services, clock)


@pytest.mark.parametrize(("receipt", "shown"), [(PNG, "photo"), (PDF, "document")], ids=["picture", "file"])
async def test_a_deposit_says_who_confirmed_it_to_every_admin(
    deposits: Shop, telegram: Telegram, receipt: bytes, shown: str
) -> None:
    buyer, services = await deposits.buyer(), deposits.services
    layla = await admin(deposits, telegram, LAYLA, "ru", Permission.MONEY)
    intent = await services.payments.intents.start_top_up(buyer, "deposit", usd(5000), idempotency_key="tap")
    await services.payments.deposits.add_receipt(buyer, intent.id, receipt)
    await deposits.later(seconds=5)
    message_of: dict[int, Any] = {}
    assert intent.action is not None
    for number in (NADIA, LAYLA):
        (message_of[number],) = await telegram.person(number).heard()
        assert intent.action.fields["reference"] in message_of[number]["text"]
        assert shown in message_of[number]
    assert message_of[NADIA]["text"].startswith("Deposit of $50.00 to review")
    await services.payments.deposits.confirm(layla, intent.id, usd(5000))
    await deposits.later(seconds=5)
    (edited,) = await telegram.person(NADIA).heard()
    assert edited["message_id"] == message_of[NADIA]["message_id"]
    assert edited["text"].endswith("✅ Confirmed by \u2068Layla\u2069")
    (russian,) = await telegram.person(LAYLA).heard()
    assert "Подтверждено" in russian["text"]


async def test_a_rejected_deposit_and_its_second_receipt(deposits: Shop, telegram: Telegram) -> None:
    buyer, services = await deposits.buyer(), deposits.services
    root = await services.identity.access.actor_by_telegram_id(NADIA)
    assert root is not None
    intent = await services.payments.intents.start_top_up(buyer, "deposit", usd(5000), idempotency_key="tap")
    await services.payments.deposits.add_receipt(buyer, intent.id, PNG)
    await deposits.later(seconds=5)
    await services.payments.deposits.reject(root, intent.id, "not ours")
    await deposits.later(seconds=5)
    (first,) = await telegram.person(NADIA).heard()
    assert first["text"].endswith("❌ Rejected by \u2068Nadia\u2069")
    await services.payments.deposits.add_receipt(buyer, intent.id, PNG)
    await deposits.later(seconds=5)
    messages = await telegram.person(NADIA).heard()
    assert [message["text"].splitlines()[0] for message in messages] == [
        "Deposit of $50.00",
        "Deposit of $50.00 to review",
    ]
