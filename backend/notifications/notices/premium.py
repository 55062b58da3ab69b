"""Reminders of the end of premium."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.catalog import domain as catalog
from backend.catalog.types import StockKind
from backend.growth.domain import premium
from backend.growth.types.premium import PremiumEnded, PremiumEnding
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.types import Button, Message


async def _ending(draft: Draft, params: Params) -> Message | None:
    """Nothing where months were added or taken since."""
    event, words = msgspec.convert(params, PremiumEnding), draft.words
    if await premium.find_end(draft.tx, event.user_id) != event.until:
        return None
    _ = words.translator.gettext
    head = _("<b>Your premium ends on {date}</b>").format(date=words.day(event.until, draft.reader.timezone))
    text = _("If you renew now, the new months are added to what is left.")
    return Message(f"{head}\n{text}", await _renewal(draft))


async def _ended(draft: Draft, params: Params) -> Message | None:
    """Nothing where months were added since."""
    event, words = msgspec.convert(params, PremiumEnded), draft.words
    if await premium.find_end(draft.tx, event.user_id) != event.until:
        return None
    _, zone = words.translator.gettext, draft.reader.timezone
    rows = [_("<b>Your premium ended on {date}</b>").format(date=words.day(event.until, zone))]
    if event.open_until > event.until:
        text = _("Products for premium members stay open to you until {date}. Renew to keep them.")
        rows.append(text.format(date=words.day(event.open_until, zone)))
    else:
        rows.append(_("Renew to buy products for premium members again."))
    return Message("\n".join(rows), await _renewal(draft))


async def _renewal(draft: Draft) -> tuple[Button, ...]:
    slug = await catalog.find_slug_of_kind(draft.tx, StockKind.PREMIUM.value)
    words = draft.words
    return (words.button(words.translator.gettext("Renew premium"), f"/shop/{slug}"),) if slug else ()


NOTICES: Final = (
    Notice(
        event=PremiumEnding,
        kind="premium_ending",
        audience=person(lambda event: event.user_id),
        key="premium_ending:{user_id}:{until}",
        compose=_ending,
        urgent=False,
    ),
    Notice(
        event=PremiumEnded,
        kind="premium_ended",
        audience=person(lambda event: event.user_id),
        key="premium_ended:{user_id}:{until}",
        compose=_ended,
        urgent=False,
    ),
)
