"""Courses: made, edited, put on sale."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from backend.catalog.types.goods import ProductFields
from backend.courses.domain import schedule as planning
from backend.courses.domain import teaching
from backend.courses.rules import teaching as rules
from backend.courses.types import CourseId, CourseState
from backend.courses.types.teaching import CourseRecord, Schedule, TariffFields
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.money import Money


class _DryRun(Exception):
    """Rolls a change back after it has been counted."""


class CoursesService:
    """Courses for admins with the permission for teaching; prices are in ``currency``."""

    def __init__(self, *, uow: UnitOfWork, currency: str) -> None:
        self._uow = uow
        self._currency = currency

    async def list_all(self, actor: Actor) -> list[CourseRecord]:
        """Every course, the oldest first. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await teaching.list_courses(tx)

    async def get(self, actor: Actor, course_id: CourseId) -> CourseRecord:
        """A course. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await teaching.get_course(tx, course_id)

    async def find(self, actor: Actor, slug: str) -> CourseRecord:
        """A course by its slug. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await teaching.find_course(tx, slug)

    @staticmethod
    def default_tariffs(prices: Mapping[str, Money]) -> dict[str, TariffFields]:
        """The usual tariffs basic, feedback and premium, by code, at these prices; others of the prices are ignored."""
        return rules.default_tariffs(prices)

    @retry_conflicts
    async def create(
        self,
        actor: Actor,
        slug: str,
        product: ProductFields,
        schedule: Schedule,
        tariffs: Mapping[str, TariffFields],
    ) -> CourseId:
        """Make a draft with these tariffs, by code.

        Raises Forbidden, Invalid, SlugTaken, ProductSlugTaken, NotFound for the category.
        """
        actor.require(Permission.TEACHING)
        rules.check_slug(slug)
        self._check(product, schedule)
        for code, fields in tariffs.items():
            rules.check_tariff(code, fields, self._currency)
        async with self._uow() as tx:
            await teaching.lock(tx)
            course_id = await teaching.add_course(tx, slug, product, schedule)
            course = await teaching.get_course(tx, course_id)
            for code, fields in tariffs.items():
                await teaching.add_tariff(tx, course, code, fields)
            await audit.record(tx, actor.user_id, "courses.create", f"course:{course_id}", {"slug": slug})
        return course_id

    @retry_conflicts
    async def edit(
        self, actor: Actor, course_id: CourseId, product: ProductFields, schedule: Schedule, *, dry_run: bool = False
    ) -> int:
        """Change a course's texts, look and schedule; how many students' next lesson comes at another time by it.

        A dry run does it all and takes it back. Raises Forbidden, Invalid, NotFound.
        """
        actor.require(Permission.TEACHING)
        self._check(product, schedule)
        moved = 0
        with contextlib.suppress(_DryRun):
            async with self._uow() as tx:
                await teaching.lock(tx)
                course = await teaching.get_course(tx, course_id)
                await teaching.change_course(tx, course, product, schedule)
                if schedule != course.schedule:
                    moved = await planning.lessons_changed(tx, course_id)
                await audit.record(tx, actor.user_id, "courses.edit", f"course:{course_id}", {"slug": course.slug})
                if dry_run:
                    raise _DryRun
        return moved

    @retry_conflicts
    async def publish(self, actor: Actor, course_id: CourseId) -> None:
        """Put a course on sale. Raises Forbidden, NotFound, Invalid where it has no tariff to sell."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            course = await teaching.get_course(tx, course_id)
            if all(one.retired_at is not None for one in await teaching.list_tariffs(tx, [course_id])):
                raise Invalid("nothing to sell", fields={"tariffs": "required"})
            await teaching.set_state(tx, course, CourseState.PUBLISHED)
            await audit.record(tx, actor.user_id, "courses.publish", f"course:{course_id}", {"slug": course.slug})

    @retry_conflicts
    async def unpublish(self, actor: Actor, course_id: CourseId) -> None:
        """Take a course off sale; who has it keeps it. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await teaching.lock(tx)
            course = await teaching.get_course(tx, course_id)
            await teaching.set_state(tx, course, CourseState.DRAFT)
            await audit.record(tx, actor.user_id, "courses.unpublish", f"course:{course_id}", {"slug": course.slug})

    @staticmethod
    def _check(product: ProductFields, schedule: Schedule) -> None:
        if not product.name.get("en", "").strip():
            raise Invalid("no title", fields={"name": "required"})
        rules.check_schedule(schedule)
