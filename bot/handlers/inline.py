"""Inline mode: "@bot netflix" in any chat finds products, and shares one with a button that opens it."""

from __future__ import annotations

import contextlib
from typing import Final

from aiogram import Bot, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardButton,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
)

from backend.catalog.types import ProductCard, Sort
from backend.identity.types import Actor
from backend.infra.formatting import joined
from bot.context import Deps, Words
from bot.keyboards import rows

_SHOWN: Final = 20
# Telegram shows one person the same answer again for so long: prices and stock change.
_CACHE_SECONDS: Final = 30


async def answer_query(query: InlineQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Answer with products: what the typed words find, what comes near, or the popular ones for no words."""
    typed = query.query.strip()
    if typed:
        result = await deps.catalog.search.search(actor, typed, limit=_SHOWN)
        cards = result.items or result.near
    else:
        cards = (await deps.catalog.storefront.browse(actor, in_stock=True, sort=Sort.POPULAR, limit=_SHOWN)).items
    link = deps.settings.bot_url or f"https://t.me/{(await bot.me()).username}"
    button = InlineQueryResultsButton(text=words.gettext("Open the shop"), start_parameter="shop")
    # The person has typed on meanwhile, and Telegram wants no answer any more.
    with contextlib.suppress(TelegramBadRequest):
        await query.answer(
            [_article(card, link, deps, words) for card in cards],
            cache_time=_CACHE_SECONDS,
            is_personal=True,
            button=button,
        )


def _article(card: ProductCard, link: str, deps: Deps, words: Words) -> InlineQueryResultArticle:
    """A product in the list above the keyboard, and the message that a tap on it sends."""
    _ = words.gettext
    price = words.money(card.price_from)
    if card.prices_differ:
        price = _("from {price}").format(price=price)
    if card.available == 0:
        price = joined([price, _("Sold out")], words.locale)
    picture = card.picture_url and not card.picture_url.endswith(".svg")
    text = "\n".join(filter(None, [f"<b>{words.safe(card.title)}</b>", words.safe(card.summary), words.safe(price)]))
    return InlineQueryResultArticle(
        id=card.id.hex,
        title=card.title,
        description="\n".join(filter(None, [price, card.summary])),
        thumbnail_url=deps.page(card.picture_url) if picture and card.picture_url else None,
        input_message_content=InputTextMessageContent(message_text=text),
        reply_markup=rows(InlineKeyboardButton(text=_("See the product"), url=f"{link}?startapp=p_{card.slug}")),
    )


def router() -> Router:
    """Its router."""
    routes = Router(name="inline")
    routes.inline_query.register(answer_query)
    return routes
