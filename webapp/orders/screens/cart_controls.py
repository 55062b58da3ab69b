"""What a list of products shows of the cart: how many of each product are in it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from backend.catalog.types import VariantId
from backend.orders.types.cart import Cart, CartLine
from webapp.catalog.screens.product import QuantityView


class Control(msgspec.Struct, frozen=True):
    """The control of a variant in a list: a stepper where it is in the cart, else the button that adds it.

    ``focus``: the button takes the focus of the stepper that it replaces. ``said``: a screen reader is told.
    """

    id: str
    quantity: QuantityView | None = None
    focus: bool = False
    said: bool = False


class Controls(msgspec.Struct, frozen=True):
    """orders/_controls_answer.html: the controls that differ from what a page shows, and the lines of the cart."""

    controls: tuple[Control, ...]
    count: int
    live_url: str = ""


def control(variant: VariantId, line: CartLine | None, *, focus: bool = False, said: bool = False) -> Control:
    """The control of a variant, which may be in the cart."""
    if line is None:
        return Control(str(variant), focus=focus)
    chosen = line.quantity if line.price else line.requested
    return Control(str(variant), QuantityView(chosen, 0, max(line.maximum, chosen)), said=said)


def controls(cart: Cart, shown: Mapping[VariantId, int], live_url: str) -> Controls:
    """The controls of those variants of which a page shows another number than the cart has."""
    lines = {line.offer.variant_id: line for line in (*cart.lines, *cart.unavailable)}
    now = {variant: control(variant, lines.get(variant)) for variant in shown}
    changed = [item for variant, item in now.items() if shown[variant] != (item.quantity.value if item.quantity else 0)]
    return Controls(tuple(changed), len(lines), live_url)
