"""A course that people complete, and its certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

from backend.certificates.gateways import TEMPLATE
from backend.certificates.ports import SharedMessage
from backend.certificates.service import CertificatesServices
from backend.certificates.types import Held
from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.teaching import CertificateTerms
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.documents import Typesetter
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.text import Locale
from tests.factories.courses import (
    add_course,
    add_lessons,
    add_teacher,
    course_services,
    enrolments_of,
    open_lessons,
    tariffs_of,
)
from tests.factories.shop import buyers
from tests.fakes.clock import FakeClock

URL = "https://souk.example"


class Slow:
    """A drawer that counts what it draws; the pictures are only names."""

    def __init__(self) -> None:
        self.drawn: list[dict[str, Any]] = []

    async def pdf(self, data: msgspec.Struct) -> bytes:
        self.drawn.append(msgspec.to_builtins(data))
        return b"%PDF of " + self.drawn[-1]["name"].encode()

    async def png(self, data: msgspec.Struct, *, ppi: int) -> bytes:
        self.drawn.append(msgspec.to_builtins(data))
        return b"PNG of " + self.drawn[-1]["name"].encode()


class Hall:
    """The services of certificates, and what tests do with them."""

    def __init__(self, uow: UnitOfWork, ring: KeyRing, folder: Path, clock: FakeClock, *, typst: bool = False) -> None:
        self.uow = uow
        self.clock = clock
        self.folder = folder
        self.school = course_services(uow)
        self.drawer = Slow()
        self.prepared: list[tuple[int, SharedMessage]] = []
        self.services = CertificatesServices.build(
            uow=uow,
            ring=ring,
            files=PrivateFiles(folder),
            drawer=Typesetter(TEMPLATE) if typst else self.drawer,
            sharing=self,
            issuer="Souk Academy",
            public_url=URL,
        )
        self.asking, self.office = self.services.asking, self.services.office

    async def prepare(self, telegram_id: int, message: SharedMessage) -> str | None:
        """The Bot API prepares everything."""
        self.prepared.append((telegram_id, message))
        return f"prepared-{len(self.prepared)}"

    async def open(self) -> Hall:
        """The course, on sale, of two lessons; feedback and premium come with a certificate."""
        self.teacher = await add_teacher(self.uow)
        self.course_id: CourseId = await add_course(self.uow, self.teacher)
        self.lessons: list[LessonId] = await add_lessons(self.uow, self.course_id, 2)
        await self.terms(study_hours=14)
        return self

    async def terms(self, **terms: Any) -> None:
        await self.office.set_terms(self.teacher, self.course_id, CertificateTerms(**terms))

    async def student(self, plan: str = "feedback", *, completed: int = 2) -> Actor:
        """Somebody with a plan who has completed so many lessons."""
        (person,) = await buyers(self.uow, 1, 0)
        await self.give(person, plan)
        (enrolment,) = await enrolments_of(self.uow, person)
        await self.complete(person, enrolment, completed)
        return person

    async def give(self, person: Actor, plan: str) -> None:
        tariff = (await tariffs_of(self.uow, self.teacher, self.course_id))[plan]
        await self.school.students.gift(self.teacher, person.id, tariff.id, "for the test")

    async def complete(self, person: Actor, enrolment: EnrolmentId, count: int) -> None:
        async with self.uow() as tx:
            await tx.execute(text("DELETE FROM lesson_deliveries WHERE enrolment_id = :id"), {"id": enrolment})
            now = tx.now
        await open_lessons(self.uow, enrolment, self.lessons, now)
        for lesson in self.lessons[:count]:
            await self.school.learning.complete(person, lesson)

    async def revoke_access(self, person: Actor, *, grant: int = 0) -> None:
        """What a refund does to access: a grant ends."""
        enrolment = (await enrolments_of(self.uow, person))[-1]
        detail = await self.school.students.get(self.teacher, enrolment)
        live = [one for one in detail.grants if one.ended_at is None]
        await self.school.students.revoke(self.teacher, live[grant].id, "for the test")

    async def issue(self, person: Actor, name: str = "Layla Ahmed", locale: Locale = Locale.EN, **how: Any) -> Held:
        return await self.asking.issue(person, "calm", name, locale, **how)

    async def status(self, held: Held) -> str:
        verified = await self.services.verifying.find(held.certificate.code)
        assert verified is not None
        return verified.status.value

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.uow.read() as tx:
            return list((await tx.execute(text(sql), values)).all())
