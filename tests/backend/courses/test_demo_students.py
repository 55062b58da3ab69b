"""The demo's students: loaded once, one in the middle of the course and one at its beginning."""

from __future__ import annotations

from backend.bootstrap import Services
from backend.demo.graduates import load_demo_graduates
from backend.demo.load import load_demo_course
from backend.demo.students import load_demo_students
from backend.identity.types import Actor
from tests.conftest import ROOT_ADMIN_ID
from tests.factories.courses import add_category


async def test_one_is_in_the_middle_and_one_begins(services: Services) -> None:
    async with services.uow() as tx:
        await add_category(tx, "skills")
    await load_demo_course(services.courses.authoring, services.courses.courses)
    root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
    assert root is not None
    for _ in range(2):
        await load_demo_students(services, root)
        course = await services.courses.courses.find(Actor.system(), "calm-in-seven-days")
        views = [
            await services.courses.learning.view(student, course.slug)
            for number in (700_000_002, 700_000_004)
            if (student := await services.identity.access.actor_by_telegram_id(number))
        ]
        assert [view.students for view in views] == [2, 2]
        assert [sum(lesson.is_open for lesson in view.lessons) for view in views] == [4, 0]
        assert [view.mine.progress.done for view in views if view.mine] == [3, 0]


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
