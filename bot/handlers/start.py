"""/start: the greeting, and deep links."""

from __future__ import annotations

import re
from typing import Final

from aiogram import Bot, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import InlineKeyboardButton, Message

from backend.identity.types import Actor
from backend.kernel.errors import Forbidden, NotFound, RateLimited
from backend.kernel.text import code_signs, visible
from bot.commands import dress_chat
from bot.context import Deps, Words
from bot.handlers.admins import invitation_button
from bot.handlers.courses import introduction, linked_course
from bot.keyboards import page_button, rows, shop_button

_PRODUCT: Final = re.compile(r"p_([a-z0-9][a-z0-9-]{0,61})")
_CODE: Final = re.compile(r"[^\w-]*([go])_(.{4,100})")
_GIFT: Final = re.compile("[0-9A-Z]{16}")
_ORDER: Final = re.compile("[0-9A-Z]{4,12}")


def _signs(payload: str, kind: str) -> str:
    """The order number (``o``) or gift code (``g``) in a payload, however it was typed; or an empty text."""
    match = _CODE.fullmatch(visible(payload))
    return code_signs(match[2]) if match and match[1] == kind else ""


async def _linked(deps: Deps, actor: Actor, words: Words, payload: str) -> list[InlineKeyboardButton]:
    """The button for the target of a deep link. Referrals are stored by the access check and show no button."""
    if product := _PRODUCT.fullmatch(payload):
        try:
            await deps.catalog.storefront.product(actor, product[1])
        except NotFound:  # a partner's code looks like a product
            return []
        return [page_button(deps, words.gettext("See the product"), f"/shop/{product[1]}")]
    if course := await linked_course(deps, actor, payload):
        return [page_button(deps, words.gettext("Open course"), f"/learn/{course}")]
    order, gift = _signs(payload, "o"), _signs(payload, "g")
    if _ORDER.fullmatch(order):
        return [page_button(deps, words.gettext("Open order"), f"/orders/{order}")]
    if _GIFT.fullmatch(gift):
        return [page_button(deps, words.gettext("Open the gift"), f"/wallet/redeem?code={gift}")]
    return []


async def _gift(deps: Deps, actor: Actor, words: Words, payload: str) -> str | None:
    """The text about a gift link; None if it is none, or the gift is no longer available."""
    _ = words.gettext
    code = _signs(payload, "g")
    if not _GIFT.fullmatch(code):
        return None
    try:
        gift = await deps.codes.offer(actor, code)
    except RateLimited:  # so that nobody tries codes here; the page says it
        return None
    if gift is None:
        return None
    amount = words.money(gift.amount)
    if not gift.giver:
        return _("<b>You received a {amount} gift card</b>").format(amount=amount)
    return _("<b>{person} sent you a {amount} gift card</b>").format(person=words.safe(gift.giver), amount=amount)


async def start(message: Message, command: CommandObject, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Welcome the person, with buttons for the shop and the target of the link."""
    _ = words.gettext
    await deps.identity.access.mark_bot_blocked(actor.telegram_id, blocked=False)
    hello = _("<b>Welcome to {shop}, {name}!</b>").format(
        shop=words.safe(deps.settings.shop_name), name=words.safe(actor.first_name)
    )
    text = _("Choose a product, pay, and get your key instantly. The shop opens right inside Telegram.")
    payload = command.args or ""
    if invitation := invitation_button(deps, words, payload):
        await message.answer(_("You're invited to become an admin of this shop."), reply_markup=rows(invitation))
        await dress_chat(bot, deps, actor)
        return
    about = await _gift(deps, actor, words, payload)
    if about is None and (course := await linked_course(deps, actor, payload)):
        about = await introduction(deps, actor, words, course)
    if about is not None:
        await message.answer(about, reply_markup=rows(*await _linked(deps, actor, words, payload)))
        await dress_chat(bot, deps, actor)
        return
    buttons = [*await _linked(deps, actor, words, payload), shop_button(deps, words)]
    if actor.is_admin:
        buttons.append(page_button(deps, _("Manage the shop"), "/admin"))
    await message.answer(f"{hello}\n\n{text}", reply_markup=rows(*buttons))
    await dress_chat(bot, deps, actor)


async def admin(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """Open the back office. Raises Forbidden for anybody else."""
    if not actor.is_admin:
        raise Forbidden("not an admin")
    _ = words.gettext
    await message.answer(
        _("Open the back office:"), reply_markup=rows(page_button(deps, _("Manage the shop"), "/admin"))
    )


def router() -> Router:
    """Its router."""
    routes = Router(name="start")
    routes.message.register(start, CommandStart())
    routes.message.register(admin, Command("admin"))
    return routes
