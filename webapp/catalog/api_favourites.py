"""What the caller likes as JSON."""

from __future__ import annotations

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.kernel.text import pick
from webapp.core.limits import WRITE, limited
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of


class Favourite(msgspec.Struct, frozen=True):
    """A product that the caller likes; ``seen`` is what it cost them when they began to. Null is without end."""

    slug: str
    title: str
    for_sale: bool
    price: Money
    seen: Money
    available: int | None


@get("/favourites", tags=["shop"], responses=refusals())
async def api_favourites(request: SoukRequest, actor: NamedDependency[Actor]) -> list[Favourite]:
    """What the caller likes: what is for sale first, the latest first."""
    return [
        Favourite(
            slug=item.slug,
            title=product_name(pick(item.name, actor.language), item.country, actor.language),
            for_sale=item.for_sale,
            price=item.price,
            seen=item.seen,
            available=item.available,
        )
        for item in await site_of(request).services.catalog.favourites.list_own(actor)
    ]


@put("/favourites/{slug:str}", tags=["shop"], guards=[limited(WRITE)], status_code=204, responses=refusals(404, 409))
async def api_like(request: SoukRequest, actor: NamedDependency[Actor], slug: FromPath[str]) -> None:
    """Like a product; nothing changes where the caller does."""
    await site_of(request).services.catalog.favourites.add(actor, slug)


@delete("/favourites/{slug:str}", tags=["shop"], guards=[limited(WRITE)], responses=refusals())
async def api_unlike(request: SoukRequest, actor: NamedDependency[Actor], slug: FromPath[str]) -> None:
    """No longer like a product; nothing happens where the caller does not."""
    await site_of(request).services.catalog.favourites.remove(actor, slug)


HANDLERS = (api_favourites, api_like, api_unlike)
