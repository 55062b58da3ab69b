"""Lessons as people read them, and their files."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from backend.courses.domain import access
from backend.courses.repository import lessons as repository
from backend.courses.repository import media
from backend.courses.repository.access import PageRow
from backend.courses.rules import page as rules
from backend.courses.service.shown_files import shown_of
from backend.courses.types import LessonId, MediaId
from backend.courses.types.access import LessonAccess
from backend.courses.types.lessons import LessonPage, LessonTitle, NeighbourLesson, RenderedText, StoredMedia
from backend.identity.types import Actor
from backend.infra.content_files import ContentFiles
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale

_RENDERED: Final = 256
"""How many lessons stay rendered; one is about 10 KB."""


class RenderedTexts:
    """The lessons that were read last, as HTML: each version in each language is rendered once in a process."""

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[LessonId, Locale, int], RenderedText] = OrderedDict()

    async def get(self, tx: Tx, lesson: LessonAccess, locale: Locale) -> RenderedText:
        """A lesson's text as HTML."""
        key = (lesson.lesson_id, locale, lesson.version)
        if key not in self._texts:
            text = await repository.get_text(tx, lesson.lesson_id, locale)
            files = await media.list_files(tx, lesson.course_id)
            self._texts[key] = rules.render_page(text.body, {path: item.file for path, item in files.items()})
            while len(self._texts) > _RENDERED:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


class LessonsService:
    """Shows lessons to those who may open them; ``files`` has the contents of their media."""

    def __init__(self, *, uow: UnitOfWork, files: ContentFiles) -> None:
        self._uow = uow
        self._files = files
        self._rendered = RenderedTexts()

    async def page(self, actor: Actor, course: str, slug: str, *, as_day: int | None = None) -> LessonPage:
        """A lesson by the slugs of its course and its own; teachers may look as a student does on a day.

        Raises NotFound, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow.read() as tx:
            around = await access.list_around(tx, actor, course, slug, as_day)
            lesson, row = around[0]
            access.check_open(lesson)
            text = await self._rendered.get(tx, lesson, row.locale)
        return LessonPage(
            id=lesson.lesson_id,
            course_id=lesson.course_id,
            course_slug=course,
            slug=slug,
            number=lesson.day,
            count=row.count,
            title=row.title,
            locale=row.locale,
            text=text,
            required=lesson.required,
            minutes=lesson.minutes,
            version=lesson.version,
            updated_at=row.updated_at,
            updated_since_sent=not lesson.preview
            and row.sent_version is not None
            and row.sent_version < lesson.version,
            opened_at=lesson.opened_at,
            completed_at=lesson.completed_at,
            place=lesson.place,
            previous=_neighbour(around.get(-1)),
            next=_neighbour(around.get(1)),
            assignment=lesson.assignment,
            quiz=lesson.quiz,
            quiz_done=lesson.quiz_done_at is not None,
            preview=lesson.preview,
        )

    async def titles(self, actor: Actor, course: str) -> list[LessonTitle]:
        """The lessons of a course in their order, by title only; empty for an unknown one."""
        async with self._uow.read() as tx:
            rows = await repository.list_outline(tx, course, actor.language)
        return [LessonTitle(id=row.id, slug=row.slug, title=row.title, locale=row.locale) for row in rows]

    async def file(self, actor: Actor, lesson_id: LessonId, media_id: MediaId) -> StoredMedia:
        """A file of a lesson, as students get it, for somebody who may open the lesson now.

        Raises NotFound, also for a file of another course, Forbidden, AccessEnded, LessonLocked.
        """
        async with self._uow.read() as tx:
            lesson = await access.require_open(tx, actor, lesson_id)
            item = await media.find_file(tx, media_id)
        if item is None or item.course_id != lesson.course_id:
            raise NotFound("no such file")
        stored, size = await shown_of(self._uow, self._files, item)
        return StoredMedia(name=item.file.name, mime=item.file.mime, kind=item.file.kind, size=size, stored=stored)

    @property
    def contents(self) -> ContentFiles:
        """Where the bytes of ``StoredMedia.stored`` are read."""
        return self._files


def _neighbour(beside: tuple[LessonAccess, PageRow] | None) -> NeighbourLesson | None:
    if beside is None:
        return None
    lesson, row = beside
    return NeighbourLesson(slug=lesson.slug, title=row.title, number=lesson.day, locked=not lesson.is_open)
