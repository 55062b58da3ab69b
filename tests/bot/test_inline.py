"""Products shared in any chat: found as in the shop, priced for the person, opened by a button."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bootstrap import Services
from tests.bot.telegram import DMITRI, EMMA, LAYLA, Telegram, button
from tests.factories.shop import Goods, add_goods

pytestmark = pytest.mark.usefixtures("running_bot")


@pytest.fixture
async def thing(shop: Services) -> Goods:
    """A VPN key that the search knows."""
    async with shop.uow() as tx:
        thing = await add_goods(tx, shop.ring, price=720, keys=3)
    await shop.catalog.searches.refresh_index()
    return thing


async def ask(telegram: Telegram, person: int, text: str) -> Any:
    """What the bot offers for ``@bot text``."""
    return await telegram.control("POST", f"/personas/{person}/inline", text=text)


async def share(telegram: Telegram, person: int, text: str) -> Any:
    """Send the first of what is offered to the bot's own chat; the message."""
    offered = await ask(telegram, person, text)
    chosen = {"query_id": offered["query_id"], "result_id": offered["results"][0]["id"]}
    return await telegram.control("POST", f"/personas/{person}/inline/choose", **chosen)


@pytest.mark.parametrize(
    ("person", "typed", "title"),
    [
        (EMMA, "мзт", "VPN key"),
        (DMITRI, "vpn", "Ключ VPN"),
        (LAYLA, "vpn key", "مفتاح شبكة خاصة"),
        (EMMA, "", "VPN key"),
    ],
)
async def test_it_offers_what_the_search_finds_in_the_person_s_language(
    telegram: Telegram, thing: Goods, person: int, typed: str, title: str
) -> None:
    offered = await ask(telegram, person, typed)
    assert (offered["answered"], offered["is_personal"]) == (True, True)
    assert title in offered["results"][0]["title"]
    assert "7" in offered["results"][0]["description"]


async def test_a_shared_product_opens_by_its_button_and_is_no_letter_to_support(
    telegram: Telegram, thing: Goods
) -> None:
    message = await share(telegram, EMMA, "vpn")
    assert "VPN key" in message["text"]
    link = button(message, "See the product")["value"]
    assert link.endswith(f"?startapp=p_{thing.slug}")
    await telegram.person(EMMA).say("/help")
    assert len(await telegram.person(EMMA).heard(after=message["message_id"])) == 1  # the help, and no answer before it


@pytest.mark.parametrize("typed", ["x" * 256, "%_\\", "':*&|!", "9" * 20, "   ", "😀", "\u202e", "zanzibar"])
async def test_odd_queries_are_answered(telegram: Telegram, thing: Goods, typed: str) -> None:
    assert (await ask(telegram, EMMA, typed))["answered"]
