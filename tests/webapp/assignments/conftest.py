"""A course whose first lesson has an assignment, and its admins."""

import pytest
from litestar import Litestar
from sqlalchemy import text

from backend.bootstrap import Services
from tests.webapp.back_office import make_admin, root  # noqa: F401
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import Classroom


@pytest.fixture
async def room(services: Services, app: Litestar, visitor: MakeVisitor) -> Classroom:
    """A course of four lessons, on sale."""
    room = await Classroom(services, app, visitor).furnish()
    async with services.uow() as tx:
        first = {"id": room.lessons[0]}
        await tx.execute(
            text("UPDATE lesson_texts SET assignment = 'Walk <far>.\n\nThen write.' WHERE lesson_id = :id"), first
        )
        await tx.execute(text("UPDATE lessons SET has_assignment = true WHERE id = :id"), first)
    return room
