"""Refunds: one that is about to be made, those that were, and what can still be refunded."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.catalog.types.fulfilment import Unused
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.types import OrderLine, RefundTarget
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


class OrderRefundRow(msgspec.Struct, frozen=True):
    """One refund of an order; the ``shares`` of its lines are not known of old ones."""

    amount: Money
    target: RefundTarget
    reason: str
    at: datetime
    shares: tuple[LineRefund, ...] = ()


class RefundableMethod(msgspec.Struct, frozen=True):
    """What can be refunded through a provider; ``whole_only``: all of ``most`` or nothing."""

    method: str
    most: Money
    whole_only: bool


class Refundable(msgspec.Struct, frozen=True):
    """What of an order can be refunded: to the balance, and through each provider that it was paid by.

    ``lines`` are all lines of the order; ``unused`` is what of those whose goods are used up bit by bit would be taken
    back, because the rest is used.
    """

    most: Money
    methods: list[RefundableMethod]
    done: list[OrderRefundRow]
    lines: list[OrderLine]
    unused: dict[OrderLineId, Unused] = {}

    @property
    def used_up(self) -> Unused | None:
        """All of ``unused`` together; None where no goods are used up."""
        if not self.unused:
            return None
        each = self.unused.values()
        return Unused(sum(one.left for one in each), sum(one.given for one in each), sum(one.taken for one in each))
