"""The promo code of a purchase, as the sheets before it show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

import msgspec

from backend.catalog.types import VariantId
from backend.growth.types.promos import PromoRefusal, RefusedPromo
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.orders.types import Quote
from webapp.core.rendering import Viewer

_REFUSED: Final[dict[PromoRefusal, str]] = {
    PromoRefusal.UNKNOWN: _("This code doesn't exist. Check the spelling."),
    PromoRefusal.NOT_STARTED: _("This code doesn't work yet."),
    PromoRefusal.ENDED: _("This code has expired."),
    PromoRefusal.USED_UP: _("This code has been used up."),
    PromoRefusal.ALREADY_USED: _("You've already used this code."),
    PromoRefusal.FIRST_ONLY: _("This code is only for a first purchase."),
    PromoRefusal.BELOW_MINIMUM: _("This code needs a purchase of %(sum)s or more."),
    PromoRefusal.OTHER_GOODS: _("This code isn't for this product."),
    PromoRefusal.OWN: _("You made this code, so you can't use it. It is for other people."),
}


class PromoField(msgspec.Struct, frozen=True):
    """orders/_promo.html: the ``code`` that is used, or what was ``typed`` and why it takes nothing off.

    The field asks for the sheet at ``url`` again, with the other values.
    """

    url: str
    variant_id: str
    quantity: int
    use_balance: bool
    code: str = ""
    typed: str = ""
    error: Literal["", "refused", "too_many"] = ""
    reason: str = ""
    wait: timedelta = timedelta(0)


def promo_field(
    quote: Quote,
    variant_id: VariantId,
    typed: str,
    viewer: Viewer,
    refused: RefusedPromo | None,
    wait: timedelta,
    *,
    use_balance: bool,
) -> PromoField:
    """The field of a quote; ``wait`` is how long the buyer must wait after too many codes that do not exist."""
    refused = refused or quote.refused
    return PromoField(
        url=f"/shop/{quote.line.slug}/confirm",
        variant_id=str(variant_id),
        quantity=quote.line.quantity,
        use_balance=use_balance,
        code=quote.promo.code if quote.promo else "",
        typed=typed,
        error="too_many" if wait else "refused" if refused else "",
        reason=_reason(refused, viewer) if refused else "",
        wait=wait,
    )


def _reason(refused: RefusedPromo, viewer: Viewer) -> str:
    least = format_money(refused.minimum, viewer.locale, trim=True) if refused.minimum else ""
    return viewer.words.gettext(_REFUSED[refused.reason]) % {"sum": least}
