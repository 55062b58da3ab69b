"""The top-up page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from backend.kernel.money import Money
from backend.payments.types import AmountRefusal, PaymentMethod, TopUpLimits
from webapp.core.parts import Preset
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import MethodRow, chosen, method_row
from webapp.payments.screens.transfer import plain_amount

AmountError = Literal["", "too_small", "too_large", "not_a_number"]

_ERRORS: Final[dict[AmountRefusal, AmountError]] = {
    "": "",
    "wrong_currency": "not_a_number",
    "not_positive": "too_small",
    "below_minimum": "too_small",
    "above_maximum": "too_large",
}


class TopUpPage(msgspec.Struct, frozen=True):
    """payments/top_up.html; payments/_quote.html takes the same while the form is filled in."""

    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    """The smallest amount that the chosen payment method takes, and ``maximum`` the largest."""
    maximum: Money
    methods: tuple[MethodRow, ...]
    intent: str
    price: Money
    """What the chosen payment method asks for, in its own asset."""
    typed: str = ""
    """What the field holds."""
    error: AmountError = ""
    instead: str = ""
    """The id of the open payment that this one replaces."""
    bonus: Money | None = None
    """What the shop adds."""


def top_up(
    limits: TopUpLimits,
    methods: Sequence[PaymentMethod],
    viewer: Viewer,
    *,
    intent: str,
    amount: Money | None = None,
    typed: str = "",
    method: str = "",
    sent: bool = False,
    instead: UUID | None = None,
) -> TopUpPage:
    """The form; the field holds ``typed``, or else ``amount``, which is also chosen where it is a ready one.

    A form that was ``sent`` says what is wrong with its amount; None: what was typed is no amount. Before, None is the
    ready amount in the middle.
    """
    offered, picked = limits.presets, chosen(methods, method)
    error: AmountError = ""
    if amount is None:
        amount, error = (Money.zero(limits.minimum.currency), "not_a_number") if sent else (_usual(limits), "")
    elif sent:
        error = _ERRORS[(picked or limits).refusal(amount)]
    if not typed and not error:
        typed = plain_amount(amount)
    return TopUpPage(
        amount=amount,
        presets=tuple(Preset(preset, preset == amount and not error) for preset in offered),
        minimum=(picked or limits).minimum,
        maximum=(picked or limits).maximum,
        methods=tuple(method_row(item, amount, viewer, selected=item is picked) for item in methods),
        intent=intent,
        price=picked.price(amount) if picked else amount,
        typed=typed,
        error=error,
        instead=str(instead) if instead else "",
    )


def _usual(limits: TopUpLimits) -> Money:
    return limits.presets[len(limits.presets) // 2] if limits.presets else limits.minimum
