"""What students are told in the chat: a welcome with their next lesson's moment, and the lesson itself."""

from __future__ import annotations

from sqlalchemy import text

from backend.courses.types import ScheduleMode
from backend.courses.types.teaching import Schedule
from backend.identity.types import Permission
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.factories.courses import add_course, add_lessons, add_teacher, tariffs_of


async def test_the_welcome_says_when_the_next_lesson_comes_on_the_readers_own_clock(
    shop: Shop, telegram: Telegram
) -> None:
    services = shop.services
    teacher = await add_teacher(services.uow, Permission.TEACHING)
    course_id = await add_course(
        services.uow, teacher, schedule=Schedule(mode=ScheduleMode.LOCAL_HOUR, timezone="Asia/Riyadh")
    )
    await add_lessons(services.uow, course_id, 3)
    emma = await shop.buyer()
    tariff = (await tariffs_of(services.uow, teacher, course_id))["basic"]
    enrolment_id = await services.courses.students.gift(teacher, emma.id, tariff.id, "for the test")
    while await services.courses.sending.work():
        pass
    await shop.work()
    lesson, welcome = await telegram.person(EMMA).heard()
    assert [button["text"] for row in lesson["buttons"] for button in row] == ["Open lesson"]
    assert lesson["protected"]
    assert "You have joined" in welcome["text"]
    (moment,) = [entity for entity in welcome["entities"] if entity["type"] == "date_time"]
    async with services.uow.read() as tx:
        statement = text("SELECT next_due_at FROM enrolments WHERE id = :id")
        due = (await tx.execute(statement, {"id": enrolment_id})).scalar_one()
    assert (moment["unix_time"], moment["date_time_format"]) == (int(due.timestamp()), "wDt")


async def test_who_unblocks_the_bot_is_told_what_came_meanwhile(shop: Shop, telegram: Telegram) -> None:
    services = shop.services
    teacher = await add_teacher(services.uow, Permission.TEACHING)
    course_id = await add_course(services.uow, teacher, schedule=Schedule(mode=ScheduleMode.EVERY_24H))
    await add_lessons(services.uow, course_id, 3)
    emma = await shop.buyer()
    tariff = (await tariffs_of(services.uow, teacher, course_id))["basic"]
    await services.courses.students.gift(teacher, emma.id, tariff.id, "for the test")
    await services.identity.access.mark_bot_blocked(EMMA, blocked=True)
    for _ in range(2):
        while await services.courses.sending.work():
            pass
        shop.clock.move(days=1)
    await services.identity.access.mark_bot_blocked(EMMA, blocked=False)
    await shop.work()
    while await services.courses.sending.work(1):
        pass
    texts = [message["text"] for message in await telegram.person(EMMA).heard()]
    assert "2 lessons are waiting for you" in texts
