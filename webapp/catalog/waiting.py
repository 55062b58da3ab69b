"""The line for what is sold out: on the product's page, in Me, and in the back office."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.catalog.errors import StillInStock
from backend.catalog.types import VariantId
from backend.catalog.types.waiting import WAITING_TOPIC
from backend.identity.types import Permission
from backend.infra.formatting import format_duration
from backend.kernel.errors import NotFound
from webapp.catalog import waiting_screens as present
from webapp.core import forms
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, live_url, page, pictures, toast
from webapp.core.site import SoukRequest, site_of


class OneVariant(msgspec.Struct, frozen=True):
    """The variant whose line is meant."""

    variant: UUID


@get("/shop/{slug:str}/waiting", name="shop:waiting")
async def place(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The reader's own part of the page of a product that is sold out: it is not in the page that all share."""
    return await _place(request, slug, VariantId(forms.read_query(request, OneVariant).variant))


@post("/shop/{slug:str}/waiting", name="shop:wait", guards=[limited(WRITE)], status_code=200)
async def join(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Stand in line."""
    variant = VariantId((await forms.read_form(request, OneVariant)).variant)
    site = site_of(request)
    try:
        await site.services.catalog.waiting.join(request.user, variant)
    except StillInStock:
        words = site.viewer(request.user).words
        return toast(await _place(request, slug, variant), words.gettext("In stock again. You can buy it now."))
    return await _place(request, slug, variant)


@post("/shop/{slug:str}/waiting/leave", name="shop:leave", guards=[limited(WRITE)], status_code=200)
async def leave(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Leave the line."""
    variant = VariantId((await forms.read_form(request, OneVariant)).variant)
    await site_of(request).services.catalog.waiting.leave(request.user, variant)
    return await _place(request, slug, variant)


async def _place(request: SoukRequest, slug: str, variant: VariantId) -> Html:
    site, actor = site_of(request), request.user
    product = await site.services.catalog.storefront.product(actor, slug)
    chosen = next((item for item in product.variants if item.id == variant), None)
    if chosen is None:
        raise NotFound("no such variant of this product")
    lines = site.services.catalog.waiting
    stands = await lines.place(actor, variant)
    price = site.services.orders.checkout.price(chosen, chosen.min_quantity).total
    live = live_url(request, f"{WAITING_TOPIC}:{variant}", f"stock:{product.id}")
    hold = format_duration(lines.longest(), actor.language)
    view = present.waiting(slug, chosen, stands, price, live, hold)
    return fragment(request, "catalog/_waiting.html", view)


@get("/me/waiting", name="me:waiting")
async def own(request: SoukRequest) -> Html:
    """What the reader waits for."""
    return await _own(request)


@post("/me/waiting/{variant:uuid}/leave", name="me:leave", guards=[limited(WRITE)], status_code=200)
async def leave_from_list(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Leave a line from the list of all, of a variant that is not sold any more too."""
    await site_of(request).services.catalog.waiting.leave(request.user, VariantId(variant))
    return await _own(request)


async def _own(request: SoukRequest) -> Html:
    waits = await site_of(request).services.catalog.waiting.list_own(request.user)
    view = present.waiting_page(waits, request.user, pictures(request), lambda *topics: live_url(request, *topics))
    return page(request, "catalog/waiting.html", view, tab="me", back="/me")


@get("/admin/stock/waiting", name="admin:waiting", guards=[requires(Permission.STOCK)])
async def counts(request: SoukRequest) -> Html:
    """How many people wait for what."""
    waiting = await site_of(request).services.catalog.waiting.count_waiting(request.user)
    view = present.waiting_counts(waiting, request.user)
    return manage_page(request, "catalog/admin/waiting.html", view, "stock", back="/admin/stock")


WAITING_HANDLERS: Final = (place, join, leave, own, leave_from_list)
"""The line on the product's page, and all lines of a person."""
ADMIN_HANDLERS: Final = (counts,)
"""The lines in the back office."""
