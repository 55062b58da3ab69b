"""What the chat says of certificates: the picture once it is made, and what an admin did."""

from __future__ import annotations

from backend.certificates.types import Held
from backend.identity.types import Actor
from backend.kernel.text import Locale
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, NADIA, Telegram
from tests.factories.courses import add_course, add_lessons, enrolments_of, open_lessons, tariffs_of


async def _graduate(shop: Shop, plan: str = "feedback") -> tuple[Actor, Actor]:
    services = shop.services
    teacher = await services.identity.access.actor_by_telegram_id(NADIA)
    assert teacher is not None
    course_id = await add_course(services.uow, teacher)
    lessons = await add_lessons(services.uow, course_id, 1)
    student = await shop.buyer(language="en")
    tariff = (await tariffs_of(services.uow, teacher, course_id))[plan]
    await services.courses.students.gift(teacher, student.id, tariff.id, "for the test")
    (enrolment,) = await enrolments_of(services.uow, student)
    await open_lessons(services.uow, enrolment, lessons, shop.clock.now())
    await services.courses.learning.complete(student, lessons[0])
    await shop.work()
    return student, teacher


async def _issue(shop: Shop, student: Actor) -> Held:
    held = await shop.services.certificates.asking.issue(student, "calm", "Emma <Clarke>", Locale.EN)
    await shop.work()
    return held


async def test_completion_leads_to_the_certificate_and_the_certificate_comes(shop: Shop, telegram: Telegram) -> None:
    student, _ = await _graduate(shop)
    emma = telegram.person(EMMA)
    (completed,) = [item for item in await emma.heard(wait=0) if "You have completed" in item["text"]]
    assert completed["buttons"][0][0]["value"].endswith("/learn/calm/certificate")
    await _issue(shop, student)
    (message,) = [item for item in await emma.heard(wait=0) if "Your certificate is ready" in str(item)]
    assert "Emma <Clarke>" in str(message)
    assert message["buttons"][0][0]["value"].endswith("/learn/calm/certificate")
    assert "photo" in message


async def test_a_plan_without_a_certificate_offers_none(shop: Shop, telegram: Telegram) -> None:
    await _graduate(shop, "basic")
    (completed,) = [item for item in await telegram.person(EMMA).heard(wait=0) if "You have completed" in item["text"]]
    assert [row[0]["value"].endswith("/learn/calm") for row in completed["buttons"]] == [True]


async def test_a_correction_a_revocation_and_its_undo_are_told(shop: Shop, telegram: Telegram) -> None:
    student, teacher = await _graduate(shop)
    held = await _issue(shop, student)
    certificates = shop.services.certificates
    await certificates.asking.correct(student, held.certificate.id, "Emma Clark")
    await shop.work()
    await certificates.office.revoke(teacher, held.certificate.id, "Not <you>")
    await shop.work()
    await certificates.office.restore(teacher, held.certificate.id, "A mistake")
    await shop.work()
    said = [str(item) for item in await telegram.person(EMMA).heard(wait=0)]
    for words in ("has been printed again", "was revoked", "Not <you>", "is valid again"):
        assert len([text for text in said if words in text]) == 1, words
