"""A lesson's page that is kept follows from its key alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from backend.courses.types import CourseId, LessonId, MediaId, MediaKind
from backend.courses.types.access import AssignmentNeed, QuizNeed
from backend.courses.types.lessons import LessonPage, MediaFile, NeighbourLesson, RenderedText
from backend.infra.i18n import translator
from backend.kernel.text import Locale
from webapp.core.assets import build_assets
from webapp.core.parts import Chrome
from webapp.core.rendered import RenderedPages
from webapp.core.rendering import Templates, Viewer
from webapp.courses.screens.lesson import lesson_key, lesson_view

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
FILE = MediaFile(id=MediaId(UUID(int=3)), path="a.gif", kind=MediaKind.PICTURE, mime="image/gif", size=4)
PAGE = LessonPage(
    id=LessonId(UUID(int=1)), course_id=CourseId(UUID(int=2)), course_slug="calm", slug="two", number=2, count=4,
    title="Two", locale=Locale.EN, text=RenderedText(("<h2>A</h2><img src=\"", "\"><h2>B</h2>"), (FILE,)),
    required=True, minutes=9, version=1, updated_at=NOW, updated_since_sent=False, opened_at=NOW, completed_at=None,
    place=0, previous=NeighbourLesson(slug="one", title="One", number=1, locked=False),
    next=NeighbourLesson(slug="three", title="Three", number=3, locked=True),
)  # fmt: skip
OTHERS: dict[str, list[Any]] = {
    "id": [LessonId(UUID(int=9))], "course_id": [CourseId(UUID(int=9))], "course_slug": ["other"], "slug": ["other"],
    "number": [3], "count": [5], "title": ["Other"], "locale": [Locale.AR], "required": [False], "minutes": [None, 8],
    "version": [2], "updated_at": [NOW + timedelta(1)], "updated_since_sent": [True],
    "opened_at": [None, NOW + timedelta(1)], "completed_at": [NOW], "place": [1, 2], "preview": [True],
    "assignment": [AssignmentNeed.REQUIRED, AssignmentNeed.OPTIONAL],
    "quiz": [QuizNeed.REQUIRED, QuizNeed.OPTIONAL], "quiz_done": [True],
    "previous": [None, NeighbourLesson(slug="one", title="One", number=1, locked=True)],
    "next": [None, NeighbourLesson(slug="three", title="Three", number=3, locked=False),
             NeighbourLesson(slug="three", title="Third", number=3, locked=True)],
}  # fmt: skip


@pytest.mark.parametrize("field", LessonPage.__struct_fields__)
def test_what_changes_the_page_changes_its_key(field: str) -> None:
    if field == "text":  # follows from the id, version and language
        return
    for done in (None, NOW):
        page = msgspec.structs.replace(PAGE, completed_at=done)
        for value in OTHERS[field]:
            other = msgspec.structs.replace(page, **{field: value})
            for work, quiz in (("", ""), ("none", ""), ("returned", "new"), ("", "passed")):
                views = [lesson_view(one, RenderedPages.gap, work=work, quiz=quiz) for one in (page, other)]
                keys = [lesson_key(one, None, work, quiz) for one in (page, other)]
                assert (keys[0] != keys[1]) >= (views[0] != views[1]), (field, value)
    keys = {lesson_key(PAGE, None, work) for work in ("", "none", "returned")} | {lesson_key(PAGE, 3)}
    assert len(keys | {lesson_key(PAGE, None, "", quiz) for quiz in ("new", "passed")}) == 6


@pytest.mark.parametrize("locale", Locale)
def test_a_lesson_shows_no_moment_and_no_zone(locale: Locale) -> None:
    templates, texts = Templates(build_assets()), set()
    chrome = Chrome(tabs=(), active="learn", back="/learn/calm")
    for now, zone in ((NOW, UTC), (NOW + timedelta(days=400), ZoneInfo("Asia/Tokyo"))):
        viewer = Viewer(translator(locale), now, zone)
        texts.add(templates.render("courses/lesson.html", viewer, page=lesson_view(PAGE, str), chrome=chrome))
    assert len(texts) == 1
