"""The promo code of a purchase, as the sheets before it show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec

from backend.catalog.types import VariantId
from backend.growth.types.promos import PromoCodeId, PromoRefusal, RefusedPromo
from backend.infra.formatting import format_money
from backend.infra.i18n import mark as _
from backend.orders.types import Quote
from backend.orders.types.cart import CartQuote
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


_REFUSED_IN_CART: Final = {PromoRefusal.OTHER_GOODS: _("This code isn't for the products in your cart.")}


class Entered(msgspec.Struct, frozen=True):
    """What a buyer has typed as a promo code: the ``codes`` that it is, or why it is none.

    ``wait`` is how long they must wait after too many codes that do not exist.
    """

    typed: str = ""
    codes: tuple[PromoCodeId, ...] = ()
    refused: RefusedPromo | None = None
    wait: timedelta = timedelta(0)


class PromoField(msgspec.Struct, frozen=True):
    """orders/_promo.html: the ``code`` that is used, or what was ``typed`` and why it takes nothing off.

    The field asks for the sheet at ``url`` again, with ``params`` and the code; ``remove_url`` is it without the code.
    """

    url: str
    params: tuple[tuple[str, str], ...]
    remove_url: str
    code: str = ""
    typed: str = ""
    error: Literal["", "refused", "too_many"] = ""
    reason: str = ""
    wait: timedelta = timedelta(0)


class PromoSheet(msgspec.Struct, frozen=True):
    """A sheet that takes a promo code: its address and parameters, without the code and how it is paid.

    ``in_cart``: it is the cart's, which can have several products.
    """

    url: str
    params: tuple[tuple[str, str], ...] = ()
    in_cart: bool = False

    def query(self, *, use_balance: bool) -> tuple[tuple[str, str], ...]:
        """The parameters of the sheet that is paid so."""
        return self.params if use_balance else (*self.params, ("use_balance", "off"))

    def address(self, code: str = "", *, use_balance: bool) -> str:
        """The address of the sheet that is paid so, with a code."""
        query = (*self.query(use_balance=use_balance), *((("promo", code),) if code else ()))
        return f"{self.url}?{urlencode(query)}" if query else self.url


def product_sheet(quote: Quote, variant_id: VariantId) -> PromoSheet:
    """The sheet before one product is bought."""
    params = (("variant", str(variant_id)), ("quantity", str(quote.line.quantity)))
    return PromoSheet(f"/shop/{quote.line.slug}/confirm", params)


CART_SHEET: Final = PromoSheet("/cart/checkout", in_cart=True)
"""The sheet before the cart is bought."""


def promo_field(
    quote: Quote | CartQuote, again: PromoSheet, entered: Entered, viewer: Viewer, *, use_balance: bool
) -> PromoField:
    """The field of a quote, in the sheet that it shows ``again``."""
    refused = entered.refused or quote.refused
    return PromoField(
        url=again.url,
        params=again.query(use_balance=use_balance),
        remove_url=again.address(use_balance=use_balance),
        code=quote.promo.code if quote.promo else "",
        typed=entered.typed,
        error="too_many" if entered.wait else "refused" if refused else "",
        reason=_reason(refused, viewer, in_cart=again.in_cart) if refused else "",
        wait=entered.wait,
    )


def _reason(refused: RefusedPromo, viewer: Viewer, *, in_cart: bool) -> str:
    least = format_money(refused.minimum, viewer.locale, trim=True) if refused.minimum else ""
    words = (_REFUSED | _REFUSED_IN_CART if in_cart else _REFUSED)[refused.reason]
    return viewer.words.gettext(words) % {"sum": least}
