"""What the chat says of assignments: to who is to answer, to the student, and again when feedback is corrected."""

from __future__ import annotations

from typing import Any

from backend.assignments.types import Submission, Upload, Verdict
from backend.courses.types.editing import EditedText, LessonFields
from backend.identity.types import Actor
from backend.kernel.text import Locale
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram
from tests.factories.courses import add_course, enrolments_of, open_lessons, tariffs_of


class Desk:
    """The root admin teaches, and Emma takes the course."""

    def __init__(self, shop: Shop, telegram: Telegram) -> None:
        self.shop, self.telegram = shop, telegram
        self.assignments = shop.services.assignments

    async def open(self, plan: str = "feedback", language: str = "en") -> Desk:
        services = self.shop.services
        teacher = await services.identity.access.actor_by_telegram_id(NADIA)
        assert teacher is not None
        self.teacher: Actor = teacher
        course_id = await add_course(services.uow, teacher)
        fields = LessonFields(slug="walk", texts={Locale.EN: EditedText("Walk", "Read it.", "Walk for ten minutes.")})
        lesson = await services.courses.editing.add(teacher, course_id, fields)
        self.student = await self.shop.buyer(language=language)
        tariff = (await tariffs_of(services.uow, teacher, course_id))[plan]
        await services.courses.students.gift(teacher, self.student.id, tariff.id, "for the test")
        (enrolment,) = await enrolments_of(services.uow, self.student)
        await open_lessons(services.uow, enrolment, [lesson], self.shop.clock.now())
        await self.shop.work()
        return self

    async def submit(self, text: str, *files: Upload) -> Submission:
        submission = await self.assignments.submitting.submit(
            self.student, "calm", "walk", text, files, intent=f"intent-{text}"
        )
        await self.shop.work()
        return submission

    async def heard(self, who: int, words: str) -> list[dict[str, Any]]:
        return [message for message in await self.telegram.person(who).heard(wait=0) if words in message["text"]]


async def test_both_sides_hear_at_once_with_a_button_to_the_place(shop: Shop, telegram: Telegram) -> None:
    desk = await Desk(shop, telegram).open()
    submission = await desk.submit("Round <the> lake.", Upload("a.txt", b"x"))
    (work,) = await desk.heard(NADIA, "has submitted an assignment")
    assert "Emma Clarke <3" in work["text"] and "Round <the> lake." in work["text"] and "1 file" in work["text"]
    assert "Promised by" in work["text"]
    assert work["buttons"][0][0]["value"].endswith(f"/admin/assignments/{submission.id}")
    review = desk.assignments.review
    sent = await review.send(desk.teacher, submission.id, "Did <not> mind", Verdict.AGAIN, version=1, seen=0)
    await shop.work()
    (message,) = await desk.heard(EMMA, "Your teacher asks for another version")
    assert "Did <not> mind" in message["text"]
    assert message["buttons"][0][0]["value"].endswith("/learn/calm/walk/assignment")
    await review.correct(desk.teacher, sent, "Lovely", Verdict.ACCEPT)
    await shop.work()
    (changed,) = await desk.heard(EMMA, "Your assignment is accepted")
    assert changed["message_id"] == message["message_id"]
    assert "Lovely" in changed["text"] and "Corrected" in changed["text"]
    assert not await desk.heard(EMMA, "Did <not> mind")


async def test_a_plan_without_feedback_is_answered_by_itself(shop: Shop, telegram: Telegram) -> None:
    desk = await Desk(shop, telegram).open("basic", "ru")
    await desk.submit("Вокруг озера.")
    assert len(await desk.heard(EMMA, "Мы получили ваше задание")) == 1
    assert not await desk.heard(NADIA, "submitted")


async def test_what_is_overdue_is_told_to_all_teachers_and_what_is_answered_is_not(
    shop: Shop, telegram: Telegram
) -> None:
    desk = await Desk(shop, telegram).open("premium")
    submission = await desk.submit("First.")
    shop.clock.move(hours=25)
    await desk.assignments.review.escalate()
    await shop.work()
    assert len(await desk.heard(NADIA, "Overdue")) == 1
    await desk.submit("Second.")
    assert len(await desk.heard(NADIA, "another version")) == 1
    shop.clock.move(hours=25)
    await desk.assignments.review.escalate()
    await desk.assignments.review.send(desk.teacher, submission.id, "Good.", Verdict.ACCEPT, version=2, seen=0)
    await shop.work()
    assert len(await desk.heard(NADIA, "Overdue")) == 1
