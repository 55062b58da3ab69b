"""Messages about stock."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.catalog import domain as catalog
from backend.catalog.types import StockLow, StockSubject, VariantId
from backend.identity.types import Permission
from backend.infra.formatting import format_number
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Notice, Params, admins
from backend.notifications.types import Message


async def _stock_low(draft: Draft, params: Params) -> Message | None:
    subject = await catalog.find_stock_subject(draft.tx, VariantId(UUID(params["variant_id"])))
    if subject is None or subject.available > params["left"]:  # filled up before the reader's morning
        return None
    return stock_low(draft.words, subject, subject.available)


def stock_low(words: Words, subject: StockSubject, left: int) -> Message:
    """Say that ``left`` keys of a variant are in stock, or that it is sold out."""
    _, ngettext = words.translator.gettext, words.translator.ngettext
    thing = words.thing(subject)
    if left:
        head = _("<b>Low stock</b>")
        state = ngettext("{count} left", "{count} left", left).format(count=format_number(left, words.locale))
    else:
        head = _("<b>Sold out</b>")
        state = _("Add keys to sell it again.")
    return Message(f"{head}\n{thing}\n{state}", (words.button(_("Open product"), f"/shop/{subject.slug}"),))


NOTICES: Final = (
    Notice(
        event=StockLow,
        kind="stock_low",
        audience=admins(Permission.STOCK),
        key="stock_low:{job}",
        compose=_stock_low,
        urgent=False,
    ),
)
