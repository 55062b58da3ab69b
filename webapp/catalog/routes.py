"""The shop: first page, lists, products. All readers of one language and kind see the same, so pages are shared."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Meta

from backend.catalog.types import BuyState, ProductDetail, Sort, StockKind, VariantId
from backend.catalog.types.search import LONGEST_QUERY, SearchFilters
from backend.infra.formatting import country_name
from backend.kernel.text import searched
from webapp.catalog import screens as present
from webapp.catalog.screens import product as product_screens
from webapp.catalog.screens import search as searching
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, replaced
from webapp.core.guards import SHARED
from webapp.core.limits import WRITE, count_search, limited
from webapp.core.responses import Html, fragment, nothing, page, pictures
from webapp.core.site import SoukRequest, site_of

_RESULTS: Final = "results"
"""What the search fills while somebody types."""


class ShopQuery(msgspec.Struct, frozen=True):
    """What the shop is filtered by; anything but a cursor makes it a list."""

    category: Annotated[str, Meta(max_length=64)] = ""
    country: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] = ""
    in_stock: bool = False
    sort: Sort | None = None
    q: str = ""
    most: Annotated[int, Meta(ge=0, le=2**62)] = 0
    cursor: Annotated[str, Meta(max_length=400)] = ""

    def filters(self) -> present.Filters:
        """The part that narrows the list."""
        typed = searched(self.q)[:LONGEST_QUERY]
        return present.Filters(self.category, self.country.upper(), self.in_stock, self.sort, typed, self.most)


class ProductQuery(msgspec.Struct, frozen=True):
    """The variant that a link to a product's page means."""

    variant: UUID | None = None


class Choice(msgspec.Struct, frozen=True):
    """What the form on a product's page holds."""

    variant: UUID
    quantity: forms.Quantity = 1


@get("/shop", opt=SHARED, name="shop:home")
async def shop(request: SoukRequest) -> Html:
    """The first page, or a list where something is chosen; a next part of a list comes as rows only."""
    query = forms.read_query(request, ShopQuery)
    filters = query.filters()
    if filters.q:
        return await _search(request, query)
    if filters.any or query.cursor:
        return await _list(request, query)
    catalog, actor = site_of(request).services.catalog, request.user
    fresh = (await catalog.storefront.browse(actor, in_stock=True, sort=Sort.NEW)).items
    popular = (await catalog.storefront.browse(actor, sort=Sort.POPULAR)).items
    categories, countries = await catalog.storefront.categories(actor), await catalog.storefront.countries()
    view = present.home(categories, countries, fresh, popular, pictures(request))
    if asked_by(request, _RESULTS):
        return replaced(fragment(request, "catalog/_home.html", view), "/shop")
    return page(request, "catalog/home.html", view, tab="shop")


async def _search(request: SoukRequest, query: ShopQuery) -> Html:
    """What a search finds, as a page, below the search while somebody types, or as its next rows."""
    count_search(request)
    catalog, actor, filters = site_of(request).services.catalog, request.user, query.filters()
    narrowed = SearchFilters(
        category=filters.category or None,
        country=filters.country or None,
        most=filters.most or None,
        in_stock=filters.in_stock,
        sort=filters.sort,
    )
    page = await catalog.search.search(actor, filters.q, narrowed, cursor=query.cursor or None)
    if asked_for_more(request, query.cursor):
        return fragment(request, "catalog/_rows.html", searching.rows(page, filters, pictures(request)))
    categories = await catalog.storefront.categories(actor)
    title = site_of(request).viewer(actor).words.gettext("Search")
    currency = site_of(request).settings.shop_currency
    view = searching.results(page, filters, categories, title, currency, pictures(request))
    return _listed(request, view, filters)


def _listed(request: SoukRequest, view: present.ShopList, filters: present.Filters) -> Html:
    if asked_by(request, _RESULTS):
        return replaced(fragment(request, "catalog/_list.html", view), filters.href())
    return page(request, "catalog/list.html", view, tab="shop", back="/shop")


