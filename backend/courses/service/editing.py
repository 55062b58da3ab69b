"""Lessons written in the panel: texts, order, files, and a preview."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from backend.courses.domain import progress, schedule
from backend.courses.errors import FileInUse, LessonEdited, SlugTaken
from backend.courses.repository import lessons, media
from backend.courses.repository.lessons import StoredLesson, StoredText
from backend.courses.rules import page
from backend.courses.rules.editing import check_lesson, clean_assignment, clean_title
from backend.courses.rules.markdown import clean_text, paths_in, problems_of
from backend.courses.rules.media import look_at, name_fits, usual_ending
from backend.courses.service import shown_files
from backend.courses.types import CourseId, LessonId, MediaId
from backend.courses.types.editing import EditedLesson, EditedText, LessonFields, Preview
from backend.courses.types.lessons import MediaFile
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.content_files import ContentFiles
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.text import Locale

_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME: Final = 60


class _DryRun(Exception):
    """Rolls the transaction back: somebody only asked what would change."""


class EditingService:
    """Lessons for admins with the permission for teaching. A change of a text moves nobody's schedule."""

    def __init__(self, *, uow: UnitOfWork, files: ContentFiles) -> None:
        self._uow = uow
        self._files = files

    async def list_lessons(self, actor: Actor, course_id: CourseId) -> list[EditedLesson]:
        """The lessons of a course with all their texts, in their order. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await lessons.list_stored(tx, course_id)
            texts = await lessons.list_texts(tx, [item.id for item in stored])
        return [_edited(item, texts[item.id]) for item in stored]

    async def get(self, actor: Actor, lesson_id: LessonId) -> EditedLesson:
        """A lesson with all its texts. Raises Forbidden, NotFound."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            stored = await lessons.find_stored(tx, lesson_id)
            return _edited(stored, (await lessons.list_texts(tx, [lesson_id]))[lesson_id])

    async def preview(self, actor: Actor, course_id: CourseId, body: str) -> Preview:
        """A text as the page would show it, with what is wrong with it. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            files = {path: item.file for path, item in (await media.list_files(tx, course_id)).items()}
        problems = problems_of(body, {path: file.kind for path, file in files.items()})
        return Preview(page.render_page(body, files), tuple(problems))

    @retry_conflicts
    async def add(self, actor: Actor, course_id: CourseId, fields: LessonFields) -> LessonId:
        """Add a lesson after the others. Raises Forbidden, Invalid, NotFound, SlugTaken."""
        actor.require(Permission.TEACHING)
        check_lesson(fields)
        async with self._uow() as tx:
            await lessons.lock_course(tx, course_id)
            await self._check_slug(tx, course_id, fields.slug, None)
            texts = await self._texts(tx, course_id, fields.texts)
            place = await lessons.next_position(tx, course_id)
            lesson_id = await lessons.add(tx, course_id, fields.slug, place, _settings(fields))
            await lessons.set_texts(tx, lesson_id, texts)
            await schedule.lessons_changed(tx, course_id)
            await _record(tx, actor, "courses.add_lesson", course_id, fields.slug)
        return lesson_id

    @retry_conflicts
    async def change(self, actor: Actor, lesson_id: LessonId, fields: LessonFields, *, version: int) -> None:
        """Change a lesson that the actor has read in ``version``; its version grows where its texts change.

        Raises Forbidden, Invalid, NotFound, SlugTaken, LessonEdited where somebody else changed its texts meanwhile.
        """
        actor.require(Permission.TEACHING)
        check_lesson(fields)
        async with self._uow() as tx:
            stored = await self._lock_lesson(tx, lesson_id)
            if stored.version != version:
                raise LessonEdited()
            await self._check_slug(tx, stored.course_id, fields.slug, lesson_id)
            texts = await self._texts(tx, stored.course_id, fields.texts)
            await lessons.change(tx, lesson_id, _settings(fields) | {"slug": fields.slug})
            if texts != (await lessons.list_texts(tx, [lesson_id]))[lesson_id]:
                await lessons.set_texts(tx, lesson_id, texts)
                await lessons.raise_versions(tx, [lesson_id])
            if stored.required != fields.required:
                await progress.settle(tx, stored.course_id)
            if stored.publish_at != fields.publish_at:
                await schedule.lessons_changed(tx, stored.course_id)
            await _record(tx, actor, "courses.change_lesson", stored.course_id, fields.slug)

    @retry_conflicts
    async def reorder(
        self, actor: Actor, course_id: CourseId, order: Sequence[LessonId], *, dry_run: bool = False
    ) -> int:
        """Put the lessons of a course in this order; how many students' next lesson comes at another time by it.

        Raises Forbidden, NotFound, LessonEdited where the course's lessons are not these ones.
        """
        actor.require(Permission.TEACHING)
        moved = 0
        with contextlib.suppress(_DryRun):
            async with self._uow() as tx:
                await lessons.lock_course(tx, course_id)
                stored = [item.id for item in await lessons.list_stored(tx, course_id)]
                if sorted(stored) != sorted(order):
                    raise LessonEdited()
                if stored != list(order):
                    await lessons.set_order(tx, order)
                    moved = await schedule.lessons_changed(tx, course_id)
                    await _record(tx, actor, "courses.reorder", course_id, "")
                if dry_run:
                    raise _DryRun
        return moved

    @retry_conflicts
    async def delete(self, actor: Actor, lesson_id: LessonId, *, dry_run: bool = False) -> int:
        """Delete a lesson for everybody; how many students' next lesson comes at another time by it.

        What students did in it stays stored. Raises Forbidden, NotFound.
        """
        actor.require(Permission.TEACHING)
        moved = 0
        with contextlib.suppress(_DryRun):
            async with self._uow() as tx:
                stored = await self._lock_lesson(tx, lesson_id)
                await lessons.soft_delete(tx, [lesson_id])
                await progress.settle(tx, stored.course_id)
                moved = await schedule.lessons_changed(tx, stored.course_id)
                await _record(tx, actor, "courses.delete_lesson", stored.course_id, stored.slug)
                if dry_run:
                    raise _DryRun
        return moved

    @retry_conflicts
    async def restore(self, actor: Actor, course_id: CourseId, lesson_id: LessonId) -> None:
        """Undo the deletion of a lesson of a course: it is where it was in the order, as far as it still can be.

        Nothing changes for one that is not deleted. Raises Forbidden, NotFound, SlugTaken where another lesson has its
        address now.
        """
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await lessons.lock_course(tx, course_id)
            deleted = await lessons.find_deleted(tx, lesson_id)
            if (deleted or await lessons.find_stored(tx, lesson_id)).course_id != course_id:
                raise NotFound("a lesson of another course")
            if deleted is None:
                return
            await self._check_slug(tx, course_id, deleted.slug, None)
            order = [item.id for item in await lessons.list_stored(tx, course_id)]
            await lessons.undelete(tx, lesson_id, await lessons.next_position(tx, course_id))
            order.insert(deleted.position - 1, lesson_id)
            await lessons.set_order(tx, order)
            await progress.settle(tx, course_id)
            await schedule.lessons_changed(tx, course_id)
            await _record(tx, actor, "courses.restore_lesson", course_id, deleted.slug)

    async def list_files(self, actor: Actor, course_id: CourseId) -> list[MediaFile]:
        """The files of a course, by path. Raises Forbidden."""
        actor.require(Permission.TEACHING)
        async with self._uow.read() as tx:
            return [item.file for item in (await media.list_files(tx, course_id)).values()]

    @retry_conflicts
    async def upload(self, actor: Actor, course_id: CourseId, name: str, source: BinaryIO, size: int) -> str:
        """Add a file that texts may name, or replace the one of this name; its path, such as ``media/sea.png``.

        Raises Forbidden, NotFound, Invalid (field ``file``: ``too_large``, ``wrong_type``).
        """
        actor.require(Permission.TEACHING)
        if size > MAX_UPLOAD_BYTES:
            raise Invalid("the file is too large", fields={"file": "too_large"})
        facts = look_at(source, size)
        if facts is None:
            raise Invalid("no file for a lesson", fields={"file": "wrong_type"})
        path = _path(name, facts.mime)
        content = await shown_files.put(self._files, source, facts.kind, facts.mime, size)
        values = {
            "path": path, "kind": facts.kind, "mime": facts.mime, "size": size, "width": facts.width,
            "height": facts.height, "duration": facts.duration, **content.columns,
        }  # fmt: skip
        async with self._uow() as tx:
            await lessons.lock_course(tx, course_id)
            old = (await media.list_files(tx, course_id)).get(path)
            if old is None:
                await media.add(tx, course_id, values)
            elif old.content.stored != content.stored:
                await media.change(tx, old.file.id, values)
                await lessons.raise_versions(tx, await _lessons_with(tx, course_id, path))
            await _record(tx, actor, "courses.upload", course_id, path)
        return path

    @retry_conflicts
    async def delete_file(self, actor: Actor, course_id: CourseId, media_id: MediaId) -> None:
        """Delete a file that no lesson shows. Raises Forbidden, NotFound, FileInUse."""
        actor.require(Permission.TEACHING)
        async with self._uow() as tx:
            await lessons.lock_course(tx, course_id)
            item = await media.find_file(tx, media_id)
            if item is None or item.course_id != course_id:
                raise NotFound("no such file")
            if await _lessons_with(tx, course_id, item.file.path):
                raise FileInUse()
            await media.delete_files(tx, [media_id])
            await _record(tx, actor, "courses.delete_file", course_id, item.file.path)

    async def _lock_lesson(self, tx: Tx, lesson_id: LessonId) -> StoredLesson:
        """A lesson whose course is locked first, as an import does."""
        await lessons.lock_course(tx, (await lessons.find_stored(tx, lesson_id)).course_id)
        return await lessons.lock_lesson(tx, lesson_id)

    @staticmethod
    async def _check_slug(tx: Tx, course_id: CourseId, slug: str, lesson_id: LessonId | None) -> None:
        if any(item.slug == slug and item.id != lesson_id for item in await lessons.list_stored(tx, course_id)):
            raise SlugTaken()

    @staticmethod
    async def _texts(tx: Tx, course_id: CourseId, texts: Mapping[Locale, EditedText]) -> dict[Locale, StoredText]:
        """Texts as they are stored. Raises Invalid with the line of the first problem (field ``body_en``)."""
        kinds = {path: item.file.kind for path, item in (await media.list_files(tx, course_id)).items()}
        problems = {locale: problems_of(text.body, kinds) for locale, text in texts.items()}
        fields = {f"body_{locale}": items[0].code.value for locale, items in problems.items() if items}
        if fields:
            first = next(items[0] for items in problems.values() if items)
            raise Invalid("a text has problems", fields=fields, line=first.line, value=first.value)
        return {locale: _stored(text) for locale, text in texts.items()}


def _settings(fields: LessonFields) -> dict[str, object]:
    names = ("required", "minutes", "publish_at", "assignment_required")
    return {name: getattr(fields, name) for name in names}


def _stored(text: EditedText) -> StoredText:
    return StoredText(clean_title(text.title), clean_text(text.body), clean_assignment(text.assignment))


def _edited(stored: StoredLesson, texts: Mapping[Locale, StoredText]) -> EditedLesson:
    return EditedLesson(
        id=stored.id,
        course_id=stored.course_id,
        position=stored.position,
        version=stored.version,
        fields=LessonFields(
            slug=stored.slug,
            required=stored.required,
            minutes=stored.minutes,
            publish_at=stored.publish_at,
            assignment_required=stored.assignment_required,
            texts={locale: EditedText(text.title, text.body, text.assignment) for locale, text in texts.items()},
        ),
    )


async def _lessons_with(tx: Tx, course_id: CourseId, path: str) -> list[LessonId]:
    """The live lessons that show a file."""
    ids = [item.id for item in await lessons.list_stored(tx, course_id)]
    texts = await lessons.list_texts(tx, ids)
    return [key for key, value in texts.items() if any(path in paths_in(text.body) for text in value.values())]


def _path(name: str, mime: str) -> str:
    """Where an uploaded file lies: the plain signs of its name, with an ending that says what it is."""
    given = PurePosixPath(name.replace("\\", "/"))
    stem = _NOT_IN_A_NAME.sub("-", given.stem).strip("-._")[:_LONGEST_NAME] or "file"
    ending = given.suffix.lower().removeprefix(".") if name_fits(given.name, mime) else usual_ending(mime)
    return f"media/{stem}.{ending}"


async def _record(tx: Tx, actor: Actor, action: str, course_id: CourseId, what: str) -> None:
    await audit.record(tx, actor.user_id, action, f"course:{course_id}", {"what": what} if what else {})
