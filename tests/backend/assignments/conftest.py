"""A desk at which assignments are submitted."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from tests.backend.assignments.desk import Desk


@pytest.fixture
async def desk(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> Desk:
    """A course with two assignments."""
    return await Desk(uow, ring, tmp_path).open()
