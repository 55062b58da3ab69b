"""What the services of orders share."""

from __future__ import annotations

from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.orders import domain, rules
from backend.orders.domain.lines import Fulfillers
from backend.orders.types import OrderView


def sequence_of(number: str) -> int:
    """The sequence behind an order's number. Raises NotFound."""
    sequence = rules.parse_order_number(number)
    if sequence is None:
        raise NotFound("not an order number")
    return sequence


def check_owner(actor: Actor, owner: UserId) -> None:
    """Raises NotFound for another person's order."""
    # The same answer as for a number that was never given: nobody learns which numbers exist.
    if owner != actor.user_id:
        raise NotFound("somebody else's order")


async def load_own(tx: Tx, fulfillers: Fulfillers, actor: Actor, number: str) -> OrderView:
    """The actor's order by its number. Raises NotFound, also for another person's."""
    order = await domain.load(tx, fulfillers, sequence=sequence_of(number))
    check_owner(actor, order.user_id)
    return order
