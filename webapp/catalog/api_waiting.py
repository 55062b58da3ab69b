"""The line for what is sold out as JSON."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.catalog.types import VariantId
from backend.catalog.words import goods_name
from backend.identity.types import Actor
from webapp.core.limits import WRITE, limited
from webapp.core.refusals import refusals
from webapp.core.site import SoukRequest, site_of


class Place(msgspec.Struct, frozen=True):
    """The caller's place in the line of ``waiting`` people; 0 outside of it and for whom one is held.

    ``held_until``: one is held for the caller. ``available`` is how many they can buy now, null is without end.
    """

    number: int
    waiting: int
    held_until: datetime | None
    available: int | None


class Waiting(Place, frozen=True, kw_only=True):
    """A variant that the caller waits for."""

    variant_id: UUID
    slug: str
    title: str
    for_sale: bool


@get("/waiting", tags=["shop"], responses=refusals())
async def api_waiting(request: SoukRequest, actor: NamedDependency[Actor]) -> list[Waiting]:
    """All that the caller waits for; what is held for them first."""
    return [
        Waiting(
            variant_id=one.goods.offer.variant_id,
            slug=one.goods.offer.slug,
            title=goods_name(
                one.goods.offer.name, one.goods.offer.variant_name, one.goods.offer.country, actor.language
            ),
            for_sale=one.goods.for_sale,
            number=one.place.number,
            waiting=one.place.waiting,
            held_until=one.place.held_until,
            available=one.place.available,
        )
        for one in await site_of(request).services.catalog.waiting.list_own(actor)
    ]


@put("/waiting/{variant_id:uuid}", tags=["shop"], guards=[limited(WRITE)], responses=refusals(403, 404, 409))
async def api_wait(request: SoukRequest, actor: NamedDependency[Actor], variant_id: FromPath[UUID]) -> Place:
    """Stand in line for a variant that is sold out; who is in it keeps their place."""
    place = await site_of(request).services.catalog.waiting.join(actor, VariantId(variant_id))
    return Place(place.number, place.waiting, place.held_until, place.available)


@delete("/waiting/{variant_id:uuid}", tags=["shop"], guards=[limited(WRITE)], responses=refusals())
async def api_leave(request: SoukRequest, actor: NamedDependency[Actor], variant_id: FromPath[UUID]) -> None:
    """Leave the line; nothing happens outside of it."""
    await site_of(request).services.catalog.waiting.leave(actor, VariantId(variant_id))


HANDLERS = (api_waiting, api_wait, api_leave)
