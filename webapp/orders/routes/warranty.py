"""A buyer says that something they bought doesn't work."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.catalog.types.fulfilment import ItemId
from backend.infra.i18n import mark as _
from backend.orders.errors import WarrantyEnded
from backend.orders.types.warranty import ClaimStatus
from webapp.core import forms
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, sheet, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.routes.orders import order_page
from webapp.orders.screens import warranty as present

_DONE: Final = {
    ClaimStatus.REPLACED: _("Key replaced"),
    ClaimStatus.REFUNDED: _("Refunded to your balance"),
    ClaimStatus.IN_REVIEW: _("We'll check it and message you"),
}


class ClaimForm(msgspec.Struct, frozen=True):
    """Which thing doesn't work; ``key`` makes a second tap the same claim."""

    item: UUID
    key: forms.IdempotencyKey


@get("/orders/{number:str}/claim", name="orders:claim-sheet")
async def claim_sheet(request: SoukRequest, number: FromPath[str]) -> Html:
    """Which key doesn't work, and what happens then. Raises NotFound, WarrantyEnded."""
    site = site_of(request)
    order = await site.services.orders.history.detail(request.user, number)
    warranty = await site.services.orders.warranty.of_order(request.user, number)
    if not warranty.claimable:
        raise WarrantyEnded()
    view = present.claim_sheet(order, warranty, forms.new_intent(), site.viewer(request.user))
    return sheet(request, "orders/_claim.html", view)


@post("/orders/{number:str}/claim", name="orders:claim", guards=[limited(WRITE)], status_code=200)
async def claim(request: SoukRequest, number: FromPath[str]) -> Html:
    """Replace or refund it, or have it reviewed. Raises NotFound, WarrantyEnded, Invalid."""
    form = await forms.read_form(request, ClaimForm)
    site = site_of(request)
    new = await site.services.orders.warranty.claim(request.user, number, ItemId(form.item), idempotency_key=form.key)
    order = await site.services.orders.history.detail(request.user, number)
    words = site.viewer(request.user).words
    done = _DONE.get(new.status)
    response = await order_page(request, order)
    return toast(response, words.gettext(done)) if done else response


WARRANTY_HANDLERS: Final = (claim_sheet, claim)
