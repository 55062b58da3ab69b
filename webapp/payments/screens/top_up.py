"""The top-up page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from backend.kernel.money import Money
from backend.payments.types import TopUpLimits, Way
from webapp.core.parts import Preset
from webapp.core.rendering import Viewer
from webapp.payments.screens.methods import WayRow, chosen, way_row
from webapp.payments.screens.payments import _plain

AmountError = Literal["", "too_small", "too_large", "not_a_number"]


_AMOUNT_ERRORS: Final[dict[str, AmountError]] = {
    "below_minimum": "too_small",
    "not_positive": "too_small",
    "above_maximum": "too_large",
}


def amount_error(code: str) -> AmountError:
    """The top-up form's own name for what is wrong with an amount."""
    return _AMOUNT_ERRORS.get(code, "not_a_number")


class TopUpPage(msgspec.Struct, frozen=True):
    """payments/top_up.html; payments/_quote.html takes the same. ``typed`` is the reader's own amount.

    ``minimum`` and ``maximum`` are those of the chosen way; ``price`` is what it asks for, in its own asset; ``bonus``
    is what the shop puts on top; ``instead`` is the open payment that this one is to replace.
    """

    amount: Money
    presets: tuple[Preset, ...]
    minimum: Money
    maximum: Money
    ways: tuple[WayRow, ...]
    intent: str
    price: Money
    typed: str = ""
    error: Literal["", "too_small", "too_large", "not_a_number"] = ""
    instead: str = ""
    bonus: Money | None = None


def top_up(
    limits: TopUpLimits,
    ways: Sequence[Way],
    viewer: Viewer,
    *,
    intent: str,
    amount: Money | None = None,
    typed: str = "",
    way: str = "",
    error: AmountError = "",
    instead: UUID | None = None,
    bonus: Money | None = None,
) -> TopUpPage:
    """The form; the field holds ``typed``, or else ``amount``, which is also chosen where it is a ready one."""
    offered = limits.presets
    wanted = amount if amount is not None else offered[len(offered) // 2] if offered else limits.minimum
    if not typed and not error:
        typed = _plain(wanted)
    picked = chosen(ways, way)
    return TopUpPage(
        amount=wanted,
        presets=tuple(Preset(preset, preset == wanted and not error) for preset in offered),
        minimum=picked.minimum if picked else limits.minimum,
        maximum=picked.maximum if picked else limits.maximum,
        ways=tuple(way_row(item, wanted, viewer, selected=item is picked) for item in ways),
        intent=intent,
        price=picked.price(wanted) if picked else wanted,
        typed=typed,
        error=error,
        instead=str(instead) if instead else "",
        bonus=bonus if bonus else None,
    )
