"""Tariffs of courses: more of them, other prices and places, taken off sale."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from backend.courses.domain import teaching
from backend.courses.errors import TariffInUse
from backend.courses.rules import teaching as rules
from backend.courses.types import CourseId, TariffId
from backend.courses.types.teaching import Tariff, TariffFields
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts, sqlstate

_REFERRED_TO = "23503"


class TariffsService:
    """Tariffs for admins with the permission for teaching; prices are in ``currency``."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def list_of(self, actor: Actor, course_id: CourseId) -> list[Tariff]:
        """The tariffs of a course in their order, retired ones too. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await teaching.list_tariffs(tx, [course_id])

    @retry_conflicts
    async def add(self, actor: Actor, course_id: CourseId, code: str, fields: TariffFields) -> TariffId:
        """Add a tariff. Raises Forbidden, Invalid, NotFound, SlugTaken for a code that the course has."""
        actor.require(Permission.TEACHING)
        rules.check_tariff(code, fields, self._currency)
        async with self._uow() as tx:
            await teaching.lock(tx)
            course = await teaching.get_course(tx, course_id)
            tariff_id = await teaching.add_tariff(tx, course, code, fields)
            await audit.record(tx, actor.user_id, "courses.add_tariff", f"course:{course_id}", _facts(code, fields))
        return tariff_id

    @retry_conflicts
    async def change(self, actor: Actor, tariff_id: TariffId, fields: TariffFields) -> None:
        """Change a tariff: what it includes for those who have it too, its price for later buyers.

        Fewer places than people who have it take nobody's away. Raises Forbidden, Invalid, NotFound.
        """
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            tariff = await teaching.get_tariff(tx, tariff_id)
            rules.check_tariff(tariff.code, fields, self._currency)
            await teaching.change_tariff(tx, tariff, fields)
            facts = _facts(tariff.code, fields)
            await audit.record(tx, actor.user_id, "courses.change_tariff", f"course:{tariff.course_id}", facts)

    @retry_conflicts
    async def retire(self, actor: Actor, tariff_id: TariffId) -> None:
        """Take a tariff off sale; who has it keeps it. Raises Forbidden, NotFound."""
        await self._set_retired(actor, tariff_id, retired=True)

    @retry_conflicts
    async def restore(self, actor: Actor, tariff_id: TariffId) -> None:
        """Put a retired tariff on sale again. Raises Forbidden, NotFound."""
        await self._set_retired(actor, tariff_id, retired=False)

    @retry_conflicts
    async def delete(self, actor: Actor, tariff_id: TariffId) -> None:
        """Delete a tariff that nobody has, had or ordered. Raises Forbidden, NotFound, TariffInUse."""
        actor.require(Permission.TEACHING)
        try:
            async with self._uow() as tx:
                await teaching.lock(tx)
                tariff = await teaching.get_tariff(tx, tariff_id)
                await teaching.delete_tariff(tx, tariff)
                facts = {"code": tariff.code}
                await audit.record(tx, actor.user_id, "courses.delete_tariff", f"course:{tariff.course_id}", facts)
        except DBAPIError as error:
            if sqlstate(error) == _REFERRED_TO:
                raise TariffInUse() from error
            raise

    async def _set_retired(self, actor: Actor, tariff_id: TariffId, *, retired: bool) -> None:
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            tariff = await teaching.get_tariff(tx, tariff_id)
            await teaching.set_retired(tx, tariff, retired=retired)
            action = "courses.retire_tariff" if retired else "courses.restore_tariff"
            await audit.record(tx, actor.user_id, action, f"course:{tariff.course_id}", {"code": tariff.code})


def _facts(code: str, fields: TariffFields) -> dict[str, object]:
    return {
        "code": code,
        "price": fields.price.amount,
        "currency": fields.price.currency,
        "rank": fields.rank,
        "places": fields.places,
    }
