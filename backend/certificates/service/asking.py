"""Use cases of students: ask for a certificate, correct its name, download and share it."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from backend.certificates import domain, repository
from backend.certificates.errors import (
    AlreadyCorrected,
    CertificateNotValid,
    CourseNotCompleted,
    NoCertificateInPlan,
)
from backend.certificates.ports import SharedMessage, Sharing
from backend.certificates.repository import Stored
from backend.certificates.rules import naming, standing
from backend.certificates.rules.codes import new_code
from backend.certificates.service.printing import Printing
from backend.certificates.types import (
    AskPage,
    Certificate,
    CertificateId,
    CertificateIssued,
    CertificateReprinted,
    Content,
    FileKind,
    Held,
    Print,
    PrintReason,
)
from backend.courses.domain import certifying, granting, teaching
from backend.courses.types import CourseState
from backend.courses.types.certifying import Completion
from backend.courses.types.teaching import CourseRecord
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import typography
from backend.infra.crypto import KeyRing
from backend.infra.formatting import timezone
from backend.infra.i18n import translator
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.text import Locale, pick

_KEY_PURPOSE = "certificate"


class AskingService:
    """Certificates of the actor; ``issuer`` is the shop's name."""

    def __init__(
        self, *, uow: UnitOfWork, ring: KeyRing, printing: Printing, sharing: Sharing, issuer: str, public_url: str
    ) -> None:
        self._uow = uow
        self._ring = ring
        self._printing = printing
        self._sharing = sharing
        self._issuer = issuer
        self._public_url = public_url

    async def page(self, actor: Actor, slug: str, run: int | None = None) -> AskPage:
        """What the actor has and lacks for a certificate of a course, or of its ``run``. Raises NotFound."""
        async with self._uow.read() as tx:
            course = await teaching.find_course(tx, slug)
            enrolments = await certifying.list_completions(tx, actor.id, course.id)
            if not enrolments and course.state is CourseState.DRAFT:
                raise NotFound("a draft")
            per_run = course.terms.certificate_per_run
            listed = await repository.list_of(tx, actor.id, course.id)
            one = standing.chosen(enrolments, run, per_run=per_run)
            if run is not None and one is None:
                raise NotFound("no such run of theirs")
            own = domain.find_own(listed, one.enrolment_id, per_run=per_run) if one else None
            held = (await domain.list_held(tx, [own]))[0] if own else None
            names = await identity.user_names(tx, [actor.id])
        given = {item.certificate.enrolment_id for item in listed}
        others = [item for item in enrolments if per_run and item is not one]
        return AskPage(
            slug=slug,
            course=course.product.name,
            run_number=one.run_number if one else None,
            name=typography.printable(names.get(actor.id, "")),
            in_plan=one is not None and one.certificate_rank > 0,
            access=one is not None and one.rank > 0,
            completed=one is not None and one.completed_at is not None,
            missing=one.missing if one else 0,
            held=held,
            earlier=tuple(item.run_number for item in others if item.certifies or item.enrolment_id in given),
        )

    async def preview(self, actor: Actor, slug: str, typed: str, locale: Locale, run: int | None = None) -> bytes:
        """A picture of the certificate with a name that is not confirmed yet; nothing is stored.

        Raises Invalid (see naming.check_name), NoCertificateInPlan, CourseNotCompleted, NotFound.
        """
        name = _checked(typed)
        async with self._uow.read() as tx:
            course = await teaching.find_course(tx, slug)
            enrolments = await certifying.list_completions(tx, actor.id, course.id)
            one = _entitled(standing.chosen(enrolments, run, per_run=course.terms.certificate_per_run))
            certificate = self._certificate(tx, actor, course, one, name, locale, code="")
        return await self._printing.preview(certificate)

    @retry_conflicts
    async def issue(self, actor: Actor, slug: str, typed: str, locale: Locale, run: int | None = None) -> Held:
        """Issue the certificate with the name that the actor has confirmed; the one that they have stays as it is.

        Raises Invalid (see naming.check_name), NoCertificateInPlan, CourseNotCompleted, NotFound.
        """
        name = _checked(typed)
        async with self._uow() as tx:
            course = await teaching.find_course(tx, slug)
            await granting.lock(tx, course.id, actor.id)
            per_run = course.terms.certificate_per_run
            enrolments = await certifying.list_completions(tx, actor.id, course.id)
            one = standing.chosen(enrolments, run, per_run=per_run)
            listed = await repository.list_of(tx, actor.id, course.id)
            own = domain.find_own(listed, one.enrolment_id, per_run=per_run) if one else None
            if own is None:
                own = await self._issue(tx, actor, course, _entitled(one), name, locale)
            return (await domain.list_held(tx, [own]))[0]

    async def _issue(
        self, tx: Tx, actor: Actor, course: CourseRecord, one: Completion, name: str, locale: Locale
    ) -> Stored:
        certificate = self._certificate(tx, actor, course, one, name, locale, code=new_code())
        key_id, _ = await self._ring.create(tx, _KEY_PURPOSE)
        added = await repository.add(tx, certificate, per_run=course.terms.certificate_per_run, key_id=key_id)
        assert added, "who asks at the same time waits for the lock"
        tx.emit(CertificateIssued(certificate_id=certificate.id, user_id=actor.id))
        return await repository.get(tx, certificate.id)

    def _certificate(
        self, tx: Tx, actor: Actor, course: CourseRecord, one: Completion, name: str, locale: Locale, *, code: str
    ) -> Certificate:
        return Certificate(
            id=CertificateId(tx.new_id()),
            code=code,
            user_id=actor.id,
            course_id=course.id,
            enrolment_id=one.enrolment_id,
            locale=locale,
            issuer=self._issuer,
            completed_on=_completed_on(one, actor),
            issued_at=tx.now,
            corrected_at=None,
            revoked_at=None,
            revoke_reason="",
            plan_rank=one.certificate_rank,
            printed=Print(
                revision=1,
                name=name,
                course=pick(course.product.name, locale),
                hours=course.terms.study_hours,
                reason=PrintReason.ISSUED,
                printed_at=tx.now,
                printed_by=actor.id,
            ),
        )

    async def preview_correction(self, actor: Actor, certificate_id: CertificateId, typed: str) -> bytes:
        """A picture with the corrected name; nothing is stored.

        Raises Invalid (see naming.check_name; ``same``), NotFound, AlreadyCorrected, CertificateNotValid.
        """
        name = _checked(typed)
        async with self._uow.read() as tx:
            one = (await self._correctable(tx, actor, certificate_id, name)).certificate
        return await self._printing.preview(replace(one, code="", printed=replace(one.printed, name=name)))

    @retry_conflicts
    async def correct(self, actor: Actor, certificate_id: CertificateId, typed: str) -> None:
        """Print another name, once; the code stays, and what was printed before is kept.

        Raises Invalid (see naming.check_name; ``same``), NotFound, AlreadyCorrected, CertificateNotValid.
        """
        name = _checked(typed)
        async with self._uow() as tx:
            said = (await self._correctable(tx, actor, certificate_id, name, locked=True)).certificate.printed
            fresh = replace(
                said,
                revision=said.revision + 1,
                name=name,
                reason=PrintReason.CORRECTED,
                printed_at=tx.now,
                printed_by=actor.id,
            )
            await repository.add_print(tx, certificate_id, fresh)
            await repository.change(tx, certificate_id, {"corrected_at": tx.now})
            tx.emit(CertificateReprinted(certificate_id=certificate_id, user_id=actor.id, revision=fresh.revision))

    async def _correctable(
        self, tx: Tx, actor: Actor, certificate_id: CertificateId, name: str, *, locked: bool = False
    ) -> Stored:
        stored = await repository.get(tx, certificate_id, locked=locked)
        await _require_valid(tx, stored, actor.id)
        if stored.certificate.corrected_at is not None:
            raise AlreadyCorrected()
        if stored.certificate.printed.name == name:
            raise Invalid("the same name", fields={"name": "same"})
        return stored

    async def file(
        self, actor: Actor, certificate_id: CertificateId, kind: FileKind, revision: int | None = None
    ) -> Content:
        """A file of the actor's certificate; for teachers that of anybody's, and of what was printed before.

        Raises NotFound, CertificateNotValid, DecryptionError.
        """
        teacher = actor.may(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await repository.get(tx, certificate_id)
            if not teacher or revision is None:
                if not teacher:
                    await _require_valid(tx, stored, actor.id)
                said = stored.certificate.printed
            else:
                prints = await repository.list_prints(tx, certificate_id)
                earlier = next((one for one in prints if one.revision == revision), None)
                if earlier is None:
                    raise NotFound("no such revision")
                said = earlier
        return await self._printing.file(stored, said, kind)

    async def share(self, actor: Actor, certificate_id: CertificateId) -> str | None:
        """The id of a prepared message with the certificate; None where Telegram can't prepare one now.

        Raises NotFound, CertificateNotValid.
        """
        async with self._uow.read() as tx:
            stored = await repository.get(tx, certificate_id)
            await _require_valid(tx, stored, actor.id)
        one, _ = stored.certificate, translator(actor.language).gettext
        text = _("{name} has completed the course “{course}”. Certificate {number}")
        message = SharedMessage(
            title=_("Certificate of completion"),
            text=text.format(name=one.printed.name, course=one.printed.course, number=one.number),
            url=f"{self._public_url}/verify/{one.number}",
            button=_("Check the certificate"),
        )
        return await self._sharing.prepare(actor.telegram_id, message)


def _checked(typed: str) -> str:
    name = typography.clean(typed)
    naming.check_name(name)
    return name


def _entitled(one: Completion | None) -> Completion:
    if one is None or one.certificate_rank == 0:
        raise NoCertificateInPlan()
    if one.completed_at is None:
        raise CourseNotCompleted()
    return one


def _completed_on(one: Completion, actor: Actor) -> date:
    assert one.completed_at is not None, "it was checked"
    return one.completed_at.astimezone(timezone(actor.timezone)).date()


async def _require_valid(tx: Tx, stored: Stored, owner: UserId) -> None:
    if stored.certificate.user_id != owner:
        raise NotFound("a certificate of somebody else")
    (held,) = await domain.list_held(tx, [stored])
    if not domain.is_valid(held):
        raise CertificateNotValid()
