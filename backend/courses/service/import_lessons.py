"""The lessons and files of a course's folder, compared with the stored ones and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.courses.domain import quizzes
from backend.courses.repository import lessons as repository
from backend.courses.repository import media
from backend.courses.repository.lessons import StoredLesson, StoredText
from backend.courses.repository.media import Content, StoredFile
from backend.courses.rules.markdown import paths_in
from backend.courses.rules.quiz import with_ids
from backend.courses.types import CourseId, LessonId
from backend.courses.types.authoring import ChangeAction, ChangeKind, CourseChange, CourseDraft, LessonDraft, MediaDraft
from backend.infra.unit_of_work import Tx
from backend.kernel.text import Locale

_SETTINGS = ("minutes", "required", "publish_at", "assignment_required")
_MEASURES = ("kind", "mime", "size", "width", "height", "duration")


class LessonsImport:
    """Writes what differs; ``settles`` says that students may have completed the course by it."""

    def __init__(
        self, course_id: CourseId, draft: CourseDraft, contents: Mapping[str, Content], *, delete_missing: bool
    ) -> None:
        self.changes: list[CourseChange] = []
        self.moves_schedule = False
        self.settles = False
        self._course_id = course_id
        self._draft = draft
        self._contents = contents
        self._delete_missing = delete_missing
        self._touched: set[LessonId] = set()

    async def run(self, tx: Tx) -> None:
        """Compare and write. The course is locked."""
        replaced = await self._media(tx)
        stored = {lesson.slug: lesson for lesson in await repository.list_stored(tx, self._course_id)}
        texts = await repository.list_texts(tx, [lesson.id for lesson in stored.values()])
        order: list[LessonId] = []
        for number, draft in enumerate(self._draft.lessons, start=1):
            old = stored.pop(draft.slug, None)
            if old is None:
                # After all others, until the order is set.
                place = len(self._draft.lessons) + len(texts) + number
                order.append(await self._add(tx, draft, place))
            else:
                order.append(old.id)
                await self._compare(tx, draft, old, texts[old.id], replaced)
        await self._missing(tx, list(stored.values()), order)
        await repository.raise_versions(tx, self._touched)
        await self._unused(tx)

    def _change(self, kind: ChangeKind, ref: str, action: ChangeAction, *fields: str) -> None:
        self.changes.append(CourseChange(kind, ref, action, fields))

    async def _add(self, tx: Tx, draft: LessonDraft, place: int) -> LessonId:
        self._change(ChangeKind.LESSON, draft.slug, ChangeAction.CREATE)
        self.moves_schedule = True
        settings = {name: getattr(draft, name) for name in _SETTINGS}
        lesson_id = await repository.add(tx, self._course_id, draft.slug, place, settings)
        await repository.set_texts(tx, lesson_id, _texts(draft))
        await self._quiz(tx, draft, lesson_id)
        return lesson_id

    async def _quiz(self, tx: Tx, draft: LessonDraft, lesson_id: LessonId) -> None:
        """Write a quiz that differs; one that the folder lacks is deleted or kept, as its lesson would be."""
        stored = await quizzes.find_quiz(tx, lesson_id)
        before = stored.quiz if stored else None
        if draft.quiz is not None:
            quiz = with_ids(draft.quiz, before, lambda: tx.new_id().hex)
            if await quizzes.change_quiz(tx, lesson_id, quiz):
                self._change(ChangeKind.QUIZ, draft.slug, ChangeAction.UPDATE if before else ChangeAction.CREATE)
        elif before is not None and self._delete_missing:
            await quizzes.change_quiz(tx, lesson_id, None)
            self._change(ChangeKind.QUIZ, draft.slug, ChangeAction.DELETE)
        elif before is not None:
            self._change(ChangeKind.QUIZ, draft.slug, ChangeAction.MISSING)

    async def _compare(
        self, tx: Tx, draft: LessonDraft, old: StoredLesson, texts: Mapping[Locale, StoredText], replaced: set[str]
    ) -> None:
        settings = {name: getattr(draft, name) for name in _SETTINGS if getattr(draft, name) != getattr(old, name)}
        new = _texts(draft)
        changed = [*settings, *(f"text.{locale}" for locale in Locale if texts.get(locale) != new.get(locale))]
        shown = set().union(*(paths_in(text.body) for text in new.values()))
        if settings:
            await repository.change(tx, old.id, settings)
            self.settles |= "required" in settings
            self.moves_schedule |= "publish_at" in settings
        if new != texts:
            await repository.set_texts(tx, old.id, new)
        if new != texts or shown & replaced:
            self._touched.add(old.id)
            changed += sorted(shown & replaced)
        if changed:
            self._change(ChangeKind.LESSON, draft.slug, ChangeAction.UPDATE, *changed)
        await self._quiz(tx, draft, old.id)

    async def _missing(self, tx: Tx, missing: list[StoredLesson], order: list[LessonId]) -> None:
        """Delete the lessons that the folder lacks, or keep them after the others; then set the order."""
        for lesson in missing:
            action = ChangeAction.DELETE if self._delete_missing else ChangeAction.MISSING
            self._change(ChangeKind.LESSON, lesson.slug, action)
        if self._delete_missing and missing:
            await repository.soft_delete(tx, [lesson.id for lesson in missing])
            self.settles = self.moves_schedule = True
        else:
            order = [*order, *(lesson.id for lesson in missing)]
        before = [lesson.id for lesson in await repository.list_stored(tx, self._course_id)]
        if before != order:
            self._change(ChangeKind.COURSE, self._draft.head.slug, ChangeAction.UPDATE, "order")
            self.moves_schedule = True
        await repository.set_order(tx, order)

    async def _media(self, tx: Tx) -> set[str]:
        """Write new and changed files; the paths of those that were replaced."""
        stored = await media.list_files(tx, self._course_id)
        replaced = set()
        for path, draft in self._draft.media.items():
            values = _columns(draft, self._contents[path])
            old = stored.get(path)
            if old is None:
                self._change(ChangeKind.FILE, path, ChangeAction.CREATE)
                await media.add(tx, self._course_id, values)
            elif old.content.stored != self._contents[path].stored:
                self._change(ChangeKind.FILE, path, ChangeAction.UPDATE)
                await media.change(tx, old.file.id, values)
                replaced.add(path)
        return replaced

    async def _unused(self, tx: Tx) -> None:
        """Files that the folder lacks stay while a lesson shows them."""
        stored = await media.list_files(tx, self._course_id)
        lessons = [lesson.id for lesson in await repository.list_stored(tx, self._course_id)]
        bodies = [text.body for texts in (await repository.list_texts(tx, lessons)).values() for text in texts.values()]
        shown = set().union(*(paths_in(body) for body in bodies))
        gone: list[StoredFile] = []
        for path, item in stored.items():
            if path not in self._draft.media:
                deleted = self._delete_missing and path not in shown
                self._change(ChangeKind.FILE, path, ChangeAction.DELETE if deleted else ChangeAction.MISSING)
                gone += [item] if deleted else []
        await media.delete_files(tx, [item.file.id for item in gone])


def _texts(draft: LessonDraft) -> dict[Locale, StoredText]:
    return {locale: StoredText(text.title, text.body, text.assignment) for locale, text in draft.texts.items()}


def _columns(draft: MediaDraft, content: Content) -> dict[str, Any]:
    values = {name: getattr(draft, name) for name in _MEASURES}
    return values | {"path": draft.path, **content.columns}
