"""A lesson of the demo's course, sent to a simulated Telegram over HTTP."""

from __future__ import annotations

import pytest

from backend.demo.load import load_demo_course
from backend.identity.types import Actor
from backend.kernel.text import Locale
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.factories.courses import add_category, add_teacher, enrolments_of, open_lessons, tariffs_of


@pytest.mark.parametrize("language", [Locale.EN, Locale.AR])
async def test_a_lesson_arrives_whole_with_its_picture_and_a_button(
    shop: Shop, telegram: Telegram, language: Locale
) -> None:
    school, uow = shop.services.courses, shop.services.uow
    async with uow() as tx:
        await add_category(tx, "skills")
    await load_demo_course(school.authoring, school.courses)
    course = await school.courses.find(Actor.system(), "calm-in-seven-days")
    first, *_, fourth = (await school.editing.list_lessons(Actor.system(), course.id))[:4]
    student = await shop.buyer(language=language)
    teacher = await add_teacher(uow)
    tariff = (await tariffs_of(uow, teacher, course.id))["basic"]
    await school.students.gift(teacher, student.id, tariff.id, "a gift")
    await shop.work()
    (enrolment,) = await enrolments_of(uow, student)
    shop.clock.move(minutes=1)
    before = len(await telegram.person(EMMA).heard())
    await school.sending.work()
    await open_lessons(uow, enrolment, [fourth.id], shop.clock.now())
    await school.schedule.send_again(teacher, enrolment, fourth.id)
    await school.sending.work()

    messages = (await telegram.person(EMMA).heard())[before:]
    texts = [message.get("text") or message.get("caption", "") for message in messages]
    whole = "\n".join(texts)
    for lesson in (first, fourth):
        assert lesson.fields.texts[language].title in whole
    assert [kind for message in messages for kind in ("photo", "document") if kind in message] == ["photo", "document"]
    assert all(message["protected"] for message in messages)
    (document,) = await telegram.calls("sendDocument")
    assert document["params"]["document"] == "attach://file0"
    ((button,), (quiz,), (submit,)) = document["params"]["reply_markup"]["inline_keyboard"]
    assert button["web_app"]["url"].endswith("/learn/calm-in-seven-days/evening-page")
    assert quiz["web_app"]["url"] == f"{button['web_app']['url']}/quiz"
    assert submit["callback_data"].startswith("submit:")  # this lesson has an assignment

    await school.schedule.send_again(teacher, enrolment, fourth.id)
    await school.sending.work()
    known = (await telegram.calls("sendDocument"))[-1]["params"]["document"]
    assert not known.startswith("attach")
