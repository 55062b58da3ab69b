"""/orders: the person's latest orders, a button for each."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import Message

from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.infra.formatting import joined
from backend.kernel.text import pick
from backend.orders.types import OrderFilter
from bot.context import Deps, Words
from bot.keyboards import page_button, rows, shop_button

_SHOWN = 5
_LONGEST_LABEL = 60


async def orders(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """Answer with the latest orders, or that there are none yet."""
    _ = words.gettext
    page = await deps.orders.history.list_mine(actor, OrderFilter.ALL, None)
    if not page.items:
        text = _("No orders yet. Your keys and receipts will appear here.")
        await message.answer(text, reply_markup=rows(shop_button(deps, words)))
        return
    buttons = []
    for row in page.items[:_SHOWN]:
        name = product_name(pick(row.line.name, words.locale), row.line.country, words.locale)
        label = joined([row.number, name, words.money(row.total)], words.locale)
        buttons.append(page_button(deps, label[:_LONGEST_LABEL], f"/orders/{row.number}"))
    buttons.append(page_button(deps, _("All orders"), "/orders"))
    await message.answer(_("Your latest orders:"), reply_markup=rows(*buttons))


def router() -> Router:
    """The handlers of orders."""
    handlers = Router(name="orders")
    handlers.message.register(orders, Command("orders"))
    return handlers
