"""The heart on products, which pages that all share ask for, and the list of what somebody likes."""

from __future__ import annotations

from typing import Final

from litestar import get, post
from litestar.params import FromPath

from backend.kernel.errors import Invalid
from webapp.catalog import favourites_screens as present
from webapp.core import forms
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, page, pictures
from webapp.core.site import SoukRequest, site_of

_MOST_ASKED: Final = 200


@get("/favourites/hearts", name="favourites:hearts")
async def hearts(request: SoukRequest) -> Html:
    """The hearts of those products of a page that the reader likes; the query has the slug of each product on it."""
    slugs = list(forms.asked(request))
    if len(slugs) > _MOST_ASKED:
        raise Invalid("too many products", fields={"slug": forms.INVALID})
    liked = await site_of(request).services.catalog.favourites.list_liked(request.user, slugs)
    return fragment(request, "catalog/_hearts.html", present.Hearts(tuple(sorted(liked))))


@post("/favourites/{slug:str}", name="favourites:add", guards=[limited(WRITE)], status_code=200)
async def add(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Like a product."""
    await site_of(request).services.catalog.favourites.add(request.user, slug)
    return fragment(request, "catalog/_hearts.html", present.Hearts((slug,), alone=True))


@post("/favourites/{slug:str}/remove", name="favourites:remove", guards=[limited(WRITE)], status_code=200)
async def remove(request: SoukRequest, slug: FromPath[str]) -> Html:
    """No longer like a product."""
    await site_of(request).services.catalog.favourites.remove(request.user, slug)
    return fragment(request, "catalog/_hearts.html", present.Hearts((slug,), liked=False, alone=True))


@get("/me/favourites", name="me:favourites")
async def own(request: SoukRequest) -> Html:
    """What the reader likes, with the prices of then and now."""
    favourites = await site_of(request).services.catalog.favourites.list_own(request.user)
    view = present.favourites_page(favourites, request.user, pictures(request))
    return page(request, "catalog/favourites.html", view, tab="me", back="/me")


FAVOURITE_HANDLERS: Final = (hearts, add, remove, own)
"""Hearts, and the list of them."""
