"""Fixtures of the ledger's tests."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.wallet.service import WalletServices
from tests.backend.cli.conftest import souk
from tests.factories.wallet import wallet_services
from tests.fakes.clock import FakeClock

__all__ = ["souk"]


@pytest.fixture
def real_uow(engine: AsyncEngine, committed_db: None, clock: FakeClock, database_url: str) -> UnitOfWork:
    """Transactions that commit, on a connection each: for races, and for the proof's own snapshot."""
    return UnitOfWork(engine, clock, Signals(engine, database_url), {})


@pytest.fixture
def wallet(uow: UnitOfWork) -> WalletServices:
    """The service, on transactions that leave nothing behind."""
    return wallet_services(uow)


@pytest.fixture
def real_wallet(real_uow: UnitOfWork) -> WalletServices:
    """The service, on transactions that commit."""
    return wallet_services(real_uow)
