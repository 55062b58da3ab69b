"""Use cases of orders, a module for each of their concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.orders.domain.lines import Fulfillers
from backend.orders.service.cart import CartService
from backend.orders.service.checkout import CheckoutService, ListMethods
from backend.orders.service.delivery import DeliveryService
from backend.orders.service.history import HistoryService
from backend.orders.service.refunds import RefundsService
from backend.orders.service.reports import ReportsService
from backend.orders.service.reservations import ReservationsService
from backend.orders.service.search import OrderSearchService
from backend.orders.service.settlement import SETTLE, SettlementService
from backend.orders.types import ReservationLimits
from backend.payments.types import Capabilities, PaymentMethod

_LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class OrdersServices:
    """The services of orders."""

    cart: CartService
    checkout: CheckoutService
    reservations: ReservationsService
    settlement: SettlementService
    delivery: DeliveryService
    history: HistoryService
    search: OrderSearchService
    refunds: RefundsService
    reports: ReportsService

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        fulfillers: Fulfillers,
        single_admin_limit: Live[Money],
        reservation: Live[timedelta],
        longest: Live[timedelta] = lambda: _LONGEST,
        methods: Mapping[str, Capabilities] | None = None,
        list_methods: ListMethods | None = None,
        limits: Live[ReservationLimits] = ReservationLimits,
    ) -> OrdersServices:
        """The services of one shop, whose currency is that of ``single_admin_limit``; ``fulfillers`` deliver its goods.

        ``methods`` are the capabilities of the enabled payment methods, by name; ``list_methods`` says which of them
        a person can use. Goods are reserved for ``reservation``, and for ``longest`` in all while a payment runs.
        """
        currency, methods = single_admin_limit().currency, methods or {}
        reservations = ReservationsService(
            uow=uow, fulfillers=fulfillers, methods=methods, reservation=reservation, longest=longest
        )
        list_methods = list_methods or _no_methods
        return cls(
            cart=CartService(uow=uow, fulfillers=fulfillers, currency=currency, methods=list_methods),
            checkout=CheckoutService(
                uow=uow,
                fulfillers=fulfillers,
                currency=currency,
                methods=list_methods,
                reservations=reservations,
                reservation=reservation,
                limits=limits,
            ),
            reservations=reservations,
            settlement=SettlementService(uow=uow, fulfillers=fulfillers),
            delivery=DeliveryService(uow=uow, fulfillers=fulfillers),
            history=HistoryService(uow=uow, fulfillers=fulfillers),
            search=OrderSearchService(uow=uow, ring=ring, currency=currency),
            refunds=RefundsService(
                uow=uow, fulfillers=fulfillers, methods=methods, single_admin_limit=single_admin_limit
            ),
            reports=ReportsService(uow=uow, currency=currency),
        )


async def _no_methods(_: Actor) -> Sequence[PaymentMethod]:
    return ()


__all__ = [
    "SETTLE",
    "CartService",
    "CheckoutService",
    "DeliveryService",
    "HistoryService",
    "OrderSearchService",
    "OrdersServices",
    "RefundsService",
    "ReportsService",
    "ReservationsService",
    "SettlementService",
]
