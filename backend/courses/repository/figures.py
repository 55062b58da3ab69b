"""SQL of a course's figures: aggregates, one query a block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from backend.courses.models import CourseGrant, CourseTariff, Enrolment
from backend.courses.models.lessons import Lesson, LessonDelivery, LessonProgress, LessonText
from backend.courses.types import CourseId, GrantSource, LessonId, TariffId
from backend.courses.types.figures import ACTIVE_DAYS, Brought, Chosen, Income, LessonFigures, StudentFigures
from backend.growth.types.attribution import PartnerId
from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money
from backend.kernel.text import Locale

_COUNTED: Final = ("open", "opened", "completed", "submitted")
# Hashed once, not asked for each enrolment.
_LIVE: Final = Enrolment.id.in_(select(CourseGrant.enrolment_id).where(CourseGrant.ended_at.is_(None)))


def matching(course_id: CourseId, chosen: Chosen) -> Select[UUID]:
    """The enrolments that figures are of, as a condition: ``enrolment_id.in_(…)``."""
    return select(Enrolment.id).where(*_where(course_id, chosen))


def _where(course_id: CourseId, chosen: Chosen) -> list[ColumnElement[bool]]:
    where = [Enrolment.course_id == course_id]
    if chosen.run_id is not None:
        where.append(Enrolment.run_id == chosen.run_id)
    if chosen.tariff_id is not None:
        mine, higher, better = aliased(CourseTariff), aliased(CourseTariff), aliased(CourseGrant)
        above = or_(higher.rank > mine.rank, and_(higher.rank == mine.rank, higher.id < mine.id))
        ranked = select(higher.id).join(mine, and_(mine.course_id == higher.course_id, above))
        those = select(better.enrolment_id).where(
            better.ended_at.is_(None), better.tariff_id.in_(ranked.where(mine.id == chosen.tariff_id))
        )
        granted = select(CourseGrant.enrolment_id).where(
            CourseGrant.tariff_id == chosen.tariff_id, CourseGrant.ended_at.is_(None)
        )
        # Two sets of which the planner knows the size; of the highest of each enrolment it does not.
        where += [Enrolment.id.in_(granted), Enrolment.id.not_in(those)]
    return where


async def list_lessons(tx: Tx, course_id: CourseId, chosen: Chosen, locale: Locale) -> list[LessonFigures]:
    """The live lessons in their order, with how many students got how far in each."""
    title = (
        select(LessonText.title)
        .where(LessonText.lesson_id == Lesson.id)
        .order_by((LessonText.locale == locale.value).desc(), (LessonText.locale == "en").desc(), LessonText.locale)
        .limit(1)
        .scalar_subquery()
    )
    live = (
        select(Lesson.id, Lesson.slug, func.coalesce(title, Lesson.slug).label("title"), Lesson.has_assignment)
        .where(Lesson.course_id == course_id, Lesson.deleted_at.is_(None))
        .order_by(Lesson.position)
    )
    lessons = (await tx.execute(live)).all()
    counts = await _count_by_lesson(tx, [row.id for row in lessons], course_id, chosen)
    return [
        LessonFigures(
            lesson_id=LessonId(row.id), slug=row.slug, title=row.title, number=number, asks=row.has_assignment,
            **{name: counts[row.id, name] for name in _COUNTED},
        )
        for number, row in enumerate(lessons, start=1)
    ]  # fmt: skip


async def _count_by_lesson(
    tx: Tx, lessons: Sequence[UUID], course_id: CourseId, chosen: Chosen
) -> Counter[tuple[UUID, str]]:
    """One pass over what is open and one over what was done; ids in an array let the planner know how much that is."""
    ids = any_(bindparam("lessons", type_=ARRAY(Uuid())))
    of = None if chosen == Chosen() else matching(course_id, chosen).cte("chosen")
    nothing = literal(0)
    parts = []
    for model, columns in (
        (LessonDelivery, (func.count(), nothing, nothing, nothing)),
        (
            LessonProgress,
            (nothing, func.count(), func.count(LessonProgress.completed_at), func.count(LessonProgress.submitted_at)),
        ),
    ):
        named = (column.label(name) for name, column in zip(_COUNTED, columns, strict=True))
        part = select(model.lesson_id, *named).where(model.lesson_id == ids)
        if of is not None:
            part = part.where(model.enrolment_id.in_(select(of.c.id)))
        parts.append(part.group_by(model.lesson_id))
    counts: Counter[tuple[UUID, str]] = Counter()
    for row in (await tx.execute(union_all(*parts), {"lessons": lessons})).mappings():
        for name in _COUNTED:
            counts[row["lesson_id"], name] += row[name]
    return counts


async def count_students(tx: Tx, course_id: CourseId, chosen: Chosen) -> StudentFigures:
    """How the students stand."""
    since = tx.now - timedelta(days=ACTIVE_DAYS)
    state = case(
        (Enrolment.completed_at.is_not(None), "completed"),
        (~_LIVE, "ended"),
        (Enrolment.paused_at.is_not(None), "paused"),
        (func.coalesce(Enrolment.active_at, Enrolment.enrolled_at) >= since, "active"),
        else_="quiet",
    )
    counted = select(state.label("state")).where(*_where(course_id, chosen)).subquery()
    rows = await tx.execute(select(counted.c.state, func.count().label("count")).group_by(counted.c.state))
    counts: dict[str, int] = dict.fromkeys(("completed", "active", "quiet", "paused", "ended"), 0)
    counts |= {row.state: row.count for row in rows}
    return StudentFigures(enrolled=sum(counts.values()), **counts)


async def list_income(tx: Tx, course_id: CourseId, chosen: Chosen) -> list[Income]:
    """What each tariff was sold for; of a run, what was sold into it."""
    gift = CourseGrant.source == GrantSource.GIFT
    statement = (
        select(
            CourseGrant.tariff_id, CourseGrant.currency, func.count().filter(~gift).label("sold"),
            func.count().filter(gift).label("given"), func.sum(CourseGrant.paid_amount).label("amount"),
        )
        .join(CourseTariff, CourseTariff.id == CourseGrant.tariff_id)
        .join(Enrolment, Enrolment.id == CourseGrant.enrolment_id)
        .where(CourseTariff.course_id == course_id, *_sold(chosen))
        .group_by(CourseGrant.tariff_id, CourseTariff.position, CourseTariff.rank, CourseGrant.currency)
        .order_by(CourseTariff.position, CourseTariff.rank, CourseGrant.tariff_id, CourseGrant.currency)
    )  # fmt: skip
    return [
        Income(
            tariff_id=TariffId(row.tariff_id), sold=row.sold, given=row.given,
            amount=Money(int(row.amount), row.currency),
        )
        for row in await tx.execute(statement)
    ]  # fmt: skip


def _sold(chosen: Chosen) -> list[ColumnElement[bool]]:
    run = [] if chosen.run_id is None else [Enrolment.run_id == chosen.run_id]
    return run if chosen.tariff_id is None else [*run, CourseGrant.tariff_id == chosen.tariff_id]


async def list_brought(
    tx: Tx, course_id: CourseId, chosen: Chosen, people: Select[UUID, UUID, datetime]
) -> list[Brought]:
    """What each partner brought; ``people`` selects user_id, partner_id and seen_at."""
    who = people.subquery()
    joined = and_(Enrolment.user_id == who.c.user_id, Enrolment.enrolled_at >= who.c.seen_at)
    partner, currency = who.c.partner_id, CourseGrant.currency
    statement = (
        select(
            partner, currency, func.count(func.distinct(Enrolment.id)).label("enrolments"),
            func.sum(CourseGrant.paid_amount).label("amount"),
        )
        .select_from(who)
        .join(Enrolment, joined)
        .join(CourseGrant, CourseGrant.enrolment_id == Enrolment.id)
        .where(Enrolment.course_id == course_id, *_sold(chosen))
        .group_by(func.grouping_sets(tuple_(partner), tuple_(partner, currency)))
        .order_by(partner, currency)
    )  # fmt: skip
    counts: dict[PartnerId, int] = {}
    amounts: dict[PartnerId, list[Money]] = {}
    for row in await tx.execute(statement):
        if row.currency is None:
            counts[PartnerId(row.partner_id)] = row.enrolments
        else:
            amounts.setdefault(PartnerId(row.partner_id), []).append(Money(int(row.amount), row.currency))
    brought = [Brought(partner_id=id_, enrolments=count, amounts=tuple(amounts[id_])) for id_, count in counts.items()]
    return sorted(brought, key=lambda one: (-one.enrolments, one.partner_id))
