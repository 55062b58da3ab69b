"""The shop: first page, lists, products. All readers of one language and kind see the same, so pages are shared."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types import ProductDetail, Sort, VariantId
from backend.infra.formatting import country_name
from webapp.catalog import screens as present
from webapp.core import forms
from webapp.core.answers import asked_for_more
from webapp.core.guards import SHARED
from webapp.core.responses import Html, fragment, page, pictures
from webapp.core.site import SoukRequest, site_of


class ShopQuery(msgspec.Struct, frozen=True):
    """What the shop is filtered by; anything but a cursor makes it a list."""

    category: Annotated[str, Meta(max_length=64)] = ""
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] = ""
    in_stock: bool = False
    sort: Sort | None = None
    cursor: Annotated[str, Meta(max_length=400)] = ""

    def filters(self) -> present.Filters:
        """The part that narrows the list."""
        return present.Filters(self.category, self.country.upper(), self.in_stock, self.sort)


class Choice(msgspec.Struct, frozen=True):
    """What the form on a product's page holds."""

    variant: UUID
    quantity: forms.Quantity = 1


@get("/shop", opt=SHARED, name="shop:home")
async def shop(request: SoukRequest) -> Html:
    """The first page, or a list where something is chosen; a next part of a list comes as rows only."""
    query = forms.read_query(request, ShopQuery)
    if query.filters().any or query.cursor:
        return await _list(request, query)
    catalog, actor = site_of(request).services.catalog, request.user
    fresh = (await catalog.storefront.browse(actor, in_stock=True, sort=Sort.NEW)).items
    popular = (await catalog.storefront.browse(actor, sort=Sort.POPULAR)).items
    categories, countries = await catalog.storefront.categories(actor), await catalog.storefront.countries()
    view = present.home(categories, countries, fresh, popular, pictures(request))
    return page(request, "catalog/home.html", view, tab="shop")


async def _list(request: SoukRequest, query: ShopQuery) -> Html:
    catalog, actor, filters = site_of(request).services.catalog, request.user, query.filters()
    found = await catalog.storefront.browse(
        actor,
        category=filters.category or None,
        country=filters.country or None,
        in_stock=filters.in_stock,
        sort=filters.sort or Sort.POPULAR,
        cursor=query.cursor or None,
    )
    if asked_for_more(request, query.cursor):
        return fragment(request, "catalog/_rows.html", present.rows(found, filters, pictures(request)))
    categories = await catalog.storefront.categories(actor)
    viewer = site_of(request).viewer(actor)
    title = next((row.name for row in categories if row.slug == filters.category), "")
    if not title:
        country = country_name(filters.country, viewer.locale) if filters.country else ""
        title = country or viewer.words.gettext("All products")
    view = present.listed(found, filters, categories, title, pictures(request))
    return page(request, "catalog/list.html", view, tab="shop", back="/shop")


@get("/shop/{slug:str}", opt=SHARED, name="shop:product")
async def product(request: SoukRequest, slug: FromPath[str]) -> Html:
    """One product. Raises NotFound for an unknown or hidden one."""
    return await product_page(request, await site_of(request).services.catalog.storefront.product(request.user, slug))


@get("/shop/{slug:str}/buy", opt=SHARED, name="shop:buy")
async def buy(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The quantity row and the button, after another variant or quantity was chosen."""
    choice = forms.read_query(request, Choice)
    found = await site_of(request).services.catalog.storefront.product(request.user, slug)
    view = _buy(request, found, VariantId(choice.variant), choice.quantity)
    return fragment(request, "catalog/_buy_answer.html", view)


def _buy(request: SoukRequest, found: ProductDetail, wanted: VariantId | None, quantity: int = 1) -> present.BuyView:
    site = site_of(request)
    box = site.services.catalog.storefront.buy_box(request.user, found, wanted, quantity)
    price = site.services.orders.checkout.price(box.variant, box.quantity)
    return present.buy(found, box, price, site.viewer(request.user).words)


async def product_page(
    request: SoukRequest, found: ProductDetail, wanted: VariantId | None = None, status: int = 200
) -> Html:
    """The whole page of a product, ``wanted`` being the variant that is chosen on it."""
    storefront = site_of(request).services.catalog.storefront
    similar = await storefront.similar(request.user, found.slug) if found.available == 0 else []
    view = present.product_page(found, _buy(request, found, wanted), similar, pictures(request))
    return page(request, "catalog/product.html", view, tab="shop", back="/shop", status=status)


SHOP_HANDLERS: Final = (shop, product, buy)
