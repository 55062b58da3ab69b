"""Messages about stock, and about what somebody searched for in vain."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from backend.catalog import domain as catalog
from backend.catalog.types import ProductId, StockKind, StockLow, StockSubject, VariantId
from backend.catalog.types.favourites import FavouriteChanged
from backend.catalog.types.search import WishFound
from backend.catalog.types.waiting import HoldEnded, HoldUndelivered, StockHeld, WaitId
from backend.catalog.words import product_name
from backend.identity.types import Permission
from backend.infra.formatting import format_number, format_time, timezone
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Edit, Notice, Params, admins, person
from backend.notifications.types import Message


async def _stock_low(draft: Draft, params: Params) -> Message | None:
    subject = await catalog.find_stock_subject(draft.tx, VariantId(UUID(params["variant_id"])))
    if subject is None or subject.available > params["left"]:  # filled up before the reader's morning
        return None
    return stock_low(draft.words, subject, subject.available)


def stock_low(words: Words, subject: StockSubject, left: int) -> Message:
    """Say that ``left`` of a variant are in stock, or that it is sold out and how to sell it again."""
    _, ngettext = words.translator.gettext, words.translator.ngettext
    thing = words.thing(subject)
    if left:
        head = _("<b>Low stock</b>")
        state = ngettext("{count} left", "{count} left", left).format(count=format_number(left, words.locale))
    else:
        head = _("<b>Sold out</b>")
        shared = subject.kind is StockKind.SHARED_KEY
        state = _("Raise the key's count to sell it again.") if shared else _("Add keys to sell it again.")
    return Message(f"{head}\n{thing}\n{state}", (words.button(_("Open product"), f"/shop/{subject.slug}"),))


async def _compose_wish(draft: Draft, params: Params) -> Message | None:
    product = await catalog.get_listed(draft.tx, ProductId(UUID(params["product_id"])))
    words = draft.words
    _ = words.translator.gettext
    asked = _("You searched for {typed}.").format(typed=words.isolated(params["typed"]))
    name = product_name(pick(product.name, words.locale), product.country, words.locale)
    text = "\n".join([_("<b>Now in the shop</b>"), words.isolated(name), asked])
    return Message(text, (words.button(_("Open product"), f"/shop/{product.slug}"),), picture=product.picture)


async def _favourite_changed(draft: Draft, params: Params) -> Message | None:
    """Say what is true of the product now: back in stock, or cheaper; nothing once it is neither."""
    user_id, product_id = UserId(UUID(params["user_id"])), ProductId(UUID(params["product_id"]))
    favourite = await catalog.find_favourite(draft.tx, user_id, product_id)
    if favourite is None or not favourite.for_sale or favourite.available == 0:
        return None
    words = draft.words
    _ = words.translator.gettext
    if favourite.price.amount < params["known"]:
        before = words.money(Money(params["known"], favourite.price.currency))
        head = _("<b>Lower price</b>")
        state = _("{price}, before {before}").format(price=words.money(favourite.price), before=before)
    elif not params["returned"]:
        return None
    else:
        head, state = _("<b>Back in stock</b>"), words.money(favourite.price)
    name = words.isolated(product_name(pick(favourite.name, words.locale), favourite.country, words.locale))
    button = words.button(_("Open product"), f"/shop/{favourite.slug}")
    return Message(f"{head}\n{name}\n{state}", (button,), picture=favourite.picture)


async def _stock_held(draft: Draft, params: Params) -> Message | None:
    """Say that something is held for the reader, or once it is no more, that it was."""
    subject = await catalog.find_stock_subject(draft.tx, VariantId(UUID(params["variant_id"])))
    until = msgspec.convert(params["until"], datetime)
    if subject is None or (not params.get("ended") and until <= draft.tx.now):
        return None
    words = draft.words
    _, thing = words.translator.gettext, words.thing(subject)
    name = _("Open course") if subject.kind is StockKind.COURSE else _("Open product")
    button = words.button(name, f"/shop/{subject.slug}?variant={params['variant_id']}")
    if params.get("ended"):
        head = _("<b>No longer reserved for you</b>")
        return Message(f"{head}\n{thing}", (button,), picture=subject.picture)
    head = _("<b>Reserved for you</b>")
    at = words.isolated(format_time(until.astimezone(timezone(draft.reader.timezone))))
    state = _("You can buy it until {time}. Then it goes to the next person in line.").format(time=at)
    return Message(f"{head}\n{thing}\n{state}", (button,), picture=subject.picture)


NOTICES: Final = (
    Notice(
        event=StockHeld,
        kind="stock_held",
        audience=person(lambda event: event.user_id),
        key="stock_held:{wait_id}:{until}",
        thread="stock_held:{wait_id}",
        compose=_stock_held,
        urgent=False,
        undelivered=lambda params, _: HoldUndelivered(wait_id=WaitId(UUID(params["wait_id"]))),
    ),
    Notice(
        event=FavouriteChanged,
        kind="favourite_changed",
        audience=person(lambda event: event.user_id),
        key="favourite_changed:{user_id}:{job}",
        compose=_favourite_changed,
        urgent=False,
    ),
    Edit(
        event=HoldEnded,
        thread="stock_held:{wait_id}",
        changes=lambda _: {"ended": True},
        only_last=True,
    ),
    Notice(
        event=StockLow,
        kind="stock_low",
        audience=admins(Permission.STOCK),
        key="stock_low:{job}",
        compose=_stock_low,
        urgent=False,
    ),
    Notice(
        event=WishFound,
        kind="wish_found",
        audience=person(lambda event: event.user_id),
        key="wish_found:{job}",
        compose=_compose_wish,
        urgent=False,
    ),
)
