"""Certificates: what is missing, the name, the picture to confirm, issued, corrected, revoked; in the back office."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.certificates.types import CertificateId
from backend.courses.types import CourseId
from backend.courses.types.teaching import CertificateTerms
from backend.identity.types import Actor
from backend.kernel.text import Locale
from tests.browser.screens.courses import COURSE, complete, open_until
from tests.browser.screens.screen import Screen, send_empty, sheet
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

_PAGE = f"/learn/{COURSE}/certificate"
_PREMIUM = 2
NAME = "Maximiliana von Hohenzollern-Sigmaringen"


class Past(msgspec.Struct, frozen=True):
    """The course, a valid certificate and a revoked one."""

    course: CourseId
    valid: CertificateId
    revoked: CertificateId


async def graduate(stack: Stack, teacher: Actor, person: Person) -> Actor:
    """Somebody who has completed the course with a plan that includes a certificate."""
    courses, student = stack.services.courses, await stack.actor(person.id)
    plans = await courses.tariffs.list_of(teacher, (await courses.courses.find(teacher, COURSE)).id)
    await courses.students.gift(teacher, student.id, plans[_PREMIUM].id, "a friend")
    await complete(stack, student, await open_until(stack, teacher, student, None))
    return student


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """One graduate has a certificate, whose name an admin has changed; another's was revoked."""
    services = stack.services
    course = (await services.courses.courses.find(admin, COURSE)).id
    await services.certificates.office.set_terms(admin, course, CertificateTerms(study_hours=2))
    asking, office = services.certificates.asking, services.certificates.office
    issued = {}
    for who in ("graduate", "expelled"):
        student = await graduate(stack, admin, people[who])
        issued[who] = (await asking.issue(student, COURSE, "Max Hohenzollern", Locale.EN)).certificate.id
    await office.reissue(admin, issued["graduate"], NAME)
    await office.revoke(admin, issued["expelled"], "The assignments were written by somebody else.")
    return Past(course, issued["graduate"], issued["expelled"])


async def _no_name(page: Page) -> None:
    await page.locator("#name").fill("")
    await send_empty(page)


async def _strange_name(page: Page) -> None:
    await page.locator("#name").fill("张伟 Zhang")
    await send_empty(page)


async def _confirm(page: Page) -> None:
    await page.locator("#name").fill(NAME + " Jr.")
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("form#confirm")).to_be_attached()


def screens(world: World) -> list[Screen]:
    """A student's pages, then a teacher's."""
    past = world.certificates
    path = f"/admin/courses/{past.course}/certificates"
    one = f"{path}/{past.valid}"
    return [
        Screen("certificate-missing", _PAGE),
        Screen("certificate-no-plan", _PAGE, "saver"),
        Screen("certificate-no-access", _PAGE, "poor"),
        Screen("certificate-ask", _PAGE, "payer"),
        Screen("certificate-error", _PAGE, "payer", _no_name),
        Screen("certificate-strange-name", _PAGE, "payer", _strange_name),
        Screen("certificate-confirm", _PAGE, "payer", _confirm),
        Screen("certificate", _PAGE, "graduate"),
        Screen("certificate-correct", f"{_PAGE}?step=correct", "graduate"),
        Screen("certificate-recheck", f"{_PAGE}?step=correct", "graduate", _confirm),
        Screen("certificate-revoked", _PAGE, "expelled"),
        Screen("manage-certificates", path, "admin"),
        Screen("manage-certificates-none", f"{path}?q=nobody", "admin"),
        Screen("manage-certificate", one, "admin"),
        Screen("manage-certificate-revoked", f"{path}/{past.revoked}", "admin"),
        Screen("manage-certificate-revoke", one, "admin", sheet("revoke")),
        Screen("manage-certificate-reissue", one, "admin", sheet("reissue")),
        Screen("manage-certificate-terms", f"{path}/settings", "admin"),
    ]
