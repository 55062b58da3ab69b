"""A quote with the promo code that a buyer has typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from backend.catalog.types import VariantId
from backend.growth.errors import PromoCodeRefused
from backend.growth.types.promos import PromoCodeId, PromoRefusal, RefusedPromo
from backend.kernel.errors import RateLimited
from backend.orders.types import Quote
from backend.orders.types.cart import CartQuote
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens.promo_codes import CART_SHEET, Entered, PromoField, product_sheet, promo_field

PromoText = Annotated[str, Meta(max_length=100)]
"""A promo code as it is typed; empty for none."""


async def admit(request: SoukRequest, typed: str) -> list[PromoCodeId]:
    """The code that was typed, if any. Raises PromoCodeRefused, RateLimited."""
    return await site_of(request).services.growth.promos.admit(request.user, [typed] if typed else [])


async def _enter(request: SoukRequest, typed: str) -> Entered:
    """What a sheet makes of the typed code, which may be none."""
    try:
        return Entered(typed, tuple(await admit(request, typed)))
    except PromoCodeRefused:
        return Entered(typed, refused=RefusedPromo(PromoRefusal.UNKNOWN))
    except RateLimited as error:
        return Entered(typed, wait=timedelta(seconds=error.retry_after))


async def quote_with(
    request: SoukRequest, variant: VariantId, quantity: int, typed: str, *, use_balance: bool = True
) -> tuple[Quote, PromoField]:
    """The quote, with the typed code if it works, and the field that says why it does not."""
    entered, site = await _enter(request, typed), site_of(request)
    quote = await site.services.orders.checkout.quote(
        request.user, variant, quantity, use_balance=use_balance, codes=entered.codes
    )
    again, viewer = product_sheet(quote, variant), site.viewer(request.user)
    return quote, promo_field(quote, again, entered, viewer, use_balance=use_balance)


async def quote_cart_with(
    request: SoukRequest, typed: str, *, use_balance: bool = True
) -> tuple[CartQuote, PromoField]:
    """The quote of the cart, with the typed code if it works, and the field that says why it does not."""
    entered, site = await _enter(request, typed), site_of(request)
    quote = await site.services.orders.cart.quote(request.user, use_balance=use_balance, codes=entered.codes)
    return quote, promo_field(quote, CART_SHEET, entered, site.viewer(request.user), use_balance=use_balance)
