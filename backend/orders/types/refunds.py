"""A refund that is about to be made."""

from __future__ import annotations

import msgspec

from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineRefund, sum_of


class NewRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of an order, by its shares of the lines, which come to its amount.

    ``by_line``: its lines were chosen, not only its amount; the buyer is told which. ``failure`` is why a line was
    not delivered, where that is why it is refunded.
    """

    shares: tuple[LineRefund, ...]
    target: RefundTarget
    reason: str
    idempotency_key: str
    actor_id: UserId | None
    by_line: bool
    failure: str = ""

    @property
    def amount(self) -> Money:
        """How much goes back."""
        return sum_of(self.shares)
