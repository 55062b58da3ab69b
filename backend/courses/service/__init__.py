"""Use cases of the school, grouped."""

from __future__ import annotations

from dataclasses import dataclass

from backend.courses.ports import LessonMessenger
from backend.courses.service.authoring import AuthoringService
from backend.courses.service.chat import ChatFiles
from backend.courses.service.courses import CoursesService
from backend.courses.service.editing import EditingService
from backend.courses.service.figures import FiguresService
from backend.courses.service.learning import LearningService
from backend.courses.service.lessons import LessonsService
from backend.courses.service.quizzes import QuizEditingService
from backend.courses.service.reminders import RemindersService
from backend.courses.service.runs import RunsService
from backend.courses.service.schedule import ScheduleService
from backend.courses.service.sending import SendingService
from backend.courses.service.students import StudentsService
from backend.courses.service.tariffs import TariffsService
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import UnitOfWork

__all__ = [
    "AuthoringService",
    "ChatFiles",
    "CoursesService",
    "CoursesServices",
    "EditingService",
    "FiguresService",
    "LearningService",
    "LessonsService",
    "QuizEditingService",
    "RemindersService",
    "RunsService",
    "ScheduleService",
    "SendingService",
    "StudentsService",
    "TariffsService",
]


@dataclass(frozen=True, kw_only=True)
class CoursesServices:
    """The services of this slice, one for each concern."""

    courses: CoursesService
    """Courses made, edited, put on sale."""
    tariffs: TariffsService
    runs: RunsService
    """Cohorts, and courses that are run again."""
    students: StudentsService
    """Who takes a course; access given and taken away by admins."""
    figures: FiguresService
    learning: LearningService
    """Courses as people see and take them."""
    schedule: ScheduleService
    """When lessons come, for students and teachers."""
    sending: SendingService
    """The worker's part: lessons that are due."""
    reminders: RemindersService
    """The quiet are reminded, unless they want no reminders."""
    lessons: LessonsService
    """Lessons as people read them, and their files."""
    editing: EditingService
    """Lessons written in the panel."""
    quiz_editing: QuizEditingService
    """Quizzes written in the panel."""
    authoring: AuthoringService
    """Courses as folders."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        currency: str,
        messenger: LessonMessenger,
        public_url: str,
        files: ContentFiles,
        largest_file: int,
    ) -> CoursesServices:
        """All of them, in a shop that sells in ``currency``. ``files`` stores media of up to ``largest_file`` bytes."""
        return cls(
            courses=CoursesService(uow=uow, currency=currency),
            tariffs=TariffsService(uow=uow, currency=currency),
            runs=RunsService(uow=uow),
            students=StudentsService(uow=uow),
            figures=FiguresService(uow=uow),
            learning=LearningService(uow=uow),
            schedule=ScheduleService(uow=uow),
            sending=SendingService(uow=uow, messenger=messenger, public_url=public_url),
            reminders=RemindersService(uow=uow),
            lessons=LessonsService(uow=uow, files=files),
            editing=EditingService(uow=uow, files=files),
            quiz_editing=QuizEditingService(uow=uow),
            authoring=AuthoringService(uow=uow, files=files, currency=currency, largest=largest_file),
        )
