"""Courses as people see and take them: what they have, what a tariff would cost them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.catalog.domain import goods, places
from backend.catalog.errors import PurchaseRefused
from backend.courses.domain import access, progress, teaching
from backend.courses.repository import courses as courses_repository
from backend.courses.repository import grants as grants_repository
from backend.courses.repository import taking as repository
from backend.courses.rules import buying
from backend.courses.types import CourseState, RunId
from backend.courses.types.learning import CourseView, MyCourse, OfferedCourse, OfferedTariff
from backend.courses.types.teaching import CourseRecord, Run, TariffFields
from backend.identity.types import Actor, Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import UserId
from backend.kernel.money import Money


async def list_mine(tx: Tx, user_id: UserId) -> list[MyCourse]:
    """The courses of a person, one row each: those with access first, then the latest first."""
    stored = await repository.list_mine(tx, user_id)
    firsts = list({one.course_id: one for one in reversed(stored)}.values())
    firsts.sort(key=stored.index)
    products = await goods.list_products(tx, [one.product_id for one in firsts])
    plans = {one.id: one.fields for one in await teaching.list_tariffs(tx, [one.course_id for one in firsts])}
    runs = _by_id(await courses_repository.list_runs(tx, [one.course_id for one in firsts]))
    done = await progress.list_progress(tx, [one.enrolment_id for one in firsts])
    return [
        MyCourse(
            course_id=one.course_id,
            slug=one.slug,
            product=products[one.product_id].fields,
            enrolment_id=one.enrolment_id,
            tariff_id=one.tariff_id,
            plan=plans[one.tariff_id] if one.tariff_id is not None else None,
            run=runs[one.run_id],
            progress=done[one.enrolment_id],
            paused_at=one.paused_at,
            next_due_at=one.next_due_at,
            local_minute=one.local_minute,
            reminders_off=one.reminders_off,
        )
        for one in firsts
    ]


async def is_shown(tx: Tx, actor: Actor, slug: str) -> bool:
    """Whether there is a course of this slug that the actor may see: on sale, taught or taken by them."""
    course = await courses_repository.find_course(tx, slug=slug)
    if course is None:
        return False
    if course.state is CourseState.PUBLISHED or actor.may(Permission.TEACHING):
        return True
    return any(one.course_id == course.id for one in await repository.list_mine(tx, actor.id))


async def view(tx: Tx, actor: Actor, slug: str, as_day: int | None) -> CourseView:
    """A course's page. Raises NotFound, also for a draft that the actor neither takes nor teaches."""
    course = await teaching.find_course(tx, slug)
    mine = next((one for one in await list_mine(tx, actor.id) if one.course_id == course.id), None)
    if course.state is CourseState.DRAFT and mine is None and not actor.may(Permission.TEACHING):
        raise NotFound("a draft")
    return CourseView(
        course_id=course.id,
        slug=course.slug,
        product=course.product,
        state=course.state,
        schedule=course.schedule,
        students=course.students,
        mine=mine,
        tariffs=tuple(await _offers(tx, actor, course)),
        lessons=tuple(await access.list_lessons(tx, actor, course.id, as_day)),
    )


async def _offers(tx: Tx, actor: Actor, course: CourseRecord) -> list[OfferedTariff]:
    """The tariffs on sale, as the fulfiller would sell them to this person now."""
    tariffs = await teaching.list_tariffs(tx, [course.id])
    sold = await grants_repository.list_tariffs(tx, [one.variant_id for one in tariffs])
    runs = _by_id(await courses_repository.list_runs(tx, [course.id]))
    standings = await grants_repository.list_standings(tx, actor.id, [course.id])
    newest = (await grants_repository.list_newest_runs(tx, [course.id])).get(course.id)
    left = await places.list_left(tx, [one.variant_id for one in tariffs], actor.id)
    offers = []
    for one in tariffs:
        if not sold[one.variant_id].on_sale:
            continue
        place = buying.place_for(sold[one.variant_id], standings, newest)
        refusal = place.code if isinstance(place, PurchaseRefused) else None
        before, upgrade = (None, False) if isinstance(place, PurchaseRefused) else (place.paid_before, place.upgrade)
        price = _price(one.fields, actor)
        offers.append(
            OfferedTariff(
                tariff=one,
                run=runs[one.fields.run_id] if one.fields.run_id is not None else None,
                left=left[one.variant_id],
                price=price,
                counted=min(before, price) if before is not None else Money.zero(price.currency),
                upgrade=upgrade,
                refusal=refusal,
            )
        )
    return offers


async def list_offered(tx: Tx, actor: Actor) -> list[OfferedCourse]:
    """The published courses that have a tariff on sale, the newest first."""
    courses = await repository.list_published(tx)
    products = await goods.list_products(tx, [one.product_id for one in courses])
    tariffs = await teaching.list_tariffs(tx, [one.course_id for one in courses])
    offered = []
    for one in courses:
        prices = [
            _price(tariff.fields, actor)
            for tariff in tariffs
            if tariff.course_id == one.course_id and tariff.retired_at is None
        ]
        if prices:
            offered.append(
                OfferedCourse(
                    course_id=one.course_id,
                    slug=one.slug,
                    product=products[one.product_id].fields,
                    price=min(prices),
                    prices_differ=min(prices) != max(prices),
                    lessons=one.lessons,
                    minutes=one.minutes,
                    began=one.began,
                )
            )
    return offered


def _price(tariff: TariffFields, actor: Actor) -> Money:
    reseller = tariff.reseller_price if actor.is_reseller else None
    return tariff.price if reseller is None else reseller


def _by_id(runs: Sequence[Run]) -> Mapping[RunId, Run]:
    return {run.id: run for run in runs}
