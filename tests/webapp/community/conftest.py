"""A course, a group that its dearest plan opens, and admins."""

import pytest
from litestar import Litestar

from backend.bootstrap import Services
from tests.webapp.back_office import make_admin, root  # noqa: F401
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import Classroom


@pytest.fixture
async def room(services: Services, app: Litestar, visitor: MakeVisitor) -> Classroom:
    """A course of four lessons, on sale."""
    return await Classroom(services, app, visitor).furnish()
