"""Those who take the demo's course beside the simulator's people: weeks of a school, so that its figures say something.

What they did lies in the past: it runs by a clock of its own, and nobody is told of it.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from backend.assignments.service import SubmittingService
from backend.assignments.service.review import ReviewService
from backend.assignments.types import Verdict
from backend.bootstrap import Services
from backend.courses.ports import Arrived, nobody
from backend.courses.service import CoursesServices, SendingService
from backend.courses.types.schedule import Change, LessonMessage, Verb
from backend.demo.past import Past, orders, unit_of_work
from backend.demo.quiz import RIGHT, take_quiz
from backend.demo.work import NOAH
from backend.growth.errors import PartnerCodeTaken
from backend.identity.types import Actor, Contact, LinkFollowed
from backend.infra.storage import PrivateFiles
from backend.kernel.money import Money
from backend.quizzes.service import AttemptsService
from backend.wallet.service import AdjustmentsService

_SLUG: Final = "calm-in-seven-days"
_FIRST_PERSON: Final = 700_001_001
_PARTNER: Final = "sara"
_WALK: Final = "breath-and-pace"
_WALK_DAY: Final = 3
_QUIZ: Final = "evening-page"
_QUIZ_DAY: Final = 4
_WROTE: Final = "Ten minutes round the block, four steps in and six steps out."
_ANSWER: Final = "Lovely. Tomorrow, lose count once on purpose."


class _Person(msgspec.Struct, frozen=True):
    """Joined ``ago`` days ago with the ``plan``th plan, has done ``done`` lessons; feedback came after ``hours``."""

    name: str
    ago: int
    plan: int
    done: int
    hours: int = 0
    buys: bool = False
    brought: bool = False
    paused: bool = False
    quiz: bool = False
    """Is in the middle of a quiz."""


_PEOPLE: Final = (
    _Person("Amina Saleh", 26, 2, 7, 9, buys=True, brought=True),
    _Person("Oleg Petrov", 24, 1, 7, 31, buys=True),
    _Person("Grace Mwangi", 22, 1, 7, 53),
    _Person("يوسف منصور", 20, 0, 5, buys=True, brought=True),
    _Person("Marta Nowak", 19, 2, 4, 14),
    _Person("Ben Adler", 17, 0, 3, buys=True, quiz=True),
    _Person("Лена Орлова", 15, 1, 3, 22),
    _Person("Tom Reed", 12, 0, 2, paused=True),
    _Person("هدى سالم", 9, 0, 1, brought=True),
    _Person("Priya Nair", 8, 0, 1),
    # Quiet for as long as the course waits before it reminds; the lessons go on coming to the chat.
    _Person("Noah", 6, 0, 1),
)


CROWD: Final = tuple(
    Contact(telegram_id=number, first_name=person.name)
    for number, person in enumerate(_PEOPLE, start=_FIRST_PERSON)
    if person.name != NOAH.first_name
)
"""Those of them whom the simulator does not have."""


class _Delivered:
    """Lessons that came to chats which the simulator does not have."""

    async def turn(self, chat_id: int, patience: float) -> None:
        """At once."""

    async def send(self, chat_id: int, message: LessonMessage, *, skip: int = 0, arrived: Arrived = nobody) -> int:
        """The id of the message."""
        return 1


async def load_demo_crowd(services: Services, root: Actor) -> None:
    """Have them take the course, once."""
    first = Contact(telegram_id=_FIRST_PERSON, first_name=_PEOPLE[0].name)
    known = await services.identity.access.authenticate(first)
    if (await services.courses.learning.view(known, _SLUG)).mine is not None:
        return
    try:
        await services.growth.partners.add(root, _PARTNER, "Sara's channel")
    except PartnerCodeTaken:
        return
    crowd = await _Crowd(services, root).open()
    for number, person in enumerate(_PEOPLE, start=_FIRST_PERSON):
        await crowd.learn(person, number)


class _Crowd:
    """The services as they were at some moment."""

    def __init__(self, services: Services, root: Actor) -> None:
        self._services, self._root = services, root
        self._past = Past(services.clock)
        uow = unit_of_work(services, self._past)
        settings = services.settings
        most = Money(1_000_000, settings.shop_currency)
        self._adjustments = AdjustmentsService(uow=uow, limit=lambda: most)
        self._orders = orders(services, uow)
        files = PrivateFiles(Path(settings.data_dir) / "private")
        self._courses = CoursesServices.build(
            uow=uow, currency=settings.shop_currency, messenger=_Delivered(), public_url=settings.public_url,
            files=services.courses.lessons.contents, largest_file=0,
        )  # fmt: skip
        self._sending = SendingService(uow=uow, messenger=_Delivered(), public_url=settings.public_url)
        archive = services.assignments.archive
        self._submitting = SubmittingService(uow=uow, ring=services.ring, files=files, archive=archive)
        self._attempts = AttemptsService(uow=uow)
        self._review = ReviewService(uow=uow, ring=services.ring, archive=archive)

    async def open(self) -> _Crowd:
        """Read the course's plans."""
        course = await self._courses.courses.find(self._root, _SLUG)
        self._plans = await self._courses.tariffs.list_of(self._root, course.id)
        return self

    async def learn(self, person: _Person, number: int) -> None:
        """One of them, from the day on which they joined until today."""
        services, ago = self._services, timedelta(days=person.ago)
        contact = NOAH if person.name == NOAH.first_name else Contact(telegram_id=number, first_name=person.name)
        student = await services.identity.access.authenticate(contact)
        plan = self._plans[person.plan]
        if person.brought:
            at = services.clock.now() - ago - timedelta(hours=1)
            await services.orders.links.note(LinkFollowed(user_id=student.id, start_param=f"p_{_PARTNER}", at=at))
        self._past.before = ago
        if person.buys:
            await self._pay(student, plan.fields.price, number)
            await self._orders.checkout.place(student, plan.variant_id, 1, f"demo-course-{number}")
        else:
            await self._courses.students.gift(self._root, student.id, plan.id, "Student of the demo")
        view = await self._courses.learning.view(student, _SLUG)
        assert view.mine is not None
        enrolment, lessons = view.mine.enrolment_id, [one.lesson_id for one in view.lessons]
        seen = min(person.done + 1, len(lessons))
        opening = Change(verb=Verb.OPEN, until=lessons[seen - 1])
        await self._courses.schedule.change(self._root, plan.course_id, opening, [enrolment])
        while await self._sending.work():
            pass
        for day, lesson in enumerate(lessons[:seen], start=1):
            # The later a day, the sooner they stop: who has done little was last there long ago.
            self._past.before = timedelta(days=max(person.ago - day - 1, 0))
            if day == _WALK_DAY and person.done >= _WALK_DAY:
                await self._walk(student, person, number)
            elif day <= person.done:
                if day == _QUIZ_DAY:
                    await take_quiz(self._attempts, student, _SLUG, _QUIZ, RIGHT)
                await self._courses.learning.complete(student, lesson)
            else:
                await self._courses.learning.open_lesson(student, lesson)
        self._past.before = timedelta()
        if person.quiz:
            await take_quiz(self._attempts, student, _SLUG, _QUIZ, RIGHT[:2])
        if person.done < len(lessons) and contact is not NOAH:
            await self._courses.schedule.pause(student, enrolment)
            if not person.paused:
                await self._courses.schedule.resume(student, enrolment)

    async def _pay(self, student: Actor, price: Money, number: int) -> None:
        """Put the price on their balance."""
        await self._adjustments.adjust(
            self._root, student.id, price, "Balance for the demo", idempotency_key=f"demo-{number}"
        )

    async def _walk(self, student: Actor, person: _Person, number: int) -> None:
        """Submit the assignment that completes its lesson; their plan may include feedback."""
        submission = await self._submitting.submit(student, _SLUG, _WALK, _WROTE, [], intent=f"demo-walk-{number}")
        if person.hours:
            self._past.before -= timedelta(hours=person.hours)
            await self._review.send(self._root, submission.id, _ANSWER, Verdict.ACCEPT, version=1, seen=0)
            self._past.before += timedelta(hours=person.hours)
