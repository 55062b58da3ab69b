"""The first page: where a person lands who names none, or whom a link brought."""

from __future__ import annotations

import re
from typing import Final

from litestar import get
from litestar.response import Redirect

from backend.kernel.errors import NotFound
from webapp.core.site import SoukRequest, site_of

HOME: Final = "/shop"
_PRODUCT: Final = re.compile(r"p_([a-z0-9][a-z0-9-]{0,61})\Z")
_COURSE: Final = re.compile(r"c_([a-z0-9][a-z0-9-]{0,39}?)(?:-p_[A-Za-z0-9_-]*)?\Z")
_GIFT: Final = re.compile(r"g_([0-9A-Za-z]{16})\Z")
_INVITATION: Final = re.compile(r"a_([A-Za-z0-9_-]{32})\Z")
_ORDER: Final = re.compile(r"o_([0-9A-Za-z]{4,12})\Z")


def landing(start_param: str) -> str:
    """The page that a start parameter (t.me/bot/app?startapp=…) points at; the shop for what points at none."""
    if product := _PRODUCT.match(start_param):
        return f"/shop/{product[1]}"
    if course := _COURSE.match(start_param):
        return f"/learn/{course[1]}"
    if order := _ORDER.match(start_param):
        return f"/orders/{order[1].upper()}"
    if gift := _GIFT.match(start_param):
        return f"/wallet/redeem?code={gift[1].upper()}"
    if invitation := _INVITATION.match(start_param):
        return f"/invitation?code={invitation[1]}"
    return HOME


@get("/")
async def root(request: SoukRequest) -> Redirect:
    """To the shop, or to what the link named. Without credentials the pipeline answers with the shell instead."""
    start_param = request.headers.get("x-start-param", "")
    path = landing(start_param) if await _leads_somewhere(request, start_param) else HOME
    return Redirect(path, status_code=303, headers={"cache-control": "no-store"})


async def _leads_somewhere(request: SoukRequest, start_param: str) -> bool:
    """Whether what a link names is there: a partner's code looks like a product, and courses come and go."""
    services = site_of(request).services
    if course := _COURSE.match(start_param):
        return await services.courses.learning.is_shown(request.user, course[1])
    if product := _PRODUCT.match(start_param):
        try:
            await services.catalog.storefront.product(request.user, product[1])
        except NotFound:
            return False
    return True
