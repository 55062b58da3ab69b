"""Who has a certificate: one a person and course, or one a run; corrected once, revoked, lost with the plan."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.certificates.errors import (
    AlreadyCorrected,
    CertificateNotValid,
    CourseNotCompleted,
    NoCertificateInPlan,
)
from backend.certificates.types import FileKind, Held, PrintReason, Status
from backend.infra import audit_reading
from backend.infra.audit_reading import Chosen
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.kernel.text import Locale
from tests.backend.certificates.hall import Hall
from tests.factories.courses import add_lesson, enrolments_of
from tests.factories.shop import buyers


async def test_fifty_at_once_get_one_certificate(committed_hall: Hall) -> None:
    hall = committed_hall
    person = await hall.student()
    asked = await asyncio.gather(*(hall.issue(person, f"Layla {'I' * number}") for number in range(50)))
    assert len({held.certificate.code for held in asked}) == 1
    assert len({held.certificate.printed.name for held in asked}) == 1
    counts = "SELECT (SELECT count(*) FROM certificates), (SELECT count(*) FROM certificate_prints)"
    assert await hall.rows(counts) == [(1, 1)]
    jobs = await hall.rows("SELECT 1 FROM outbox_jobs WHERE task = 'certificates.print'")
    keys = await hall.rows("SELECT 1 FROM data_keys WHERE purpose = 'certificate'")
    assert (len(jobs), len(keys)) == (1, 1)


async def test_the_database_itself_keeps_a_second_one_out(hall: Hall) -> None:
    held = await hall.issue(await hall.student())
    columns = (
        "user_id, course_id, enrolment_id, per_run, plan_rank, locale, issuer, completed_on, revision, data_key_id, "
        "issued_at"
    )
    other = columns.replace("enrolment_id", ":enrolment")
    for enrolment in (held.certificate.enrolment_id, (await enrolments_of(hall.uow, await hall.student()))[0]):
        with pytest.raises(IntegrityError, match=r"uq_certificates_(enrolment_id|course)"):
            async with hall.uow() as tx:
                await tx.execute(
                    text(
                        f"INSERT INTO certificates (id, code, {columns})"
                        f" SELECT gen_random_uuid(), '0000000000000000', {other} FROM certificates"
                    ),
                    {"enrolment": enrolment},
                )


async def test_ten_corrections_at_once_print_one(committed_hall: Hall) -> None:
    hall = committed_hall
    person = await hall.student()
    held = await hall.issue(person)
    results = await asyncio.gather(
        *(hall.asking.correct(person, held.certificate.id, f"Leila {number} Ahmad") for number in range(10)),
        return_exceptions=True,
    )
    assert len([one for one in results if one is None]) == 1
    assert len([one for one in results if isinstance(one, AlreadyCorrected)]) == 9
    page = await hall.office.get(hall.teacher, held.certificate.id)
    assert [one.reason for one in page.prints] == [PrintReason.CORRECTED, PrintReason.ISSUED]
    assert page.prints[1].name == "Layla Ahmed"
    assert page.held.certificate.code == held.certificate.code


async def test_what_is_missing_is_said_and_refused(hall: Hall) -> None:
    basic, half = await hall.student("basic"), await hall.student(completed=1)
    (stranger,) = await buyers(hall.uow, 1, 0)
    for person, refusal in ((basic, NoCertificateInPlan), (half, CourseNotCompleted), (stranger, NoCertificateInPlan)):
        with pytest.raises(refusal):
            await hall.issue(person)
        with pytest.raises(refusal):
            await hall.asking.preview(person, "calm", "Layla", Locale.EN)
    page = await hall.asking.page(half, "calm")
    assert (page.missing, page.completed, page.in_plan, page.may_ask) == (1, False, True, False)
    page = await hall.asking.page(basic, "calm")
    assert (page.missing, page.completed, page.in_plan, page.may_ask) == (0, True, False, False)
    with pytest.raises(NotFound):
        await hall.asking.page(half, "another")


async def test_lessons_that_are_added_later_take_nothing_away(hall: Hall) -> None:
    person = await hall.student()
    async with hall.uow() as tx:
        await add_lesson(tx, hall.course_id, 3)
    assert (await hall.asking.page(person, "calm")).may_ask
    assert (await hall.issue(person)).status is Status.VALID


async def test_an_upgrade_after_completion_gives_the_right(hall: Hall) -> None:
    person = await hall.student("basic")
    await hall.give(person, "premium")
    assert (await hall.issue(person)).status is Status.VALID


async def test_it_falls_with_the_plan_and_comes_back_with_it(hall: Hall) -> None:
    """A refund ends its grant, as an admin does here; another plan with a certificate is as good."""
    person = await hall.student()
    held = await hall.issue(person)
    await hall.revoke_access(person)
    assert await hall.status(held) == "access_ended"
    with pytest.raises(CertificateNotValid):
        await hall.asking.file(person, held.certificate.id, FileKind.PDF)
    with pytest.raises(CertificateNotValid):
        await hall.asking.correct(person, held.certificate.id, "Another")
    with pytest.raises(CertificateNotValid):
        await hall.asking.share(person, held.certificate.id)
    await hall.give(person, "basic")
    assert await hall.status(held) == "access_ended"
    await hall.give(person, "premium")
    assert await hall.status(held) == "valid"


async def test_a_plan_that_loses_its_certificate_takes_none_back(hall: Hall) -> None:
    person = await hall.student()
    held = await hall.issue(person)
    await hall.rows("UPDATE course_tariffs SET certificate = false RETURNING id")
    assert await hall.status(held) == "valid"
    with pytest.raises(NoCertificateInPlan):
        await hall.issue(await hall.student())


async def _again(hall: Hall) -> tuple[Held, Held]:
    """Somebody completes the course, has a certificate, and completes another run of it."""
    person = await hall.student()
    first = await hall.issue(person)
    await hall.school.runs.open(hall.teacher, hall.course_id)
    await hall.give(person, "feedback")
    enrolments = await enrolments_of(hall.uow, person)
    assert len(enrolments) == 2
    await hall.complete(person, enrolments[1], 2)
    return first, await hall.issue(person, "Layla A. Ahmed")


async def test_another_run_gives_no_second_one(hall: Hall) -> None:
    first, second = await _again(hall)
    assert second.certificate == first.certificate


async def test_another_run_gives_its_own_where_the_course_says_so(hall: Hall) -> None:
    await hall.terms(study_hours=14, certificate_per_run=True)
    first, second = await _again(hall)
    assert first.certificate.code != second.certificate.code
    assert first.certificate.enrolment_id != second.certificate.enrolment_id


async def test_a_new_setting_leaves_what_was_issued(hall: Hall) -> None:
    """Issued for the course, then each run has its own: the first run does not get another."""
    person = await hall.student()
    first = await hall.issue(person)
    await hall.terms(certificate_per_run=True)
    assert (await hall.issue(person)).certificate == first.certificate


async def test_a_certificate_keeps_what_was_printed(hall: Hall) -> None:
    person = await hall.student()
    held = await hall.issue(person)
    await hall.terms(study_hours=20)
    again = await hall.services.verifying.find(held.certificate.number.lower())
    assert again is not None
    assert again.certificate.printed.hours == 14
    await hall.office.reissue(hall.teacher, held.certificate.id, "  Leila\u202e Ahmad ")
    again = await hall.services.verifying.find(held.certificate.code)
    assert again is not None
    assert (again.certificate.printed.hours, again.certificate.printed.name) == (20, "Leila Ahmad")
    assert again.certificate.corrected_at is None
    await hall.asking.correct(person, held.certificate.id, "Layla Ahmad")
    old = await hall.asking.file(hall.teacher, held.certificate.id, FileKind.PNG, 1)
    assert old.data == b"PNG of Layla Ahmed"


async def test_files_are_made_once_and_are_encrypted(hall: Hall) -> None:
    person = await hall.student()
    held = await hall.issue(person)
    one = held.certificate
    files = await asyncio.gather(*(hall.asking.file(person, one.id, kind) for kind in FileKind))
    assert [item.mime for item in files] == ["application/pdf", "image/png"]
    assert files[0].name == f"certificate-{one.number}.pdf"
    await hall.services.printing.print_all(one.id, 1)
    await hall.asking.file(person, one.id, FileKind.PDF)
    assert len(hall.drawer.drawn) == 2
    stored = [path.read_bytes() for path in hall.folder.rglob("*") if path.is_file()]
    assert len(stored) == 2
    assert not any(b"Layla" in data for data in stored)
    jobs = await hall.rows("SELECT payload FROM outbox_jobs WHERE payload ->> 'revision' = '1'")
    assert len(jobs) == 2
    with pytest.raises(NotFound):
        await hall.asking.file(await hall.student(), one.id, FileKind.PDF)


async def test_two_who_need_the_same_file_store_it_once(committed_hall: Hall) -> None:
    hall = committed_hall
    person = await hall.student()
    one = (await hall.issue(person)).certificate
    files = await asyncio.gather(*(hall.asking.file(person, one.id, FileKind.PDF) for _ in range(6)))
    assert len({item.data for item in files}) == 1
    assert len([path for path in hall.folder.rglob("*") if path.is_file()]) == 1


async def test_a_replaced_revision_is_not_printed(hall: Hall) -> None:
    person = await hall.student()
    one = (await hall.issue(person)).certificate
    await hall.asking.correct(person, one.id, "Leila")
    await hall.services.printing.print_all(one.id, 1)
    assert hall.drawer.drawn == []


async def test_revoked_and_restored_with_reasons(hall: Hall) -> None:
    person = await hall.student()
    held = await hall.issue(person)
    one = held.certificate
    with pytest.raises(Forbidden):
        await hall.office.revoke(person, one.id, "no")
    with pytest.raises(Invalid):
        await hall.office.revoke(hall.teacher, one.id, "  ")
    await hall.office.revoke(hall.teacher, one.id, "Somebody  else did it")
    await hall.office.revoke(hall.teacher, one.id, "Again")
    assert await hall.status(held) == "revoked"
    with pytest.raises(CertificateNotValid):
        await hall.asking.file(person, one.id, FileKind.PNG)
    with pytest.raises(NotFound):
        await hall.services.verifying.picture(one.code)
    assert (await hall.issue(person)).status is Status.REVOKED
    await hall.office.restore(hall.teacher, one.id, "A mistake")
    assert await hall.status(held) == "valid"
    async with hall.uow.read() as tx:
        trail = await audit_reading.find(tx, Chosen(subject=f"certificate:{one.id}"), None, 5)
    assert [(line.action, line.content and line.content.params["reason"]) for line in trail] == [
        ("certificates.restore", "A mistake"),
        ("certificates.revoke", "Somebody else did it"),
    ]


async def test_the_list_finds_codes_names_and_people(hall: Hall) -> None:
    person = await hall.student()
    one = (await hall.issue(person, "Иван Щукин", Locale.RU)).certificate
    await hall.issue(await hall.student(), "100% Other_Name")
    for query, count in (("", 2), (one.number.lower(), 1), ("щукин", 1), ("100%", 1), ("_", 1), ("nobody", 0)):
        assert len(await hall.office.list_course(hall.teacher, hall.course_id, query)) == count, query
    with pytest.raises(Forbidden):
        await hall.office.list_course(person, hall.course_id)


async def test_a_prepared_message_names_the_public_page(hall: Hall) -> None:
    person = await hall.student()
    one = (await hall.issue(person, "<b>Layla</b>")).certificate
    assert await hall.asking.share(person, one.id) == "prepared-1"
    ((telegram_id, message),) = hall.prepared
    assert telegram_id == person.telegram_id
    assert message.url == f"https://souk.example/verify/{one.number}"
    with pytest.raises(NotFound):
        await hall.asking.share(await hall.student(), one.id)
