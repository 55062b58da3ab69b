"""One import of a course's folder: everything is compared, and in one transaction written, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from backend.catalog.errors import ProductSlugTaken
from backend.courses.domain import progress, schedule, teaching
from backend.courses.repository import courses as repository
from backend.courses.repository.lessons import lock_course
from backend.courses.repository.media import Content
from backend.courses.rules.course_fields import product_fields, schedule_of, tariff_fields, terms_of
from backend.courses.service.import_lessons import LessonsImport
from backend.courses.types import CourseId, CourseState, RunId
from backend.courses.types.authoring import (
    ChangeAction,
    ChangeKind,
    CourseChange,
    CourseDraft,
    FolderProblem,
    FolderProblemCode,
    TariffHead,
)
from backend.courses.types.teaching import CourseRecord, Tariff
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound

_FILE: Final = "course.md"


class CourseImport:
    """Compares a draft with the shop and writes the difference; ``changes`` and ``problems`` say what it did.

    ``contents`` has the names of the draft's media in the storage, by path.
    """

    def __init__(
        self, draft: CourseDraft, contents: Mapping[str, Content], *, currency: str, delete_missing: bool
    ) -> None:
        self.changes: list[CourseChange] = []
        self.problems: list[FolderProblem] = []
        self.course_id: CourseId | None = None
        self.moves_schedule = False
        self.moved = 0
        self._draft = draft
        self._contents = contents
        self._currency = currency
        self._delete_missing = delete_missing

    async def run(self, tx: Tx) -> None:
        """Write what differs; with any problem the caller rolls it back."""
        await teaching.lock(tx)
        course = await self._course(tx)
        if course is None:
            return
        self.course_id = course.id
        await lock_course(tx, course.id)
        await self._tariffs(tx, course)
        lessons = LessonsImport(course.id, self._draft, self._contents, delete_missing=self._delete_missing)
        await lessons.run(tx)
        self.changes += lessons.changes
        self.moves_schedule |= lessons.moves_schedule
        if lessons.settles:
            await progress.settle(tx, course.id)
        if self.moves_schedule:
            self.moved = await schedule.lessons_changed(tx, course.id)
        await self._state(tx, course)

    def _bad(self, field: str, code: FolderProblemCode, value: str = "") -> None:
        self.problems.append(FolderProblem(_FILE, self._draft.lines.get(field, 1), code, field, value))

    def _change(self, kind: ChangeKind, ref: str, action: ChangeAction, *fields: str) -> None:
        self.changes.append(CourseChange(kind, ref, action, fields))

    async def _course(self, tx: Tx) -> CourseRecord | None:
        """The course as it was, or a new one; None where a problem was reported."""
        head = self._draft.head
        stored = await repository.find_course(tx, slug=head.slug)
        before = await teaching.get_course(tx, stored.id) if stored else None
        product = product_fields(self._draft, before.product if before else None)
        clock, terms = schedule_of(head), terms_of(head)
        try:
            if before is None:
                self._change(ChangeKind.COURSE, head.slug, ChangeAction.CREATE)
                course_id = await teaching.add_course(tx, head.slug, product, clock)
                await teaching.set_terms(tx, course_id, terms)
                return await teaching.get_course(tx, course_id)
            changed = _differences(before.product, product) + _differences(before.schedule, clock)
            changed += _differences(before.terms, terms)
            if changed:
                self._change(ChangeKind.COURSE, head.slug, ChangeAction.UPDATE, *changed)
                self.moves_schedule = before.schedule != clock
                await teaching.change_course(tx, before, product, clock)
                await teaching.set_terms(tx, before.id, terms)
            return before
        except NotFound:
            self._bad("category", FolderProblemCode.UNKNOWN_CATEGORY, head.category)
        except ProductSlugTaken:
            self._bad("slug", FolderProblemCode.TAKEN, head.slug)
        return None

    async def _tariffs(self, tx: Tx, course: CourseRecord) -> None:
        before = {item.code: item for item in await teaching.list_tariffs(tx, [course.id])}
        for number, tariff in enumerate(self._draft.head.tariffs, start=1):
            old = before.pop(tariff.code, None)
            fields = tariff_fields(
                number,
                tariff,
                self._draft.words,
                self._currency,
                before=old.fields if old else None,
                run_id=await self._run(tx, course, tariff),
            )
            if old is None:
                self._change(ChangeKind.TARIFF, tariff.code, ChangeAction.CREATE)
                await teaching.add_tariff(tx, course, tariff.code, fields)
                continue
            changed = _differences(old.fields, fields) + (["retired"] if old.retired_at else [])
            if changed:
                self._change(ChangeKind.TARIFF, tariff.code, ChangeAction.UPDATE, *changed)
                await teaching.change_tariff(tx, old, fields)
            if old.retired_at:
                await teaching.set_retired(tx, await teaching.get_tariff(tx, old.id), retired=False)
        for code, old in before.items():
            if old.retired_at is None:
                await self._missing_tariff(tx, code, old)

    async def _missing_tariff(self, tx: Tx, code: str, tariff: Tariff) -> None:
        """A tariff that the folder lacks is taken off sale where that is asked for; nobody loses it."""
        self._change(ChangeKind.TARIFF, code, ChangeAction.DELETE if self._delete_missing else ChangeAction.MISSING)
        if self._delete_missing:
            await teaching.set_retired(tx, tariff, retired=True)

    async def _run(self, tx: Tx, course: CourseRecord, tariff: TariffHead) -> RunId | None:
        """The cohort that starts on the tariff's day, which is opened where there is none."""
        if tariff.starts_on is None:
            return None
        runs = await repository.list_runs(tx, [course.id])
        same = next((run.id for run in runs if run.starts_on == tariff.starts_on), None)
        return same or await repository.add_run(tx, course.id, tariff.starts_on, self._draft.head.timezone)

    async def _state(self, tx: Tx, course: CourseRecord) -> None:
        state = self._draft.head.state
        if course.state is state:
            return
        if not any(change.action is ChangeAction.CREATE for change in self.changes if change.kind is ChangeKind.COURSE):
            self._change(ChangeKind.COURSE, course.slug, ChangeAction.UPDATE, "state")
        await teaching.set_state(tx, await teaching.get_course(tx, course.id), CourseState(state))


def _differences(before: Any, after: Any) -> list[str]:
    """The names of the fields in which two Structs of one type differ."""
    names: tuple[str, ...] = before.__struct_fields__
    return [name for name in names if getattr(before, name) != getattr(after, name)]
