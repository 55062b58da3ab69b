"""What the chat says of goods by hand: to the admins once, and to the buyer in preparation and when it is ready."""

from __future__ import annotations

from typing import Any

import msgspec

from backend.catalog.types.questions import Question, QuestionKind
from backend.identity.types import Actor, Permission
from backend.kernel.ids import OrderLineId
from backend.orders.types import OrderView, RequestedLine
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram


async def _bought(shop: Shop, key: str = "by-hand-0001") -> tuple[OrderView, OrderLineId, Actor]:
    """An order of goods by hand, its line, and the root admin."""
    await shop.services.identity.access.ensure_root()
    root = await shop.services.identity.access.actor_by_telegram_id(NADIA)
    assert root is not None
    buyer = await shop.services.identity.access.actor_by_telegram_id(EMMA) or await shop.buyer()
    order = await shop.sale(buyer, await shop.goods(keys=0, price=1500, kind="by_hand"), key=key)
    return order, order.lines[0].id, root


async def _heard(telegram: Telegram, who: int, words: str) -> list[dict[str, Any]]:
    return [message for message in await telegram.person(who).heard(wait=0) if words in message["text"]]


async def test_admins_hear_of_new_work_and_once_before_its_time(shop: Shop, telegram: Telegram) -> None:
    order, line, root = await _bought(shop)
    await shop.work()
    await shop.work()
    (message,) = await _heard(telegram, NADIA, "To prepare")
    assert order.number in message["text"]
    assert "Promised by" in message["text"]
    assert message["buttons"][0][0]["value"].endswith(f"/admin/orders/work/{line}")
    await shop.services.catalog.hand_work.take(root, line)
    for hours in (17, 1, 1, 10):
        shop.clock.move(hours=hours)
        await shop.services.catalog.hand_work.remind()
        await shop.work()
    (reminded,) = await _heard(telegram, NADIA, "Due soon")
    assert order.number in reminded["text"]


async def test_admins_read_in_the_chat_what_the_buyer_has_answered(shop: Shop, telegram: Telegram) -> None:
    services = shop.services
    await services.identity.access.ensure_root()
    buyer = await services.identity.access.actor_by_telegram_id(EMMA) or await shop.buyer()
    goods = await shop.goods(keys=0, price=1500, kind="by_hand")
    asked = [
        Question(id="acct", kind=QuestionKind.TEXT, label={"en": "Account <name>"}),
        Question(id="long", kind=QuestionKind.TEXT, label={"en": "Wishes"}, required=False),
    ]
    await services.catalog.questions.save(Actor.system(), goods.product_id, asked, version=0)
    given = (("acct", "<b>emma</b> & co"), ("long", "x" * 150))
    await services.orders.checkout.place_all(buyer, [RequestedLine(goods.variant_id, 1, given)], "with-answers")
    await shop.work()
    (message,) = await _heard(telegram, NADIA, "To prepare")
    assert "Account <name>: <b>emma</b> & co" in message["text"]
    assert f"Wishes: {'x' * 99}…" in message["text"] and "x" * 100 not in message["text"]


async def test_what_is_taken_or_delivered_is_not_mentioned_any_more(shop: Shop, telegram: Telegram) -> None:
    _, line, root = await _bought(shop)
    work = shop.services.catalog.hand_work
    await work.take(root, line)
    await shop.work()
    assert not await _heard(telegram, NADIA, "To prepare")
    shop.clock.move(hours=18)
    await work.remind()
    await work.deliver_text(root, line, "in time")
    await shop.work()
    assert not await _heard(telegram, NADIA, "Due soon")


async def test_a_reminder_goes_to_all_when_its_preparer_is_no_admin_any_more(shop: Shop, telegram: Telegram) -> None:
    _, line, _ = await _bought(shop)
    buyer = await shop.services.identity.access.actor_by_telegram_id(EMMA)
    assert buyer is not None
    gone = msgspec.structs.replace(buyer, permissions=frozenset({Permission.ORDERS}))
    await shop.services.catalog.hand_work.take(gone, line)
    shop.clock.move(hours=20)
    await shop.services.catalog.hand_work.remind()
    await shop.work()
    assert len(await _heard(telegram, NADIA, "Due soon")) == 1
    assert not await _heard(telegram, EMMA, "Due soon")


async def test_the_buyer_hears_when_it_is_promised_and_gets_the_text(shop: Shop, telegram: Telegram) -> None:
    order, line, root = await _bought(shop)
    await shop.work()
    (paid,) = await _heard(telegram, EMMA, "In preparation")
    assert "Ready by" in paid["text"]
    await shop.services.catalog.hand_work.take(root, line)
    await shop.services.catalog.hand_work.deliver_text(root, line, "Login: <emma>\nPassword: tulip")
    await shop.work()
    (ready,) = await _heard(telegram, EMMA, "is ready")
    assert "Login: <emma>\nPassword: tulip" in ready["text"]
    assert "Tap the text to see it." in ready["text"]
    assert [button["text"] for row in ready["buttons"] for button in row] == ["Copy the text", "Open order"]
    assert order.number in ready["text"]


async def test_a_file_is_named_and_opened_on_the_order(shop: Shop, telegram: Telegram) -> None:
    order, line, root = await _bought(shop)
    await shop.services.catalog.hand_work.take(root, line)
    await shop.services.catalog.hand_work.deliver_file(root, line, "logo <final>.svg", b"<svg/>")
    await shop.work()
    (ready,) = await _heard(telegram, EMMA, "is ready")
    assert "logo final.svg" in ready["text"]
    assert [button["text"] for row in ready["buttons"] for button in row] == ["Open order"]
    assert ready["buttons"][0][0]["value"].endswith(f"/orders/{order.number}")
