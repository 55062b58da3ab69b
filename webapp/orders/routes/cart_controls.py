"""Adding to the cart from lists of products, which are the same for all readers: each asks for their own part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from backend.catalog.types import MAX_QUANTITY, VariantId
from backend.kernel.errors import AppError, Invalid
from backend.kernel.text import whole_number
from backend.orders.errors import CartFull, QuantityNotAllowed
from backend.orders.types.cart import Cart, CartLine
from webapp.core import forms
from webapp.core.errors import message, problem_of
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, live_url, toast
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens import cart_controls as present

_ANSWER: Final = "orders/_controls_answer.html"


@get("/cart/controls", name="cart:controls")
async def controls(request: SoukRequest) -> Html:
    """The controls of a page's products that are in the cart; the query has each variant and how many are shown."""
    shown = await site_of(request).services.orders.cart.show(request.user)
    live = live_url(request, f"cart:{request.user.id}")
    return fragment(request, _ANSWER, present.controls(shown, _shown(forms.asked(request)), live))


@post("/cart/controls/{variant:uuid}/add", name="cart:add-from-list", guards=[limited(WRITE)], status_code=200)
async def add(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Put a variant into the cart, as many as the smallest order has."""
    cart, one = site_of(request).services.orders.cart, VariantId(variant)
    try:
        return _answer(request, await cart.add(request.user, one, 1), one, said=True)
    except (CartFull, QuantityNotAllowed) as refusal:
        return await _refused(request, refusal, one)


@post("/cart/controls/{variant:uuid}", name="cart:set-from-list", guards=[limited(WRITE)], status_code=200)
async def change(request: SoukRequest, variant: FromPath[UUID]) -> Html:
    """Have so many of a variant as its stepper says; fewer than the smallest order is none."""
    one = VariantId(variant)
    quantity = _shown(await forms.posted(request)).get(one, 0)
    try:
        changed = await site_of(request).services.orders.cart.have(request.user, one, quantity)
    except (CartFull, QuantityNotAllowed) as refusal:
        return await _refused(request, refusal, one)
    answer = _answer(request, changed, one)
    line = _line(changed, one)
    if line is not None and line.quantity == quantity:
        answer.headers["hx-reswap"] = "none"  # the page shows it already, and the next tap may be under way
    return answer


def _shown(values: Mapping[str, Any]) -> dict[VariantId, int]:
    """How many of each variant a page shows. Raises Invalid."""
    try:
        shown = {VariantId(UUID(name)): whole_number(value) for name, value in values.items()}
    except (ValueError, AttributeError) as error:  # a field sent twice is a list
        raise Invalid("not the controls of a page", fields={"quantity": forms.INVALID}) from error
    if not all(0 <= quantity <= MAX_QUANTITY for quantity in shown.values()):
        raise Invalid("not the controls of a page", fields={"quantity": forms.OUT_OF_RANGE})
    return shown


def _line(shown: Cart, variant: VariantId) -> CartLine | None:
    lines = (*shown.lines, *shown.unavailable)
    return next((line for line in lines if line.offer.variant_id == variant), None)


def _answer(request: SoukRequest, shown: Cart, variant: VariantId, *, said: bool = False) -> Html:
    item = present.control(variant, _line(shown, variant), focus=True, said=said)
    return fragment(request, _ANSWER, present.Controls((item,), len(shown.lines) + len(shown.unavailable)))


async def _refused(request: SoukRequest, refusal: AppError, variant: VariantId) -> Html:
    """What the cart has instead, and why."""
    site, actor = site_of(request), request.user
    answer = _answer(request, await site.services.orders.cart.show(actor), variant)
    return toast(answer, message(site, problem_of(refusal), actor, actor.language), "bad")


CONTROL_HANDLERS: Final = (controls, add, change)
"""The cart in lists of products."""
