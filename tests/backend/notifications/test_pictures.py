"""A product's picture in the chat: uploaded once, then sent by Telegram's own id; where there is none, a text."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from backend.infra.picture_maker import PictureMaker, chat_name
from backend.notifications.types import Message
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, LAYLA, Telegram, button
from tests.factories.identity import contact
from tests.factories.images import encoded, halves
from tests.factories.shop import Goods, stock_up

REFUSED = "Bad Request: wrong remote file identifier specified: can't unserialize it. Wrong last symbol"


async def stored(shop: Shop) -> str:
    """The name of an uploaded picture, in all its sizes."""
    created = await PictureMaker().make(encoded(halves(400, 300)))
    await shop.services.storage.put_files(created.files)
    return created.name


async def restocked(shop: Shop, telegram: Telegram, picture: str | None) -> Goods:
    """One product with a picture; Emma and Layla are each told that one is reserved for them."""
    goods = await shop.goods(keys=0)
    emma = await shop.buyer()
    await telegram.person(LAYLA).meet()
    layla = await shop.services.identity.access.authenticate(contact(LAYLA, first_name="Layla"))
    for person in (emma, layla):
        await shop.services.catalog.waiting.join(person, goods.variant_id)
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE products SET picture = :picture"), {"picture": picture})
        await stock_up(tx, shop.services.ring, goods.variant_id, ["BACK-1", "BACK-2"])
    shop.clock.move(seconds=(shop.clock.now().replace(hour=12) - shop.clock.now()).total_seconds())
    await shop.services.catalog.waiting.serve_all()
    return goods


async def sent_photos(telegram: Telegram) -> list[str]:
    """What each call of sendPhoto named, the first call first."""
    return [str(call["params"]["photo"]) for call in await telegram.calls("sendPhoto")]


async def known(shop: Shop) -> list[Any]:
    """The rows of telegram_files."""
    async with shop.services.uow.read() as tx:
        return list(
            (await tx.execute(text("SELECT bot_id, content, file_id FROM telegram_files ORDER BY bot_id"))).all()
        )


async def know(shop: Shop, bot_id: int, content: str | None, file_id: str) -> None:
    """A picture was sent before."""
    async with shop.services.uow() as tx:
        row = {"bot": bot_id, "content": content, "file": file_id, "at": tx.now}
        await tx.execute(text("INSERT INTO telegram_files VALUES (:bot, :content, :file, :at)"), row)


def our_bot(shop: Shop) -> int:
    """The id of the shop's bot."""
    return shop.services.settings.bot_id


async def test_the_first_is_an_upload_and_the_next_go_by_its_id(shop: Shop, telegram: Telegram) -> None:
    picture = await stored(shop)
    goods = await restocked(shop, telegram, picture)
    await shop.work()
    for person in (EMMA, LAYLA):
        (message,) = await telegram.person(person).heard()
        assert message["photo"]["width"] == 400
        assert message["text"].splitlines()[0] == "Reserved for you"
        assert f"/shop/{goods.slug}?" in button(message, "Open product")["value"]
    (row,) = await known(shop)
    assert (row.bot_id, row.content) == (our_bot(shop), chat_name(picture))
    assert await sent_photos(telegram) == ["attach://file0", row.file_id]
    assert await telegram.calls("sendMessage") == []


async def test_an_id_that_is_refused_is_replaced_by_one_upload(shop: Shop, telegram: Telegram) -> None:
    picture = await stored(shop)
    await know(shop, our_bot(shop), chat_name(picture), "of-a-lost-server")
    await restocked(shop, telegram, picture)
    await shop.work()
    (row,) = await known(shop)
    assert await sent_photos(telegram) == ["of-a-lost-server", "attach://file0", row.file_id]
    for person in (EMMA, LAYLA):
        assert [("photo" in message) for message in await telegram.person(person).heard()] == [True]


async def test_a_refused_id_is_forgotten_even_if_the_upload_fails(shop: Shop, telegram: Telegram) -> None:
    picture = await stored(shop)
    await know(shop, our_bot(shop), chat_name(picture), "of-a-lost-server")
    await restocked(shop, telegram, picture)
    await telegram.fault("sendPhoto", kind="error", status=400, description=REFUSED)
    await telegram.fault("sendPhoto", kind="error", status=502, description="Bad Gateway", times=2)
    await shop.work()
    assert await known(shop) == []
    assert [row.status for row in await shop.notifications("stock_held")] == ["pending", "pending"]


async def test_the_id_of_another_bot_is_not_used(shop: Shop, telegram: Telegram) -> None:
    picture = await stored(shop)
    await know(shop, 1, chat_name(picture), "of-another-bot")
    await restocked(shop, telegram, picture)
    await shop.work()
    theirs, ours = await known(shop)
    assert (theirs.bot_id, theirs.file_id, ours.bot_id) == (1, "of-another-bot", our_bot(shop))
    assert await sent_photos(telegram) == ["attach://file0", ours.file_id]


@pytest.mark.parametrize("picture", [None, f"{'a' * 40}.svg", f"{'a' * 40}-640.webp"], ids=["none", "svg", "no JPEG"])
async def test_without_a_picture_for_chats_it_is_a_text(shop: Shop, telegram: Telegram, picture: str | None) -> None:
    await restocked(shop, telegram, picture)
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].startswith("Reserved for you")
    assert "photo" not in message
    assert (await sent_photos(telegram), await known(shop)) == ([], [])


async def test_a_picture_that_telegram_refuses_is_a_text(shop: Shop, telegram: Telegram) -> None:
    await restocked(shop, telegram, await stored(shop))
    await telegram.fault(
        "sendPhoto", kind="error", status=400, description="Bad Request: IMAGE_PROCESS_FAILED", times=2
    )
    await shop.work()
    for person in (EMMA, LAYLA):
        assert [("photo" in message) for message in await telegram.person(person).heard()] == [False]
    assert await known(shop) == []


async def test_a_text_longer_than_a_caption_has_no_picture(shop: Shop, telegram: Telegram) -> None:
    picture, send = await stored(shop), shop.services.notifications._messenger.send
    await shop.buyer()
    for length in (1024, 1025):
        await send(EMMA, Message(f"<b>{'&lt;' * length}</b>", picture=picture))
    assert [("photo" in message) for message in await telegram.person(EMMA).heard()] == [True, False]


@pytest.mark.parametrize("had", [True, False], ids=["a picture", "no picture"])
@pytest.mark.parametrize("has", [True, False], ids=["and has one", "and has none"])
async def test_it_is_edited_in_the_chat_as_it_stands_there(
    shop: Shop, telegram: Telegram, had: bool, has: bool
) -> None:
    picture = await stored(shop)
    await restocked(shop, telegram, picture if had else None)
    await shop.work()
    async with shop.services.uow() as tx:
        await tx.execute(text("UPDATE products SET picture = :picture"), {"picture": picture if has else None})
    shop.clock.move(minutes=30)
    await shop.services.catalog.waiting.serve_all()
    await shop.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"].splitlines()[0] == "No longer reserved for you"
    assert ("photo" in message) is had
