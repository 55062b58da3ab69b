"""Packages of credits for people; they are bought by the same checkout as everything."""

from __future__ import annotations

from typing import Final

from litestar import get

from backend.catalog.types import VariantOffer
from backend.kernel.errors import NotFound
from backend.kernel.money import Money
from backend.readings.errors import NotEnoughCredits
from webapp.core.responses import Html, page, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.readings.screens import credits as present


@get("/readings/credits", name="readings:credits")
async def credits(request: SoukRequest) -> Html:
    """How many credits the reader has, and packages of more."""
    balance = (await site_of(request).services.wallet.statement.overview(request.user)).credits.amount
    view = present.packages_view(await _offered(request), balance)
    return page(request, "readings/credits.html", view, tab="readings", back="/readings")


async def short_sheet(request: SoukRequest, short: NotEnoughCredits) -> Html:
    """The packages over the page of what lacks credits, which stays as it is."""
    needed, balance = int(str(short.params["needed"])), int(str(short.params["balance"]))
    view = present.packages_view(await _offered(request), balance, needed - balance)
    answer = sheet(request, "readings/_short.html", view, status=402)
    answer.headers["x-error-code"] = short.code
    return answer


async def _offered(request: SoukRequest) -> tuple[present.PackageCell, ...]:
    services, actor = site_of(request).services, request.user
    shelf = await services.readings.shelf.packages()
    products = []
    for slug in shelf.slugs:
        try:
            products.append(await services.catalog.storefront.product(actor, slug))
        except NotFound:
            continue  # its category is hidden

    def price(variant: VariantOffer) -> Money:
        return services.orders.checkout.price(variant, 1).total

    return present.cells(products, shelf.credits, price)


HANDLERS: Final = (credits,)
