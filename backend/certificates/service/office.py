"""Use cases of teachers: the certificates of a course, revoked, restored and reissued."""

from __future__ import annotations

from typing import Final

from msgspec.structs import asdict, replace

from backend.certificates import domain, repository
from backend.certificates.rules import naming
from backend.certificates.rules.codes import read_code
from backend.certificates.types import (
    LONGEST_REASON,
    CertificateId,
    CertificateReprinted,
    CertificateRestored,
    CertificateRevoked,
    OfficePage,
    OfficeRow,
    PrintReason,
)
from backend.courses.domain import teaching
from backend.courses.types import CourseId
from backend.courses.types.teaching import CertificateTerms
from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit, typography
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.text import fold, pick, searched

_PEOPLE: Final = 50


class OfficeService:
    """Certificates for admins with the permission for teaching. What they do is in the audit trail."""

    page_size = 30

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_course(self, actor: Actor, course_id: CourseId, query: str = "", page: int = 0) -> list[OfficeRow]:
        """The certificates of a course, the latest first, by code, printed name or person. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        name = searched(query)
        async with self._uow.read() as tx:
            stored = await repository.list_course(
                tx,
                course_id,
                code=read_code(query),
                name=name,
                people=await identity.find_users(tx, name, _PEOPLE) if name else (),
                limit=self.page_size,
                offset=page * self.page_size,
            )
            held = await domain.list_held(tx, stored)
            names = await identity.user_names(tx, {one.certificate.user_id for one in held})
        return [
            OfficeRow(certificate=one.certificate, status=one.status, person=names.get(one.certificate.user_id, ""))
            for one in held
        ]

    async def find(self, actor: Actor, typed: str) -> OfficeRow | None:
        """The certificate of a code as somebody typed it; None for one that was never given. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        code = read_code(typed)
        if code is None:
            return None
        async with self._uow.read() as tx:
            stored = await repository.find_by_code(tx, code)
            if stored is None:
                return None
            (held,) = await domain.list_held(tx, [stored])
            names = await identity.user_names(tx, [held.certificate.user_id])
        person = names.get(held.certificate.user_id, "")
        return OfficeRow(certificate=held.certificate, status=held.status, person=person)

    async def get(self, actor: Actor, certificate_id: CertificateId) -> OfficePage:
        """A certificate with everything that was printed of it. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            held, _ = await domain.get_held(tx, certificate_id)
            prints = await repository.list_prints(tx, certificate_id)
            people = {held.certificate.user_id, *(one.printed_by for one in prints)}
            names = await identity.user_names(tx, people)
        return OfficePage(held=held, prints=tuple(prints), names=names)

    @retry_conflicts
    async def revoke(self, actor: Actor, certificate_id: CertificateId, reason: str) -> None:
        """Revoke a certificate; one that is revoked stays as it is. Raises Forbidden, NotFound, Invalid."""
        actor.require(Permission.TEACHING)
        said = _reason(reason)
        async with self._uow() as tx:
            one = (await repository.get(tx, certificate_id, locked=True)).certificate
            if one.revoked_at is not None:
                return
            await repository.change(
                tx, certificate_id, {"revoked_at": tx.now, "revoked_by": actor.id, "revoke_reason": said}
            )
            subject, facts = f"certificate:{certificate_id}", {"reason": said}
            await audit.record(tx, actor.user_id, "certificates.revoke", subject, facts, person=one.user_id)
            tx.emit(CertificateRevoked(certificate_id=certificate_id, user_id=one.user_id, revoked_at=tx.now))

    @retry_conflicts
    async def restore(self, actor: Actor, certificate_id: CertificateId, reason: str) -> None:
        """Undo a revocation; a certificate that is not revoked stays as it is. Raises Forbidden, NotFound, Invalid."""
        actor.require(Permission.TEACHING)
        said = _reason(reason)
        async with self._uow() as tx:
            one = (await repository.get(tx, certificate_id, locked=True)).certificate
            if one.revoked_at is None:
                return
            await repository.change(tx, certificate_id, {"revoked_at": None, "revoked_by": None, "revoke_reason": ""})
            subject, facts = f"certificate:{certificate_id}", {"reason": said}
            await audit.record(tx, actor.user_id, "certificates.restore", subject, facts, person=one.user_id)
            tx.emit(CertificateRestored(certificate_id=certificate_id, user_id=one.user_id, restored_at=tx.now))

    @retry_conflicts
    async def reissue(self, actor: Actor, certificate_id: CertificateId, name: str) -> None:
        """Print a certificate again: with this name, and with the title and the hours that the course has now.

        Its code stays. Raises Forbidden, NotFound, Invalid (see naming.check_name).
        """
        actor.require(Permission.TEACHING)
        cleaned = typography.clean(name)
        naming.check_name(cleaned)
        async with self._uow() as tx:
            one = (await repository.get(tx, certificate_id, locked=True)).certificate
            course = await teaching.get_course(tx, one.course_id)
            fresh = replace(
                one.printed,
                revision=one.printed.revision + 1,
                name=cleaned,
                course=pick(course.product.name, one.locale),
                hours=course.terms.study_hours,
                reason=PrintReason.REISSUED,
                printed_at=tx.now,
                printed_by=actor.id,
            )
            await repository.add_print(tx, certificate_id, fresh)
            await audit.record(
                tx,
                actor.user_id,
                "certificates.reissue",
                f"certificate:{certificate_id}",
                {"revision": fresh.revision},
                person=one.user_id,
                before={"name": one.printed.name},
                after={"name": cleaned},
            )
            tx.emit(CertificateReprinted(certificate_id=certificate_id, user_id=one.user_id, revision=fresh.revision))

    @retry_conflicts
    async def set_terms(self, actor: Actor, course_id: CourseId, terms: CertificateTerms) -> None:
        """Change what certificates say that are issued from now on. Raises Forbidden, NotFound, Invalid."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            await teaching.get_course(tx, course_id)
            await teaching.set_terms(tx, course_id, terms)
            await audit.record(tx, actor.user_id, "courses.certificate_terms", f"course:{course_id}", asdict(terms))


def _reason(typed: str) -> str:
    reason = fold(typed)
    if not reason:
        raise Invalid("no reason", fields={"reason": "required"})
    if len(reason) > LONGEST_REASON:
        raise Invalid("too long a reason", fields={"reason": "too_long"})
    return reason
