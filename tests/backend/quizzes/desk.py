"""A course whose first lesson has a quiz of all three kinds of questions, and its students."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from sqlalchemy import text

from backend.courses.types import LessonId
from backend.courses.types.access import Progress
from backend.courses.types.editing import EditedText, LessonFields
from backend.courses.types.quiz import Option, Question, QuestionKind, Quiz
from backend.identity.types import Actor
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from backend.quizzes.service import QuizzesServices
from backend.quizzes.types import Answer, QuizPage, Running
from tests.factories.courses import add_course, add_teacher, course_services, enrolments_of, open_lessons, tariffs_of
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock

COURSE, LESSON, OTHER = "calm", "sounds", "plain"


def option(words: str, *, right: bool = False) -> Option:
    """An option in English."""
    return Option({Locale.EN: words}, right)


QUIZ = Quiz(
    questions=(
        Question(
            kind=QuestionKind.SINGLE,
            text={Locale.EN: "Which is nearest?"},
            options=(option("A road"), option("Your breath", right=True), option("A bird")),
        ),
        Question(
            kind=QuestionKind.MULTIPLE,
            text={Locale.EN: "Which are far?"},
            points=2,
            options=(option("A road", right=True), option("A chair"), option("A bird", right=True)),
        ),
        Question(kind=QuestionKind.TEXT, text={Locale.EN: "What ends?"}, accepted={Locale.EN: ("The sound", "sound")}),
    ),
    attempts=2,
    passing_percent=75,
    minutes=10,
)
RIGHT = (Answer((2,)), Answer((1, 3)), Answer(text=" SOUND. "))
"""Answers to its questions that are right."""
WRONG = (Answer((1,)), Answer((1,)), Answer(text="silence"))


class Desk:
    """The services of quizzes, and what tests do with them."""

    def __init__(self, uow: UnitOfWork, clock: FakeClock) -> None:
        self.uow = uow
        self.clock = clock
        self.school = course_services(uow)
        self.services = QuizzesServices.build(uow=uow)

    async def open(self, quiz: Quiz = QUIZ) -> Desk:
        """The course, on sale."""
        self.teacher = await add_teacher(self.uow)
        self.course_id = await add_course(self.uow, self.teacher, COURSE)
        self.lessons: dict[str, LessonId] = {}
        for slug in (LESSON, OTHER):
            fields = LessonFields(slug=slug, texts={Locale.EN: EditedText(slug.title(), "Read it.")})
            self.lessons[slug] = await self.school.editing.add(self.teacher, self.course_id, fields)
        await self.set_quiz(quiz)
        return self

    async def set_quiz(self, quiz: Quiz | None) -> None:
        """Give the first lesson a quiz whose questions keep their ids."""
        editing, lesson = self.school.quiz_editing, self.lessons[LESSON]
        stored = await editing.get(self.teacher, lesson)
        await editing.save(self.teacher, lesson, quiz, version=stored.version)

    async def change_quiz(self, **changes: Any) -> None:
        """Change settings of the quiz."""
        stored = await self.school.quiz_editing.get(self.teacher, self.lessons[LESSON])
        assert stored.quiz is not None
        await self.set_quiz(replace(stored.quiz, **changes))

    async def student(self, person: Actor | None = None) -> Actor:
        """Somebody with a plan, to whom all lessons are open."""
        person = person or (await buyers(self.uow, 1, 0))[0]
        tariff = (await tariffs_of(self.uow, self.teacher, self.course_id))["basic"]
        await self.school.students.gift(self.teacher, person.id, tariff.id, "for the test")
        (enrolment,) = await enrolments_of(self.uow, person)
        async with self.uow() as tx:
            await tx.execute(text("DELETE FROM lesson_deliveries WHERE enrolment_id = :id"), {"id": enrolment})
            now = tx.now
        await open_lessons(self.uow, enrolment, list(self.lessons.values()), now)
        return person

    async def page(self, student: Actor) -> QuizPage:
        return await self.services.attempts.page(student, COURSE, LESSON)

    async def start(self, student: Actor, number: int = 1) -> Running:
        """The attempt of this number, begun."""
        await self.services.attempts.start(student, COURSE, LESSON, number=number)
        running = (await self.page(student)).running
        assert running is not None
        return running

    async def answer(
        self, student: Actor, running: Running, number: int, answer: Answer, *, place: int | None = None
    ) -> None:
        """Answer a question, from 1."""
        question = running.questions[number - 1].id
        await self.services.attempts.answer(student, COURSE, LESSON, running.id, question, answer, place=place)

    async def submit(self, student: Actor, running: Running) -> QuizPage:
        await self.services.attempts.submit(student, COURSE, LESSON, running.id)
        return await self.page(student)

    async def attempt(self, student: Actor, *answers: Answer, number: int = 1) -> QuizPage:
        """A whole attempt with these answers, one a question."""
        running = await self.start(student, number)
        for place, answer in enumerate(answers, start=1):
            await self.answer(student, running, place, answer)
        return await self.submit(student, running)

    async def complete(self, student: Actor, slug: str = LESSON) -> bool:
        return await self.school.learning.complete(student, self.lessons[slug])

    async def progress(self, student: Actor) -> Progress:
        (mine,) = await self.school.learning.mine(student)
        return mine.progress

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.uow.read() as tx:
            return list((await tx.execute(text(sql), values)).all())
