"""What the shared page of a product says of its reader's premium."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get
from msgspec import Meta

from backend.catalog.types import StockKind
from webapp.catalog.routes import product_page
from webapp.core import forms
from webapp.core.answers import to_app
from webapp.core.responses import Html, fragment, live_url
from webapp.core.site import SoukRequest, site_of
from webapp.growth.screens.premium import ProductNote, membership


class NoteQuery(msgspec.Struct, frozen=True):
    """The product whose page asks, and whether that page is one for members."""

    slug: Annotated[str, Meta(max_length=64)]
    member: bool = False


@get("/premium/note", name="premium:note")
async def note(request: SoukRequest) -> Html:
    """The note about the reader's premium; the whole page, where it has begun or ended since that was made."""
    query = forms.read_query(request, NoteQuery)
    site, actor = site_of(request), request.user
    product = await site.services.catalog.storefront.product(actor, query.slug)
    if actor.is_premium is not query.member:
        return to_app(await product_page(request, product))
    view = ProductNote(
        membership=membership(site.services.growth.premium.mine(actor)),
        url=f"/premium/note?slug={product.slug}&member={int(query.member)}",
        live_url=live_url(request, f"identity:{actor.id}"),
        renews=product.kind is StockKind.PREMIUM,
    )
    return fragment(request, "growth/_membership.html", view)


PREMIUM_HANDLERS: Final = (note,)
