"""Services of the demo as they were at some moment: what they do lies in the past, and nobody is told of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from backend.bootstrap import Services, make_fulfillers
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock
from backend.kernel.money import Money
from backend.orders.service import OrdersServices


class Past:
    """A clock that shows so much before now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.before = timedelta()

    def now(self) -> datetime:
        """The moment at which things happen."""
        return self._clock.now() - self.before


def unit_of_work(services: Services, past: Past) -> UnitOfWork:
    """Transactions at that moment, whose events nobody follows."""
    return UnitOfWork(services.engine, past, services.signals, defaultdict(tuple), ring=services.ring)


def orders(services: Services, uow: UnitOfWork) -> OrdersServices:
    """Orders placed at that moment."""
    most = Money(1_000_000, services.settings.shop_currency)
    return OrdersServices.build(
        uow=uow, ring=services.ring, fulfillers=make_fulfillers(services.ring),
        single_admin_limit=lambda: most, reservation=lambda: timedelta(minutes=15),
    )  # fmt: skip
