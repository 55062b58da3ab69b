"""What the use cases of orders share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.orders import rules
from backend.orders.types import ReservationLimits
from backend.payments.types import Capabilities


class OrdersBase:
    """Orders of one shop.

    ``ways`` are the capabilities of the payment methods that are on. Goods are kept for ``reservation``, and for
    ``longest`` in all where a payment is under way. ``single_admin_limit`` is in the shop's currency.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        single_admin_limit: Money,
        reservation: timedelta,
        ways: Mapping[str, Capabilities] | None = None,
        limits: ReservationLimits | None = None,
        longest: timedelta = timedelta(hours=1),
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._single_admin_limit = single_admin_limit
        self._currency = single_admin_limit.currency
        self._reservation = reservation
        self._ways = ways or {}
        self._longest = max(longest, reservation)
        self._limits = limits or ReservationLimits()


def sequence_of(number: str) -> int:
    """The sequence behind an order's number. Raises NotFound."""
    sequence = rules.parse_order_number(number)
    if sequence is None:
        raise NotFound("not an order number")
    return sequence


def check_owner(actor: Actor, owner: UserId) -> None:
    """Raises NotFound for another person's order."""
    # Another person's order does not exist for this one: the same answer as for a number never given.
    if owner != actor.user_id:
        raise NotFound("somebody else's order")
