"""Use cases of orders, a module for each of their concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.stamp import Stamper
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.orders.domain.lines import Fulfillers
from backend.orders.service.answers import AnswersService
from backend.orders.service.bulk import BulkService
from backend.orders.service.cart import CartService
from backend.orders.service.checkout import CheckoutService, ListMethods
from backend.orders.service.delivery import DeliveryService
from backend.orders.service.file_copies import FileCopies
from backend.orders.service.history import HistoryService
from backend.orders.service.links import LinksService
from backend.orders.service.managing import ManagingService
from backend.orders.service.refunds import RefundsService
from backend.orders.service.renewing import RenewingService
from backend.orders.service.reports import ReportsService
from backend.orders.service.reservations import ReservationsService
from backend.orders.service.search import OrderSearchService
from backend.orders.service.settlement import SETTLE, SettlementService
from backend.orders.service.subscriptions import SubscriptionsService
from backend.orders.service.warranty import WarrantyService
from backend.orders.types import ReservationLimits
from backend.payments.types import Capabilities, PaymentMethod

_LONGEST: Final = timedelta(hours=1)
_REMIND_AFTER: Final = timedelta(hours=4)
_GRACE: Final = timedelta(days=3)
_CLAIMS_ALONE: Final = 3


@dataclass(frozen=True, kw_only=True)
class OrdersServices:
    """The services of orders."""

    answers: AnswersService
    cart: CartService
    checkout: CheckoutService
    reservations: ReservationsService
    settlement: SettlementService
    delivery: DeliveryService
    copies: FileCopies | None
    """Copies of files with their buyers' names; None for a shop without files."""
    links: LinksService
    """Who brought a person, until they first pay."""
    history: HistoryService
    managing: ManagingService
    bulk: BulkService
    search: OrderSearchService
    refunds: RefundsService
    reports: ReportsService
    subscriptions: SubscriptionsService
    renewing: RenewingService
    warranty: WarrantyService

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
        remind_after: Live[timedelta] = lambda: _REMIND_AFTER,
        premium_grace: Live[timedelta] = timedelta,
        grace: Live[timedelta] = lambda: _GRACE,
        files: PrivateFiles | None = None,
        stamper: Stamper | None = None,
        claims_alone: Live[int] = lambda: _CLAIMS_ALONE,
    ) -> OrdersServices:
        """The services of one shop, whose currency is that of ``single_admin_limit``; ``fulfillers`` deliver its goods.

        ``methods`` are the capabilities of the enabled payment methods, by name; ``list_methods`` says which of them
        a person can use. Goods are reserved for ``reservation``, and for ``longest`` in all while a payment runs. A
        cart that has not changed for ``remind_after`` is mentioned to its owner. Premium counts for ``premium_grace``
        after its end. A subscription whose renewal has failed ends after ``grace``. ``files`` stores what is delivered
        as a file, and ``stamper`` writes names on it.
        """
        copies = None
        if files is not None:
            copies = FileCopies(uow=uow, fulfillers=fulfillers, ring=ring, files=files, stamper=stamper or Stamper())
        currency, methods = single_admin_limit().currency, methods or {}
        reservations = ReservationsService(
            uow=uow, fulfillers=fulfillers, methods=methods, reservation=reservation, longest=longest
        )
        list_methods = list_methods or _no_methods
        return cls(
            answers=AnswersService(uow=uow, ring=ring),
            cart=CartService(
                uow=uow, fulfillers=fulfillers, currency=currency, methods=list_methods, remind_after=remind_after
            ),
            checkout=CheckoutService(
                uow=uow,
                ring=ring,
                fulfillers=fulfillers,
                currency=currency,
                methods=list_methods,
                reservations=reservations,
                reservation=reservation,
                limits=limits,
                premium_grace=premium_grace,
            ),
            reservations=reservations,
            settlement=SettlementService(uow=uow, fulfillers=fulfillers, premium_grace=premium_grace),
            delivery=DeliveryService(uow=uow, fulfillers=fulfillers, files=files, copies=copies),
            copies=copies,
            links=LinksService(uow=uow),
            history=HistoryService(uow=uow, fulfillers=fulfillers),
            managing=ManagingService(uow=uow),
            bulk=BulkService(uow=uow, fulfillers=fulfillers, methods=methods, single_admin_limit=single_admin_limit),
            search=OrderSearchService(uow=uow, ring=ring, currency=currency),
            refunds=RefundsService(
                uow=uow, fulfillers=fulfillers, methods=methods, single_admin_limit=single_admin_limit
            ),
            reports=ReportsService(uow=uow, currency=currency),
            subscriptions=SubscriptionsService(
                uow=uow, fulfillers=fulfillers, currency=currency, methods=list_methods, grace=grace
            ),
            renewing=RenewingService(uow=uow, fulfillers=fulfillers, methods=methods, grace=grace),
            warranty=WarrantyService(
                uow=uow, fulfillers=fulfillers, claims_alone=claims_alone, single_admin_limit=single_admin_limit
            ),
        )


async def _no_methods(_: Actor) -> Sequence[PaymentMethod]:
    return ()


__all__ = [
    "SETTLE",
    "AnswersService",
    "BulkService",
    "CartService",
    "CheckoutService",
    "DeliveryService",
    "HistoryService",
    "ManagingService",
    "OrderSearchService",
    "OrdersServices",
    "RefundsService",
    "RenewingService",
    "ReportsService",
    "ReservationsService",
    "SettlementService",
    "SubscriptionsService",
    "WarrantyService",
]
