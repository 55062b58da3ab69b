"""A sale reaches the chats of the buyer and of the admins, each in their language."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import SUBSCRIPTIONS
from backend.catalog.types import ProductId, StockKind, StockSubject
from backend.identity.types import Permission
from backend.infra.i18n import translator
from backend.infra.jobs import by_name
from backend.infra.runner import Runner
from backend.kernel.events import Event
from backend.kernel.ids import new_id
from backend.kernel.text import Locale
from backend.notifications.messages import Words, visible_length
from backend.notifications.notices.catalog import stock_low
from backend.payments.types import IntentId, IntentStatus, TopUpSucceeded
from backend.worker import all_crons, all_tasks
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import DMITRI, EMMA, LAYLA, NADIA, Telegram, button
from tests.factories.catalog import add_shared
from tests.factories.identity import contact

PUBLIC = "http://127.0.0.1:8080"


def test_every_name_has_its_task(shop: Shop) -> None:
    tasks = by_name(all_tasks(shop.services))
    assert {name for names in SUBSCRIPTIONS.values() for name in names} <= set(tasks)
    crons = [cron.name for cron in all_crons(shop.services)]
    assert len(set(crons)) == len(crons)


def test_every_event_is_handled_by_a_task_that_takes_it(shop: Shop) -> None:
    tasks = by_name(all_tasks(shop.services))
    for event, names in SUBSCRIPTIONS.items():
        assert {tasks[name].payload.__name__ for name in names} == {event}
    # Other tests in this process have events of their own.
    ours = [event for event in Event.__subclasses__() if event.__module__.startswith("backend.")]
    assert {event.name() for event in ours} == SUBSCRIPTIONS.keys()


async def test_the_buyer_gets_the_key_hidden_and_protected(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods(keys=1)
    order = await shop.sale(await shop.buyer(), goods)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    key = goods.keys[0]
    assert order.number in message["text"]
    assert "Private VPN key" in message["text"]
    assert "$7.20" in message["text"]
    assert "Price:" not in message["text"]
    assert key in message["text"]
    kinds = {entity["type"] for entity in message["entities"]}
    assert {"bold", "code"} <= kinds
    assert message["protected"]
    assert button(message, "Open order")["value"] == f"{PUBLIC}/orders/{order.number}"
    assert button(message, "Copy the key")["value"] == key
    (row,) = await shop.notifications("order_paid")
    assert (row.status, row.message_id) == ("sent", message["message_id"])


async def test_one_key_for_several_says_for_how_many(shop: Shop, telegram: Telegram) -> None:
    variant_id = await add_shared(shop.services.catalog, count="20", price="1.00")
    await shop.services.orders.checkout.place(await shop.buyer(), variant_id, 3, "tap-0000001")
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].count("SHARED-SECRET-1") == 1
    assert "SHARED-SECRET-1 × 3" in message["text"]
    assert button(message, "Copy the key")["value"] == "SHARED-SECRET-1"


async def test_the_key_rests_nowhere(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    goods = await shop.goods(keys=1)
    await shop.sale(await shop.buyer(), goods)
    await shop.work()
    async with shop.services.uow.read() as tx:
        for table in ("notifications", "outbox_jobs", "audit_entries"):
            rows = (await tx.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t"))).scalars()
            assert not any(goods.keys[0] in row for row in rows)
    assert goods.keys[0] not in caplog.text


async def test_admins_are_told_without_the_key(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods(keys=2)
    root = await shop.services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
    for number, permissions in ((LAYLA, [Permission.ORDERS]), (DMITRI, [Permission.STOCK])):
        await telegram.person(number).meet()
        admin = await shop.services.identity.access.authenticate(contact(number, language_code="ar"))
        await shop.services.identity.admins.set_permissions(root, admin.id, permissions)
    order = await shop.sale(await shop.buyer(), goods, 2)
    await shop.work()
    (message,) = await telegram.person(NADIA).heard()
    assert message["text"].startswith(f"New order {order.number}")
    assert "Emma Clarke <3" in message["text"]
    assert "× 2" in message["text"]
    assert "$14.40" in message["text"]
    assert "Paid with: \u2068Balance\u2069" in message["text"]
    assert not any(key in message["text"] for key in goods.keys)
    assert button(message, "Open order")["value"] == f"{PUBLIC}/admin/orders/{order.number}"
    (arabic,) = await telegram.person(LAYLA).heard()
    assert translator(Locale.AR).gettext("Open order") == arabic["buttons"][0][0]["text"]
    assert await telegram.person(DMITRI).heard(wait=0) == []
    link = [entity for entity in message["entities"] if entity["type"] in {"text_mention", "text_link"}]
    assert link


async def test_buyer_and_admins_read_the_parts_of_a_price(shop: Shop, telegram: Telegram) -> None:
    await shop.services.identity.access.authenticate(contact(NADIA, first_name="Nadia"))
    goods = await shop.goods(price=720, reseller_price=590, keys=2)
    await shop.sale(msgspec.structs.replace(await shop.buyer(), is_reseller=True), goods, 2)
    await shop.work()
    parts = "× 2\nPrice: $14.40\nReseller discount: −$2.60\n"
    assert f"{parts}Paid: $11.80" in (await telegram.person(EMMA).heard())[0]["text"]
    assert f"{parts}Total: $11.80" in (await telegram.person(NADIA).heard())[0]["text"]


@pytest.mark.parametrize("language", ["ar", "ru"])
async def test_in_the_buyers_language(shop: Shop, telegram: Telegram, language: str) -> None:
    goods = await shop.goods(keys=1)
    await shop.sale(await shop.buyer(language=language), goods)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert {"ar": "مفتاح شبكة خاصة", "ru": "Ключ VPN"}[language] in message["text"]
    assert {"ar": "7.20", "ru": "7,20\u00a0$"}[language] in message["text"]


@pytest.mark.parametrize(("count", "as_file"), [(3, False), (20, False), (21, True), (300, True)])
async def test_many_keys_come_as_a_file(shop: Shop, telegram: Telegram, count: int, as_file: bool) -> None:
    goods = await shop.goods(keys=count)
    order = await shop.sale(await shop.buyer(cents=10_000_000), goods, count)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["protected"]
    if not as_file:
        assert all(key in message["text"] for key in goods.keys)
        return
    assert message["document"]["name"] == f"{order.number}.txt"
    content = (await telegram.http.get(message["document"]["url"])).content.decode()
    assert sorted(goods.keys) == sorted(line for line in content.splitlines() if line.startswith("KEY-"))
    assert not any(key in message["text"] for key in goods.keys)
    assert str(count) in message["text"]


async def test_running_a_job_again_sends_nothing_again(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods()
    await shop.sale(await shop.buyer(), goods)
    await shop.work()
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE outbox_jobs SET done_at = NULL"))
    await shop.work()
    assert len(await telegram.person(EMMA).heard()) == 1
    assert len(await telegram.person(NADIA).heard()) == 1


async def test_two_runs_at_once_send_once(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods()
    await shop.sale(await shop.buyer(), goods)
    tasks = by_name(all_tasks(shop.services))
    (job,) = await shop.jobs("notifications.order_paid_buyer")
    await Runner(shop.services.uow, tasks, attempts=8, most_follow_ups=0).run(job.id)
    sends = await shop.jobs("notifications.send")
    assert len(sends) == 2
    runs = [Runner(shop.services.uow, tasks, attempts=8).run(send.id) for send in sends for _ in range(4)]
    await asyncio.gather(*runs)
    assert len(await telegram.calls("sendMessage")) == 2
    assert len(await shop.notifications("order_paid")) == 1


async def test_to_chat_sends_again_each_time(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods(keys=1)
    buyer = await shop.buyer()
    order = await shop.sale(buyer, goods)
    for _ in range(2):
        await shop.services.orders.delivery.send_to_chat(buyer, order.number)
        await shop.work()
        await shop.later(seconds=5)
    messages = await telegram.person(EMMA).heard()
    assert len(messages) == 3
    assert all(goods.keys[0] in message["text"] for message in messages)


async def test_a_top_up_is_told(shop: Shop, telegram: Telegram) -> None:
    buyer = await shop.buyer()
    event: dict[str, Any] = {"intent_id": IntentId(new_id()), "user_id": buyer.id, "order_id": None, "method": "demo"}
    async with shop.services.uow() as tx:
        tx.emit(TopUpSucceeded(**event, amount=2500, balance=102_500, currency="USD", status=IntentStatus.SUCCEEDED))
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"] == "$25.00 added to your balance\nBalance: $1,025.00"
    assert button(message, "Open wallet")["value"] == f"{PUBLIC}/wallet"


async def test_low_and_empty_stock_is_told_to_stock_admins(shop: Shop, telegram: Telegram) -> None:
    goods = await shop.goods(keys=3, low_stock_at=1)
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE variants SET low_stock_told = false"))
    await shop.sale(await shop.buyer(), goods, 2)
    await shop.work()
    messages = [message for message in await telegram.person(NADIA).heard() if message["text"].startswith("Low stock")]
    assert len(messages) == 1
    assert "1 left" in messages[0]["text"]
    assert button(messages[0], "Open product")["value"] == f"{PUBLIC}/shop/{goods.slug}"


def test_nothing_left_says_so() -> None:
    subject = StockSubject(ProductId(new_id()), "vpn", {"en": "VPN <1>"}, {}, None, 0)
    message = stock_low(Words(Locale.EN, PUBLIC), subject, 0)
    assert message.text == "<b>Sold out</b>\n\u2068VPN &lt;1&gt;\u2069\nAdd keys to sell it again."
    shared = msgspec.structs.replace(subject, kind=StockKind.SHARED_KEY)
    assert stock_low(Words(Locale.EN, PUBLIC), shared, 0).text.endswith("\nRaise the key's count to sell it again.")


def test_telegram_counts_utf16_units_of_the_visible_text() -> None:
    assert visible_length("<b>a&lt;b</b> 😀") == 6
