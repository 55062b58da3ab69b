"""How much of which line a refund is. See decisions/0068."""

from __future__ import annotations

from collections.abc import Sequence

from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.orders.rules.pricing import apportion
from backend.orders.types import OrderLine
from backend.orders.types.lines import LineQuantity, LineRefund
from backend.payments.errors import RefundTooMuch


def check_refund(total: Money, refunded: Money, amount: Money) -> Money:
    """The total refunded after ``amount``. Raises RefundTooMuch, also for zero."""
    left = total - refunded
    if amount.currency != total.currency or not 0 < amount.amount <= left.amount:
        raise RefundTooMuch(most=left)
    return refunded + amount


def shares_of_amount(lines: Sequence[OrderLine], amount: Money) -> tuple[LineRefund, ...]:
    """``amount`` by what each line has left. Where nothing is left then, all goods go back too; else none."""
    left = [line.left.amount for line in lines]
    parts = apportion(left, amount.amount, sum(left))
    whole = amount.amount == sum(left)
    shares = (
        LineRefund(line.id, line.unrefunded if whole else 0, Money(part, amount.currency))
        for line, part in zip(lines, parts, strict=True)
    )
    return tuple(share for share in shares if share.amount or share.quantity)


def shares_of_lines(lines: Sequence[OrderLine], requested: Sequence[LineQuantity]) -> tuple[LineRefund, ...]:
    """The shares of so many of some lines.

    Raises Invalid for nothing, for one line twice and for a line of another order; RefundTooMuch for more than a line
    has left.
    """
    by_id = {line.id: line for line in lines}
    ids = {item.line_id for item in requested}
    if not requested or len(ids) < len(requested) or ids - by_id.keys():
        raise Invalid("no lines, one line twice, or a line of another order")
    return tuple(_share_of(by_id[item.line_id], item.quantity) for item in requested)


def _share_of(line: OrderLine, quantity: int) -> LineRefund:
    """What ``quantity`` of a line cost: the units of a line may differ by one, and the last one has the rest."""
    if not 0 < quantity <= line.unrefunded:
        raise RefundTooMuch(most=line.left)
    before = line.refunded_quantity
    cost = _first(line, before + quantity) - _first(line, before)
    # An amount that went back for the whole order has lowered what the line has left.
    return LineRefund(line.id, quantity, Money(min(cost, line.left.amount), line.left.currency))


def _first(line: OrderLine, count: int) -> int:
    """What the first ``count`` of a line cost."""
    (cost,) = apportion([line.price.total.amount], count, line.quantity)
    return cost
