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
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens.promo_codes import PromoField, promo_field

PromoText = Annotated[str, Meta(max_length=100)]
"""A promo code as it is typed; empty for none."""


async def admit(request: SoukRequest, typed: str) -> list[PromoCodeId]:
    """The code that was typed, if any. Raises PromoCodeRefused, RateLimited."""
    return await site_of(request).services.growth.promos.admit(request.user, [typed] if typed else [])


async def quote_with(
    request: SoukRequest, variant: VariantId, quantity: int, typed: str, *, use_balance: bool = True
) -> tuple[Quote, PromoField]:
    """The quote, with the typed code if it works, and the field that says why it does not."""
    codes: list[PromoCodeId] = []
    refused: RefusedPromo | None = None
    wait = timedelta(0)
    try:
        codes = await admit(request, typed)
    except PromoCodeRefused:
        refused = RefusedPromo(PromoRefusal.UNKNOWN)
    except RateLimited as error:
        wait = timedelta(seconds=error.retry_after)
    site = site_of(request)
    quote = await site.services.orders.checkout.quote(
        request.user, variant, quantity, use_balance=use_balance, codes=codes
    )
    viewer = site.viewer(request.user)
    return quote, promo_field(quote, variant, typed, viewer, refused, wait, use_balance=use_balance)
