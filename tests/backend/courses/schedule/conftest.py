"""A Monday morning at a school whose students wait for their lessons."""

from __future__ import annotations

import pytest

from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.students import START, School
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """When the tests begin."""
    return FakeClock(START)


@pytest.fixture
async def school(uow: UnitOfWork, clock: FakeClock) -> School:
    """A course yet to be made, and its chat."""
    return School(uow, clock)
