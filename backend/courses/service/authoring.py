"""Courses as folders: imported, and exported again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from backend.courses.domain import teaching
from backend.courses.repository import courses, lessons, media, quizzes
from backend.courses.repository.lessons import StoredText
from backend.courses.repository.media import Content
from backend.courses.rules.folder import Folder
from backend.courses.rules.folder_writer import write_folder
from backend.courses.service import folder_files, shown_files
from backend.courses.service.import_course import CourseImport
from backend.courses.types import RunId
from backend.courses.types.authoring import (
    CourseDraft,
    CourseHead,
    CourseReport,
    CourseWords,
    LessonDraft,
    LessonTextDraft,
    MediaDraft,
    TariffHead,
    TariffWords,
    TimeOfDay,
)
from backend.courses.types.teaching import CourseRecord, Run, Tariff
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.text import Locale

_UNUSED_FOR: Final = timedelta(days=1)
"""Contents without a row stay so long: somebody may be about to name them."""


class _NotApplied(Exception):
    """Rolls the transaction back: a dry run, or a problem."""


class AuthoringService:
    """Imports and exports folders. ``files`` has the contents of media, of at most ``largest`` bytes each."""

    def __init__(self, *, uow: UnitOfWork, files: ContentFiles, currency: str, largest: int) -> None:
        self._uow = uow
        self._files = files
        self._currency = currency
        self._largest = largest

    async def import_folder(
        self,
        actor: Actor,
        folder: Path,
        *,
        apply: bool,
        delete_missing: bool = False,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> CourseReport:
        """Create or change the course of a folder; all of it, or nothing where anything is wrong.

        Without ``apply`` nothing is written, and the report says what would change. With ``delete_missing`` lessons,
        tariffs and files that the folder lacks are deleted. ``progress`` is called with the bytes of media that are
        read, and all there are. Raises Forbidden, NotACourseFolder, OSError.
        """
        actor.require(Permission.TEACHING)
        scanned = await asyncio.to_thread(folder_files.scan, folder, self._largest)
        reader = Folder(scanned.texts, scanned.media, self._currency)
        draft = await asyncio.to_thread(reader.read)
        problems = sorted([*scanned.problems, *reader.problems], key=lambda item: (item.file, item.line))
        if problems or draft is None:
            return CourseReport(applied=False, course_id=None, changes=(), problems=tuple(problems))
        contents = await self._contents(draft.media, progress, keep=apply)
        job = CourseImport(draft, contents, currency=self._currency, delete_missing=delete_missing)
        applied = await self._run(actor, job, folder.name, apply=apply)
        if applied:
            await self._delete_unused()
        return CourseReport(
            applied=applied,
            course_id=job.course_id if applied else None,
            changes=tuple(job.changes),
            problems=tuple(job.problems),
            moves_schedule=job.moves_schedule,
            moved=job.moved,
        )

    async def _run(self, actor: Actor, job: CourseImport, source: str, *, apply: bool) -> bool:
        try:
            async with self._uow() as tx:
                await job.run(tx)
                if not apply or job.problems:
                    raise _NotApplied
                if job.changes:
                    details = {"changes": len(job.changes), "folder": source}
                    await audit.record(tx, actor.user_id, "courses.import", f"course:{job.course_id}", details)
        except _NotApplied:
            return False
        return True

    async def _contents(
        self, drafts: Mapping[str, MediaDraft], progress: Callable[[int, int], None], *, keep: bool
    ) -> dict[str, Content]:
        """The names of media in the storage; without ``keep`` those that they would have."""
        contents: dict[str, Content] = {}
        done, everything = 0, sum(item.size for item in drafts.values())
        for path, item in drafts.items():
            with item.source.open("rb") as source:
                contents[path] = (
                    await shown_files.put(self._files, source, item.kind, item.mime, item.size)
                    if keep
                    else Content(await self._files.name_of(source))
                )
            done += item.size
            progress(done, everything)
        return contents

    async def _delete_unused(self) -> None:
        async with self._uow.read() as tx:
            used = await media.list_contents(tx)
            before = tx.now - _UNUSED_FOR
        await self._files.delete_others(used, before)

    async def export_folder(self, actor: Actor, slug: str, folder: Path) -> int:
        """Write a course into an empty folder, or over an older export of it; how many files.

        Raises Forbidden, NotFound, NotACourseFolder, OSError.
        """
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            course = await teaching.find_course(tx, slug)
            draft = await self._draft(tx, course)
            stored = await media.list_files(tx, course.id)
        texts = write_folder(draft)
        await asyncio.to_thread(folder_files.write_texts, folder, slug, texts)
        for path, item in stored.items():
            await self._files.copy(item.content.stored, folder / path)
        return len(texts) + len(stored)

    async def _draft(self, tx: Tx, course: CourseRecord) -> CourseDraft:
        tariffs = [item for item in await teaching.list_tariffs(tx, [course.id]) if item.retired_at is None]
        runs = {run.id: run for run in await courses.list_runs(tx, [course.id])}
        return CourseDraft(
            head=_head(course, tariffs, runs),
            lines={},
            words={locale: _words(course, tariffs, locale) for locale in Locale if _is_translated(course, locale)},
            descriptions={Locale(locale): text for locale, text in course.product.description.items()},
            lessons=tuple(await _lessons(tx, course)),
            media={},
        )


async def _lessons(tx: Tx, course: CourseRecord) -> list[LessonDraft]:
    stored = await lessons.list_stored(tx, course.id)
    texts = await lessons.list_texts(tx, [item.id for item in stored])
    asked = await quizzes.list_current(tx, [item.id for item in stored])
    return [
        LessonDraft(
            slug=item.slug,
            number=number,
            minutes=item.minutes,
            required=item.required,
            publish_at=item.publish_at,
            assignment_required=item.assignment_required,
            texts={locale: _text(text) for locale, text in texts[item.id].items()},
            quiz=asked[item.id].quiz if item.id in asked else None,
        )
        for number, item in enumerate(stored, start=1)
    ]


def _text(text: StoredText) -> LessonTextDraft:
    return LessonTextDraft(text.title, text.body, assignment=text.assignment)


def _is_translated(course: CourseRecord, locale: Locale) -> bool:
    return locale is not Locale.EN and locale.value in course.product.name


def _words(course: CourseRecord, tariffs: list[Tariff], locale: Locale) -> CourseWords:
    named = [item for item in tariffs if locale.value in item.fields.name]
    return CourseWords(
        title=course.product.name[locale.value],
        summary=course.product.summary.get(locale.value, ""),
        tariffs=tuple(
            TariffWords(
                code=item.code, name=item.fields.name[locale.value], note=item.fields.note.get(locale.value, "")
            )
            for item in named
        ),
    )


def _head(course: CourseRecord, tariffs: list[Tariff], runs: Mapping[RunId, Run]) -> CourseHead:
    product, schedule = course.product, course.schedule
    return CourseHead(
        title=product.name.get("en", ""),
        summary=product.summary.get("en", ""),
        slug=course.slug,
        category=product.category,
        icon=product.icon,
        hue=product.hue,
        currency=tariffs[0].fields.price.currency if tariffs else "",
        state=course.state,
        mode=schedule.mode,
        hour=TimeOfDay(schedule.local_minute),
        interval_days=schedule.interval_days,
        student_from=None if schedule.student_from is None else TimeOfDay(schedule.student_from),
        student_to=None if schedule.student_to is None else TimeOfDay(schedule.student_to),
        late_rule=schedule.late_rule,
        timezone=schedule.timezone,
        digest_after_days=schedule.digest_after_days,
        new_lessons_after_completion=schedule.new_lessons_after_completion,
        remind_days=schedule.remind_days,
        study_hours=course.terms.study_hours,
        certificate_per_run=course.terms.certificate_per_run,
        tariffs=tuple(_tariff(item, runs) for item in tariffs),
    )


def _tariff(tariff: Tariff, runs: Mapping[RunId, Run]) -> TariffHead:
    fields = tariff.fields
    return TariffHead(
        code=tariff.code,
        name=fields.name.get("en", ""),
        note=fields.note.get("en", ""),
        price=str(fields.price.decimal()),
        feedback_hours=fields.feedback_hours,
        groups=fields.groups,
        certificate=fields.certificate,
        places=fields.places,
        starts_on=None if fields.run_id is None else runs[fields.run_id].starts_on,
    )
