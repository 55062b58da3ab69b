"""The shop of settling.py, for every test of orders that names no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bootstrap import make_fulfillers
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.orders.service import OrdersServices
from backend.payments.types import Capabilities
from tests.backend.orders.settling import Shop
from tests.factories.shop import buyers
from tests.factories.wallet import HUGE
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeProvider

_EVENTS = (
    "TopUpSucceeded",
    "OrderPaid",
    "OrderPaymentKept",
    "OrderRefunded",
    "RefundEnded",
    "PaymentUnmatched",
    "WarrantyClaimed",
)


@pytest.fixture
def orders(uow: UnitOfWork, ring: KeyRing) -> OrdersServices:
    """The use cases, in a transaction that is rolled back."""
    return OrdersServices.build(
        uow=uow,
        ring=ring,
        fulfillers=make_fulfillers(ring),
        single_admin_limit=lambda: HUGE,
        reservation=lambda: timedelta(minutes=15),
    )


@pytest.fixture
def shop(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str, ring: KeyRing) -> Shop:
    subscriptions = {name: (f"test.{name}",) for name in _EVENTS} | {"StockLow": ("test.StockLow",)}
    uow = UnitOfWork(engine, clock, Signals(engine, database_url), subscriptions)
    return Shop(uow, ring, FakeProvider(capabilities=Capabilities(refundable=True)))


@pytest.fixture
async def buyer(shop: Shop) -> Actor:
    """Somebody with 3.00."""
    return (await buyers(shop.uow, 1, 300))[0]
