"""When lessons come: what students choose for themselves, and what teachers change for one, many or all."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from backend.courses.domain import changing
from backend.courses.domain import schedule as domain
from backend.courses.domain.changing import Note
from backend.courses.errors import HourNotAllowed
from backend.courses.repository import deliveries
from backend.courses.repository import schedule as repository
from backend.courses.rules import planning
from backend.courses.rules.schedule import in_window, zones_version
from backend.courses.types import CourseId, DeliveryState, EnrolmentId, LessonId, RunId, TariffId
from backend.courses.types.schedule import (
    CalendarDay,
    Change,
    Delivery,
    Enrolled,
    LessonSlot,
    Outcome,
    PastChange,
    Undone,
    Verb,
)
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.ids import UserId

_ACTION: Final = "courses.change_schedule"
_UNDONE: Final = "courses.undo_schedule"
_LISTED: Final = "courses.schedule_changed"
"""The same as ``_ACTION`` without its rows, which may be many, among what was done to the course."""
_HISTORY: Final = 30
_PAGE: Final = 50
_MOST_MINUTES: Final = 366 * 1440
_CONFLICT_FREE: Final = 500
"""Students whose schedules ``replan`` locks at a time."""


class _DryRun(Exception):
    """Rolls a change back after it has been counted."""


class ScheduleService:
    """Schedules. Students see and change their own; everything else needs the permission for teaching."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    # Students

    async def calendar(self, actor: Actor, enrolment_id: EnrolmentId) -> list[CalendarDay]:
        """The live lessons in their order: since when each is open, or when it will come. Raises NotFound."""
        async with self._uow.read() as tx:
            student, lessons = await _own(tx, actor, enrolment_id, lock=False)
            opened = {row.lesson_id: row.due_at for row in await deliveries.list_open(tx, enrolment_id)}
            days = dict(planning.calendar(student, lessons, tx.now))
        return [
            CalendarDay(lesson.id, opened.get(lesson.id) or days.get(lesson.id), lesson.id in opened)
            for lesson in lessons
        ]

    @retry_conflicts
    async def move_hour(self, actor: Actor, enrolment_id: EnrolmentId, minute: int | None) -> None:
        """Have the actor's lessons come at a minute of their day; None for the course's.

        Raises NotFound, HourNotAllowed outside of the course's window and in a cohort, which has one hour.
        """
        async with self._uow() as tx:
            student, lessons = await _own(tx, actor, enrolment_id, lock=True)
            start = student.started_at
            together = start is not None and planning.plan_of(student, start).starts_on is not None
            allowed = in_window(minute, student.student_from, student.student_to) if minute is not None else True
            if together or not allowed:
                raise HourNotAllowed(f"minute {minute}")
            await repository.set_hour(tx, enrolment_id, minute)
            moved = msgspec.structs.replace(student, local_minute=minute)
            await repository.save(tx, [(enrolment_id, planning.again(moved, lessons, tx.now))])

    @retry_conflicts
    async def pause(self, actor: Actor, enrolment_id: EnrolmentId) -> None:
        """Send the actor nothing more of a course until they resume. Raises NotFound."""
        await self._change_own(actor, enrolment_id, Change(verb=Verb.PAUSE))

    @retry_conflicts
    async def resume(self, actor: Actor, enrolment_id: EnrolmentId) -> None:
        """Go on where the actor paused: what was due meanwhile comes from today on, one a day. Raises NotFound."""
        await self._change_own(actor, enrolment_id, Change(verb=Verb.RESUME))

    async def _change_own(self, actor: Actor, enrolment_id: EnrolmentId, change: Change) -> None:
        async with self._uow() as tx:
            await _own(tx, actor, enrolment_id, lock=True)
            await changing.apply(tx, [enrolment_id], change)

    # Teachers

    @retry_conflicts
    async def change(
        self, actor: Actor, course_id: CourseId, change: Change, students: Sequence[EnrolmentId] | None = None,
        *, run_id: RunId | None = None, tariff_id: TariffId | None = None, dry_run: bool = False,
    ) -> Outcome:  # fmt: skip
        """Change the schedules of these students of a course, or of all with access (of one run, with one tariff).

        One entry of the audit trail lists what was, for ``undo``. A dry run does it all and takes it back. Raises
        Forbidden, Invalid for a shift of more than a year.
        """
        actor.require(Permission.TEACHING)
        if abs(change.minutes) > _MOST_MINUTES:
            raise Invalid("a shift of more than a year", fields={"minutes": "out_of_range"})
        try:
            async with self._uow() as tx:
                known = await repository.list_of_course(tx, course_id, run_id, tariff_id)
                chosen = set(students) if students is not None else None
                ids = [id_ for id_ in known if chosen is None or id_ in chosen]
                outcome, notes = await changing.apply(tx, ids, change)
                if dry_run:
                    raise _DryRun
                if notes:
                    outcome = msgspec.structs.replace(outcome, undo=tx.new_id())
                    await _note(tx, actor, course_id, change, outcome, notes)
        except _DryRun:
            pass
        return outcome

    async def list_changes(self, actor: Actor, course_id: CourseId) -> list[PastChange]:
        """The last 30 changes of a course's schedules by teachers, the latest first. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            entries = await audit.list_entries(tx, _LISTED, subject=f"course:{course_id}", limit=_HISTORY)
            outcomes = [msgspec.convert(entry.params["outcome"], Outcome, strict=False) for entry in entries]
            subjects = [changing.subject(one.undo) for one in outcomes if one.undo]
            undone = await audit.list_subjects(tx, _UNDONE, subjects)
        return [
            PastChange(
                id=one.undo,
                at=entry.at,
                by=entry.actor_id,
                change=msgspec.convert(entry.params["change"], Change),
                outcome=one,
                undone=changing.subject(one.undo) in undone,
            )
            for entry, one in zip(entries, outcomes, strict=True)
            if one.undo
        ]

    @retry_conflicts
    async def undo(self, actor: Actor, course_id: CourseId, undo_id: UUID, *, dry_run: bool = False) -> Undone:
        """Take a change back, once: each schedule becomes what it was, unless it has changed since.

        A dry run does it all and takes it back. Raises Forbidden, NotFound for a change that the course does not have,
        Invalid for one that was taken back.
        """
        actor.require(Permission.TEACHING)
        subject = changing.subject(undo_id)
        with contextlib.suppress(_DryRun):
            async with self._uow() as tx:
                entries = await audit.list_entries(tx, _ACTION, subject=subject, limit=1)
                if not entries or entries[0].params["course"] != str(course_id):
                    raise NotFound("no such change")
                if await audit.list_entries(tx, _UNDONE, subject=subject, limit=1):
                    raise Invalid("undone already", fields={"undo": "already_undone"})
                undone = await changing.undo(tx, changing.from_json(entries[0].params["rows"]))
                if dry_run:
                    raise _DryRun
                facts = {"restored": undone.restored, "left": undone.left}
                await audit.record(tx, actor.user_id, _UNDONE, subject, facts)
        return undone

    async def list_deliveries(
        self, actor: Actor, *, course_id: CourseId | None = None, enrolment_id: EnrolmentId | None = None,
        lesson_id: LessonId | None = None, state: DeliveryState | None = None, page: int = 0,
    ) -> list[Delivery]:  # fmt: skip
        """A page (from 0) of 50 deliveries of a course, a student or a lesson, the latest due first.

        Raises Forbidden.
        """
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return await deliveries.list_deliveries(
                tx, locale=actor.language, course_id=course_id, enrolment_id=enrolment_id, lesson_id=lesson_id,
                state=state, skip=page * _PAGE, most=_PAGE,
            )  # fmt: skip

    async def send_again(self, actor: Actor, enrolment_id: EnrolmentId, lesson_id: LessonId) -> None:
        """Send the message of an open lesson once more. Raises Forbidden, NotFound where it is not open."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            if not await deliveries.send_again(tx, enrolment_id, lesson_id):
                raise NotFound("no such delivery, or it is being sent")
            facts = {"lesson": str(lesson_id)}
            await audit.record(tx, actor.user_id, "courses.send_again", f"enrolment:{enrolment_id}", facts)

    # The shop itself

    async def replan(self, *, dry_run: bool) -> Outcome:
        """Compute again what another version of the time zones' data gave, after an upgrade of it."""
        async with self._uow.read() as tx:
            ids = await repository.list_by_other_zones(tx, zones_version())
        total = Outcome(students=0, changed=0, moved={})
        for begin in range(0, len(ids), _CONFLICT_FREE):
            outcome = await self._replan(ids[begin : begin + _CONFLICT_FREE], dry_run=dry_run)
            moved = {key: total.moved.get(key, 0) + outcome.moved.get(key, 0) for key in {*total.moved, *outcome.moved}}
            students, changed = total.students + outcome.students, total.changed + sum(outcome.moved.values())
            total = Outcome(students=students, changed=changed, moved=moved)
        return total

    @retry_conflicts
    async def _replan(self, ids: Sequence[EnrolmentId], *, dry_run: bool) -> Outcome:
        try:
            async with self._uow() as tx:
                outcome, _ = await changing.apply(tx, ids, Change(verb=Verb.REPLAN))
                if dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        return outcome

    @retry_conflicts
    async def bot_unblocked(self, user_id: UserId) -> None:
        """Tell somebody who has unblocked the bot of the lessons that came meanwhile."""
        async with self._uow() as tx:
            await domain.bot_unblocked(tx, user_id)

    @retry_conflicts
    async def zone_changed(self, user_id: UserId) -> None:
        """Plan somebody's lessons by the time zone that they have chosen."""
        async with self._uow() as tx:
            await domain.zone_changed(tx, user_id)


async def _own(tx: Tx, actor: Actor, enrolment_id: EnrolmentId, *, lock: bool) -> tuple[Enrolled, Sequence[LessonSlot]]:
    """The actor's enrolment, or a teacher's student, with the course's lessons. Raises NotFound."""
    students = await domain.load(tx, [enrolment_id], lock=lock)
    if not students or not (students[0][0].user_id == actor.user_id or actor.may(Permission.TEACHING)):
        raise NotFound("no such enrolment")
    return students[0]


async def _note(
    tx: Tx, actor: Actor, course_id: CourseId, change: Change, outcome: Outcome, notes: Sequence[Note]
) -> None:
    """Note a change for ``undo``, and for the history of its course."""
    if outcome.undo is None:
        return
    what = msgspec.to_builtins(change)
    facts = {"course": str(course_id), **what, "rows": changing.to_json(notes)}
    await audit.record(tx, actor.user_id, _ACTION, changing.subject(outcome.undo), facts)
    shown = {"change": what, "outcome": msgspec.to_builtins(outcome, str_keys=True)}
    await audit.record(tx, actor.user_id, _LISTED, f"course:{course_id}", shown)
