"""The demo's students: loaded once, one in the middle of the course, others at every place in it, one of them quiet."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.courses.types.figures import Chosen
from backend.demo.crowd import load_demo_crowd
from backend.demo.graduates import load_demo_graduates
from backend.demo.load import load_demo_course
from backend.demo.students import load_demo_students
from backend.identity.types import Actor
from tests.conftest import ROOT_ADMIN_ID
from tests.factories.courses import add_category


async def test_one_is_in_the_middle_and_the_others_make_figures(services: Services) -> None:
    async with services.uow() as tx:
        await add_category(tx, "skills")
    courses = services.courses
    await load_demo_course(courses.authoring, courses.courses)
    root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
    assert root is not None
    for _ in range(2):
        await load_demo_students(services, root)
        await load_demo_crowd(services, root)
        course = await courses.courses.find(Actor.system(), "calm-in-seven-days")
        layla = await services.identity.access.actor_by_telegram_id(700_000_002)
        assert layla is not None
        view = await courses.learning.view(layla, course.slug)
        assert sum(lesson.is_open for lesson in view.lessons) == 4
        assert view.mine is not None and view.mine.progress.done == 3
        people = await courses.figures.students(root, course.id, Chosen())
        assert (people.enrolled, people.completed, people.paused, people.ended) == (12, 3, 1, 0)
        assert people.active >= 2 and people.quiet >= 2
        lessons = await courses.figures.lessons(root, course.id, Chosen())
        opened = [one.opened for one in lessons]
        assert opened == sorted(opened, reverse=True) and opened[0] > opened[-1] > 0
        (brought,) = await courses.figures.brought(root, course.id, Chosen())
        assert brought.enrolments == 3 and brought.amounts[0].amount > 0
        feedback = await services.assignments.figures.feedback(root, course.id, Chosen())
        assert [one.answered for one in feedback.times] and any(one.on_time < one.answered for one in feedback.times)
    lesson = next(one.lesson_id for one in view.lessons if one.slug == "evening-page")
    page = await services.quizzes.attempts.page(layla, course.slug, "evening-page")
    assert page.last is not None and (page.last.points, page.last.total, page.last.passed) == (3, 6, False)
    results = await services.quizzes.results.of_lesson(root, lesson)
    assert [one.finished_at for one in results.attempts].count(None) == 1 and results.passed >= 3
    assert await courses.reminders.remind() > 0


async def test_one_has_a_certificate_and_the_owner_can_ask_for_hers(services: Services) -> None:
    async with services.uow() as tx:
        await add_category(tx, "skills")
    await load_demo_course(services.courses.authoring, services.courses.courses)
    await services.identity.access.ensure_root()
    root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
    assert root is not None
    for _ in range(2):
        await load_demo_graduates(services, root)
        dmitry = await services.identity.access.actor_by_telegram_id(700_000_003)
        assert dmitry is not None
        asking = services.certificates.asking
        has, may = await asking.page(dmitry, "calm-in-seven-days"), await asking.page(root, "calm-in-seven-days")
        assert has.held is not None and has.held.certificate.printed.name == "Дмитрий Сергеевич Волков"
        assert may.may_ask