async def _list(request: SoukRequest, query: ShopQuery) -> Html:
    catalog, actor, filters = site_of(request).services.catalog, request.user, query.filters()
    page = await catalog.storefront.browse(
        actor,
        category=filters.category or None,
        country=filters.country or None,
        in_stock=filters.in_stock,
        sort=present.order_of(filters),
        cursor=query.cursor or None,
    )
    if asked_for_more(request, query.cursor):
        return fragment(request, "catalog/_rows.html", present.rows(page, filters, pictures(request)))
    categories = await catalog.storefront.categories(actor)
    viewer = site_of(request).viewer(actor)
    title = next((row.name for row in categories if row.slug == filters.category), "")
    if not title:
        country = country_name(filters.country, viewer.locale) if filters.country else ""
        title = country or viewer.words.gettext("All products")
    return _listed(request, present.listed(page, filters, categories, title, pictures(request)), filters)


@get("/shop/{slug:str}", opt=SHARED, name="shop:product")
async def product(request: SoukRequest, slug: FromPath[str]) -> Html | Redirect:
    """One product; a course has a page of its own. Raises NotFound for an unknown or hidden one."""
    variant = forms.read_query(request, ProductQuery).variant
    detail = await site_of(request).services.catalog.storefront.product(request.user, slug)
    if detail.kind is StockKind.COURSE:
        chosen = f"?variant={variant}" if variant else ""
        return Redirect(f"/learn/{slug}{chosen}", status_code=303, headers={"cache-control": "no-store"})
    return await product_page(request, detail, VariantId(variant) if variant else None)


@get("/shop/{slug:str}/buy", opt=SHARED, name="shop:buy")
async def buy(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The quantity row and the button, after another variant or quantity was chosen."""
    choice = forms.read_query(request, Choice)
    detail = await site_of(request).services.catalog.storefront.product(request.user, slug)
    view = await _buy(request, detail, VariantId(choice.variant), choice.quantity)
    return fragment(request, "catalog/_buy_answer.html", view)


async def _buy(
    request: SoukRequest, detail: ProductDetail, variant_id: VariantId | None, quantity: int = 1
) -> product_screens.BuyView:
    site = site_of(request)
    box = site.services.catalog.storefront.buy_box(request.user, detail, variant_id, quantity)
    price = site.services.orders.checkout.price(box.variant, box.quantity)
    subscription = await site.services.orders.subscriptions.offer(request.user, box.variant)
    members_only = box.state is BuyState.PREMIUM_ONLY
    premium = await site.services.growth.premium.find_product() if members_only else None
    return product_screens.buy(detail, box, price, site.viewer(request.user).words, subscription, premium)


async def product_page(
    request: SoukRequest, detail: ProductDetail, variant_id: VariantId | None = None, status: int = 200
) -> Html:
    """The whole page of a product, ``variant_id`` being the variant that is chosen on it."""
    storefront = site_of(request).services.catalog.storefront
    similar = await storefront.similar(request.user, detail.slug) if detail.available == 0 else []
    shown, member = await _buy(request, detail, variant_id), request.user.is_premium
    view = product_screens.product_page(detail, shown, similar, pictures(request), member=member)
    return page(request, "catalog/product.html", view, tab="shop", back="/shop", status=status)


class SearchForm(msgspec.Struct, frozen=True):
    """What somebody searched for."""

    q: str = ""


@get("/searches", name="shop:searches")
async def searches(request: SoukRequest) -> Html:
    """What the reader searched for lately, for below the search."""
    recent = await site_of(request).services.catalog.searches.recent(request.user)
    return fragment(request, "catalog/_recent.html", searching.recent(recent))


@post("/searches", name="shop:remember-search", status_code=200, guards=[limited(WRITE)])
async def remember_search(request: SoukRequest) -> Html:
    """Note a search whose results were looked at."""
    form = await forms.read_form(request, SearchForm)
    await site_of(request).services.catalog.searches.remember(request.user, form.q)
    return nothing(request)


@post("/searches/forget", name="shop:forget-searches", status_code=200, guards=[limited(WRITE)])
async def forget_searches(request: SoukRequest) -> Html:
    """Forget what the reader searched for."""
    await site_of(request).services.catalog.searches.forget(request.user)
    return fragment(request, "catalog/_recent.html", searching.recent(()))


@post("/wishes", name="shop:wish", status_code=200, guards=[limited(WRITE)])
async def wish(request: SoukRequest) -> Html:
    """Have the reader told when this search finds something."""
    form = await forms.read_form(request, SearchForm)
    await site_of(request).services.catalog.searches.wish(request.user, form.q)
    return fragment(request, "catalog/_wished.html", searching.Wished())


SHOP_HANDLERS: Final = (shop, product, buy, searches, remember_search, forget_searches, wish)
