"""What fulfillers say before a purchase: what was paid before, or why somebody can't buy this."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.catalog import domain as catalog
from backend.catalog.types import Offer
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import AppError
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.money import Money
from backend.orders.domain.lines import Fulfillers
from backend.orders.errors import PriceChanged
from backend.orders.types import OrderLine
from backend.orders.types.prices import PartKind


def goods_of(tx: Tx, buyer: UserId, requested: Iterable[tuple[Offer, int]]) -> list[FulfilmentLine]:
    """So many of each offer as lines that no order has yet, as their fulfillers see them."""
    return [catalog.unordered_line(tx, buyer, offer, quantity) for offer, quantity in requested]


async def ask(tx: Tx, fulfillers: Fulfillers, goods: Sequence[FulfilmentLine]) -> dict[OrderLineId, Money | AppError]:
    """What was paid before or a refusal, of the lines that have either; one person buys all of them for one other."""
    return await fulfillers.quote(tx, goods[0].buyer, goods[0].recipient, goods) if goods else {}


async def list_paid_before(tx: Tx, fulfillers: Fulfillers, goods: Sequence[FulfilmentLine]) -> list[Money | None]:
    """What was paid before and counts, for each of the lines. Raises the refusal of the first that can't be bought."""
    quoted = await ask(tx, fulfillers, goods)
    paid: list[Money | None] = []
    for line in goods:
        answer = quoted.get(line.id)
        if isinstance(answer, AppError):
            raise answer
        paid.append(answer)
    return paid


async def find_refusal(
    tx: Tx, fulfillers: Fulfillers, lines: Sequence[OrderLine], goods: Sequence[FulfilmentLine]
) -> tuple[OrderLineId, AppError] | None:
    """Why an order that was placed some time ago can't be paid any more, and because of which of its lines.

    A refusal, or PriceChanged where what was paid before is no longer what the order counts: a refund has lowered it,
    or another purchase has raised it, which the buyer would pay twice.
    """
    quoted = await ask(tx, fulfillers, goods)
    for line in lines:
        answer, counted = quoted.get(line.id), -line.price.part(PartKind.ALREADY_PAID)
        if isinstance(answer, AppError):
            return line.id, answer
        if counted != min(answer.amount if answer else 0, line.price.total.amount + counted):
            return line.id, PriceChanged(total=line.price.total)
    return None
