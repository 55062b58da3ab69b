"""A school with one course, and somebody who can pay for it."""

from __future__ import annotations

import pytest

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.courses.school import School


@pytest.fixture
async def school(uow: UnitOfWork, ring: KeyRing) -> School:
    """The course "calm" with its three usual tariffs."""
    return await School(uow, ring).open()
