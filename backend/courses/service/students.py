"""Students of a course: who they are, how far they are, access given and taken away by admins."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select

from backend.catalog.domain import places
from backend.courses.domain import granting, progress, teaching
from backend.courses.errors import CourseNotOnSale, TariffOwned
from backend.courses.repository import grants as grants_repository
from backend.courses.repository import students as repository
from backend.courses.repository.students import StoredStudent
from backend.courses.rules import buying
from backend.courses.types import CourseId, EndReason, EnrolmentId, GrantId, GrantSource, TariffId
from backend.courses.types.teaching import StudentDetail, StudentFilter, StudentRow
from backend.growth.domain import attribution
from backend.growth.types.attribution import PartnerId
from backend.identity import domain as identity
from backend.identity.errors import NotYourself
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.paging import Page, decode_cursor, encode_cursor
from backend.kernel.text import fold

_PAGE: Final = 30
_MAX_REASON: Final = 500
_ALL: Final = StudentFilter()


class StudentsService:
    """Students for admins with the permission for teaching."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_of(
        self, actor: Actor, course_id: CourseId, chosen: StudentFilter = _ALL, *, cursor: str | None = None
    ) -> Page[StudentRow]:
        """The ``chosen`` students of a course, the latest first. Raises Forbidden, Invalid for a bad cursor."""
        actor.require(Permission.TEACHING)
        after = decode_cursor(cursor, EnrolmentId) if cursor else None
        async with self._uow.read() as tx:
            stored = await repository.list_students(
                tx, course_id, chosen, people_of(chosen), after=after, limit=_PAGE + 1
            )
            rows = await rows_of(tx, stored[:_PAGE])
        more = len(stored) > _PAGE
        return Page(rows, encode_cursor(rows[-1].enrolment_id) if more else None)

    async def ids_of(self, actor: Actor, course_id: CourseId, chosen: StudentFilter) -> list[EnrolmentId]:
        """All the ``chosen`` students of a course, for a change of their schedules. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await repository.list_students(tx, course_id, chosen, people_of(chosen))
        return [one.id for one in stored]

    async def get(self, actor: Actor, enrolment_id: EnrolmentId) -> StudentDetail:
        """A student with all grants, the first first. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await repository.find_student(tx, enrolment_id)
            if stored is None:
                raise NotFound("no such enrolment")
            (row,) = await rows_of(tx, [stored])
            grants = await grants_repository.list_grants(tx, enrolment_id)
        return StudentDetail(student=row, course_id=stored.course_id, grants=tuple(grants))

    async def count_brought(self, actor: Actor, partners: Collection[PartnerId]) -> dict[PartnerId, int]:
        """How many enrolments there are of people whom each partner brought, from then on. Raises Forbidden."""
        actor.require(Permission.MONEY)
        async with self._uow.read() as tx:
            counts = await repository.count_brought(tx, attribution.brought_people(partners))
        return {partner: counts.get(partner, 0) for partner in partners}

    @retry_conflicts
    async def gift(self, actor: Actor, user_id: UserId, tariff_id: TariffId, reason: str) -> EnrolmentId:
        """Give somebody a tariff, retired or not, even where no place is left; the enrolment.

        Raises Forbidden, NotYourself, NotFound, Invalid without a reason, TariffOwned where they have it or a higher
        one, CourseNotOnSale where no run is open.
        """
        actor.require(Permission.TEACHING)
        reason = _reason(reason)
        async with self._uow() as tx:
            await identity.get_recipient(tx, user_id)
            # As with premium: only a shop's only admin may give themselves something of value.
            if user_id == actor.user_id and await identity.is_another_admin(tx, Permission.TEACHING, {user_id}):
                raise NotYourself("an admin cannot give this to themselves")
            tariff = await grants_repository.find_tariff(tx, tariff_id)
            if tariff is None:
                raise NotFound("no such tariff")
            await granting.lock(tx, tariff.course_id, user_id)
            standings = await grants_repository.list_standings(tx, user_id, [tariff.course_id])
            newest = await grants_repository.list_newest_runs(tx, [tariff.course_id])
            place = buying.place_for(tariff, standings, newest.get(tariff.course_id))
            if isinstance(place, (TariffOwned, CourseNotOnSale)):
                raise place
            fields = (await teaching.get_tariff(tx, tariff_id)).fields
            await places.take_any(tx, tariff.product_id, tariff.variant_id, user_id)
            nothing = Money.zero(fields.price.currency)
            grant_id, enrolment_id = await granting.grant(
                tx, tariff, user_id, place.run_id, GrantSource.GIFT, nothing, by=actor.id
            )
            facts = {"tariff": str(tariff_id), "grant": str(grant_id), "reason": reason}
            await audit.record(tx, actor.user_id, "courses.gift", f"user:{user_id}", facts, person=user_id)
        return enrolment_id

    @retry_conflicts
    async def revoke(self, actor: Actor, grant_id: GrantId, reason: str) -> None:
        """End a grant, for good: what was paid for it counts no more, and only a new one gives access again.

        No money goes back. Raises Forbidden, NotFound, Invalid without a reason.
        """
        actor.require(Permission.TEACHING)
        reason = _reason(reason)
        async with self._uow() as tx:
            grant = await grants_repository.find_grant(tx, grant_id=grant_id)
            if grant is None:
                raise NotFound("no such grant")
            await granting.lock(tx, grant.course_id, grant.user_id)
            await granting.end(tx, grant, EndReason.REVOKED, actor.user_id)
            facts = {"tariff": str(grant.tariff_id), "grant": str(grant_id), "reason": reason}
            person = grant.user_id
            await audit.record(tx, actor.user_id, "courses.revoke", f"user:{person}", facts, person=person)


def people_of(chosen: StudentFilter) -> Select[UUID] | None:
    """All people whom the query of a filter finds, however many; None without one."""
    query = chosen.query.strip()
    return identity.matching_users(query) if query else None


async def rows_of(tx: Tx, stored: Sequence[StoredStudent]) -> list[StudentRow]:
    """Students with their names and how far they are."""
    names = await identity.user_names(tx, {one.user_id for one in stored})
    done = await progress.list_progress(tx, [one.id for one in stored])
    return [
        StudentRow(
            enrolment_id=one.id,
            user_id=one.user_id,
            name=names.get(one.user_id, ""),
            run_number=one.number,
            tariff_id=one.tariff_id,
            enrolled_at=one.enrolled_at,
            paused=one.paused_at is not None,
            progress=done[one.id],
        )
        for one in stored
    ]


def _reason(text: str) -> str:
    reason = fold(text.replace("\0", ""))
    if not 0 < len(reason) <= _MAX_REASON:
        raise Invalid("a reason is needed", fields={"reason": "required" if not reason else "too_long"})
    return reason
