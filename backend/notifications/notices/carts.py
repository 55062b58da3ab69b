"""The reminder of a cart that was left."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.kernel.ids import UserId
from backend.notifications.errors import SlowDown
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.types import Message
from backend.orders.domain import carts
from backend.orders.types.cart import CartFilled

_MOST_NAMED: Final = 10


async def _cart_left(draft: Draft, params: Params) -> Message | None:
    """What is in the cart now; nothing where it was bought or emptied since. It waits where the cart has changed."""
    tx, owner = draft.tx, UserId(UUID(params["user_id"]))
    at = await carts.find_reminder(tx, owner, params["version"])
    if at is not None and at > tx.now:
        raise SlowDown((at - tx.now).total_seconds(), "the cart has changed since")
    left = await carts.list_left(tx, owner) if at else []
    if not left:
        return None
    words = draft.words
    _ = words.translator.gettext
    rows = [words.thing(offer, quantity) for offer, quantity in left]
    named = rows[:_MOST_NAMED] + (["…"] if len(rows) > _MOST_NAMED else [])
    text = "\n".join([_("<b>Still in your cart</b>"), *named])
    return Message(text, (words.button(_("Open cart"), "/cart"),))


NOTICES: Final = (
    Notice(
        event=CartFilled,
        kind="cart_left",
        audience=person(lambda event: event.user_id),
        key="cart_left:{user_id}:{version}",
        compose=_cart_left,
        urgent=False,
        not_before=lambda event: event.remind_at,
    ),
)
