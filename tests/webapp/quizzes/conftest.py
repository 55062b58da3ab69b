"""A course whose first lesson has a quiz, and its admins."""

import pytest
from litestar import Litestar

from backend.bootstrap import Services
from tests.backend.quizzes.desk import QUIZ
from tests.webapp.back_office import make_admin, root  # noqa: F401
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import Classroom


@pytest.fixture
async def room(services: Services, app: Litestar, visitor: MakeVisitor) -> Classroom:
    """A course of four lessons, on sale."""
    room = await Classroom(services, app, visitor).furnish()
    await services.courses.quiz_editing.save(room.teacher, room.lessons[0], QUIZ, version=0)
    return room
