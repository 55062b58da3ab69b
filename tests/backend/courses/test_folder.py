"""A course's folder: what its texts mean, every mistake with its line, and a round trip that changes nothing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.courses.rules.folder import Folder
from backend.courses.rules.folder_writer import write_folder
from backend.courses.rules.heads import read_head, write_head
from backend.courses.rules.markdown import clean_text
from backend.courses.types import CourseState, LateRule, MediaKind, ScheduleMode
from backend.courses.types.authoring import (
    CourseDraft,
    CourseHead,
    CourseWords,
    FolderProblem,
    FolderProblemCode,
    LessonDraft,
    LessonHead,
    LessonTextDraft,
    MediaDraft,
    TariffHead,
    TariffWords,
    TimeOfDay,
)
from backend.courses.types.lessons import TextProblem
from backend.kernel.text import Locale, fold

Code = FolderProblemCode
COURSE = """---
title: Calm
slug: calm
category: courses
currency: USD
mode: local_hour
hour: 9:30
tariffs:
  - code: basic
    name: Basic
    price: 19
---

Seven days.
"""
_SEA = MediaDraft(path="media/sea.png", source=Path("x"), kind=MediaKind.PICTURE, mime="image/png", size=10)


def read(files: dict[str, str], *media: MediaDraft) -> tuple[CourseDraft | None, list[FolderProblem]]:
    """A folder of these texts; with a course and a lesson where it names none."""
    texts = {"course.md": COURSE, "01-first.md": "---\ntitle: First\n---\nText.\n"} | files
    folder = Folder({name: text.encode() for name, text in texts.items()}, {item.path: item for item in media}, "USD")
    return folder.read(), folder.problems


def _problems(files: dict[str, str], *media: MediaDraft) -> list[tuple[str, int, str, str]]:
    return [(item.file, item.line, item.code.value, item.field) for item in read(files, *media)[1]]


def test_a_folder_is_a_course() -> None:
    course, problems = read(
        {
            "course.ar.md": "---\ntitle: هدوء\ntariffs:\n- code: basic\n  name: الأساسية\n---\nسبعة أيام.\n",
            "02-second.md": "---\ntitle: Second\nminutes: 7\nrequired: no\npublish_at: 2027-01-01T09:00:00+03:00\n---\n"
            "![Sea](media/sea.png)\n",
            "02-second.ru.md": "---\ntitle: Второй\n---\nТекст.\n",
        },
        _SEA,
    )
    assert problems == [] and course is not None
    assert (course.head.hour, course.head.mode, course.head.state) == (570, ScheduleMode.LOCAL_HOUR, CourseState.DRAFT)
    assert course.descriptions == {Locale.EN: "Seven days.", Locale.AR: "سبعة أيام."}
    assert course.words[Locale.AR].tariffs[0].name == "الأساسية"
    first, second = course.lessons
    assert (first.slug, first.number, first.required, first.minutes) == ("first", 1, True, None)
    assert (second.minutes, second.required) == (7, False)
    assert second.publish_at == datetime(2027, 1, 1, 6, tzinfo=UTC)
    assert list(second.texts) == [Locale.EN, Locale.RU]


@pytest.mark.parametrize(
    ("line", "value", "code"),
    [
        ("hour: 10:30", TimeOfDay(630), None),
        ("hour: 24:00", None, Code.BAD_TIME),
        ("hour: 630", None, Code.BAD_TIME),
        ("title: no", "no", None),
        ("title: 3.10", "3.10", None),
        ("title: 0123", "0123", None),
        ("title: 2027-01-01", "2027-01-01", None),
        ("title: ~", "~", None),
        ("title: [a, b]", None, Code.NOT_ONE_TEXT),
        ("title: !!int 5", None, Code.NOT_ONE_TEXT),
        ("title: !!python/object/apply:os.system [x]", None, Code.NOT_ONE_TEXT),
        ("title:", None, Code.REQUIRED),
        ("interval_days: 0123", None, Code.NOT_A_NUMBER),
        ("interval_days: 3.10", None, Code.NOT_A_NUMBER),
        ("interval_days: 1e3", None, Code.NOT_A_NUMBER),
        ("interval_days: 0", None, Code.OUT_OF_RANGE),
        ("interval_days: -1", None, Code.OUT_OF_RANGE),
        ("interval_days: 3", 3, None),
        ("new_lessons_after_completion: no", False, None),
        ("new_lessons_after_completion: YES", True, None),
        ("new_lessons_after_completion: 1", True, None),
        ("new_lessons_after_completion: nein", None, Code.NOT_YES_OR_NO),
        ("mode: Cohort", None, Code.UNKNOWN_VALUE),
        ("student_from: 07:05", TimeOfDay(425), None),
    ],
)
def test_a_value_is_what_its_field_says(line: str, value: Any, code: Code | None) -> None:
    field = line.partition(":")[0]
    base = {"title": "t", "slug": "s", "category": "c", "currency": "USD"}
    head = read_head(
        "---\n" + "".join(f"{k}: {v}\n" for k, v in base.items() if k != field) + line + "\n---\n", CourseHead
    )
    if code is None:
        assert head.problems == () and getattr(head.value, field) == value
    else:
        assert [(problem.code, problem.field) for problem in head.problems] == [(code, field)]
        assert head.problems[0].line == head.lines[field]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("no head", 1, Code.NO_HEAD),
        ("---\ntitle: x\n", 1, Code.HEAD_OPEN),
        ("---\ntitle: x\n  y: z: a\n---\nx", 3, Code.BAD_YAML),
        ("---\ntitle: x\ntitle: y\n---\nx", 3, Code.KEY_TWICE),
        ("---\ntitle: x\nminuets: 5\n---\nx", 3, Code.UNKNOWN_KEY),
        ("---\n- x\n---\nx", 2, Code.BAD_YAML),
        ("---\ntitle: *x\n---\nx", 2, Code.BAD_YAML),
        ("---\n" + "[" * 3000 + "\n---\nx", 3, Code.BAD_YAML),
        ("---\ntitle: x\npublish_at: 2027-01-01T09:00\n---\nx", 3, Code.BAD_DATE),
        ("---\ntitle: x\npublish_at: tomorrow\n---\nx", 3, Code.BAD_DATE),
        ('---\ntitle: "a\\u202eb"\n---\nx', 2, Code.BAD_TEXT),
        ("---\ntitle: x\n---\n", 4, TextProblem.EMPTY),
        ("---\ntitle: x\n---\n\n\ngood\n[x](javascript:y)\n", 7, TextProblem.BAD_LINK),
        ("---\r\ntitle: x\r\n---\r\n\r\n![x](media/gone.png)\r\n", 5, TextProblem.UNKNOWN_FILE),
    ],
)
def test_a_mistake_in_a_lesson_is_reported_at_its_line(text: str, line: int, code: Code | TextProblem) -> None:
    problems = [item for item in read({"01-first.md": text})[1] if item.code is not Code.REQUIRED]
    assert [(item.file, item.line, item.code) for item in problems][:1] == [("01-first.md", line, code)]


def test_all_mistakes_come_in_one_report() -> None:
    assert _problems(
        {
            "course.md": COURSE.replace("19", "1.999").replace("slug: calm", "slug: calm!").replace("9:30", "9.30"),
            "course.ru.md": "---\ntitle: Покой\ntariffs:\n- code: vip\n  name: VIP\n---\n",
            "notes.md": "x",
            "02-a.md": "---\ntitle: A\n---\nx",
            "02-b.md": "---\ntitle: B\n---\nx",
            "03-first.ru.md": "---\ntitle: C\nminutes: 3\n---\nx",
            "04-d.xx.md": "---\ntitle: D\n---\nx",
        }
    ) == [
        ("02-b.md", 0, "number_twice", ""),
        ("03-first.ru.md", 0, "slug_twice", ""),
        ("03-first.ru.md", 3, "only_in_first", "minutes"),
        ("04-d.xx.md", 0, "bad_file_name", ""),
        ("course.md", 7, "bad_time", "hour"),
        ("notes.md", 0, "bad_file_name", ""),
    ]


def test_a_course_is_checked_when_its_head_is_read() -> None:
    bad = COURSE.replace("19", "1.999").replace("slug: calm", "slug: calm!").replace("9:30", "9:30\ntimezone: GMT+3")
    assert _problems(
        {"course.md": bad + "x", "course.ru.md": "---\ntitle: П\ntariffs:\n- code: vip\n  name: V\n---\n"}
    ) == [
        ("course.md", 3, "bad_slug", "slug"),
        ("course.md", 8, "bad_zone", "timezone"),
        ("course.md", 12, "bad_price", "price"),
        ("course.ru.md", 4, "unknown_tariff", "code"),
    ]
    assert _problems({"course.md": COURSE.partition("tariffs")[0] + "---\n"}) == [
        ("course.md", 1, "no_tariffs", "tariffs")
    ]


def test_not_utf8_names_its_line() -> None:
    folder = Folder({"course.md": COURSE.encode(), "01-a.md": b"---\ntitle: a\n---\nok\n\xff\xfe\n"}, {}, "USD")
    folder.read()
    assert [(item.file, item.line, item.code) for item in folder.problems] == [
        ("01-a.md", 5, Code.NOT_UTF8), ("course.md", 0, Code.NO_LESSONS)
    ]  # fmt: skip


_LINE = st.text(max_size=40).map(lambda text: fold("".join(sign for sign in text if sign.isprintable()))).filter(bool)
_SAFE = st.text(st.sampled_from("ab:#- \n'\"\\[]{}&*!|>%@`,?\tШم\u200f\u200d\u0085\u2028👩---"), max_size=60)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.text(st.characters(codec="utf-8"), max_size=40), max_size=4))
def test_any_text_survives_a_head(fields: dict[str, str]) -> None:
    import yaml

    text = write_head(fields).removeprefix("---\n").removesuffix("---\n")
    assert (yaml.load(text, Loader=yaml.CBaseLoader) or {}) == fields


@st.composite
def _courses(draw: st.DrawFn) -> CourseDraft:
    optional = st.none() | st.integers(1, 1440)
    codes = draw(
        st.lists(st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,4})?", fullmatch=True), min_size=1, max_size=3, unique=True)
    )
    locales = draw(st.sets(st.sampled_from([Locale.AR, Locale.RU])))
    body = _SAFE.map(lambda text: clean_text("x " + text))
    lessons = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        languages = draw(st.sets(st.sampled_from(list(Locale)), min_size=1))
        texts = {locale: LessonTextDraft(draw(_LINE), draw(body)) for locale in Locale if locale in languages}
        at = draw(st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
        lessons.append(
            LessonDraft(
                slug=f"day-{number}",
                number=number,
                minutes=draw(optional),
                required=draw(st.booleans()),
                publish_at=at,
                texts=texts,
            )
        )
    tariffs = [
        TariffHead(
            code=code, name=draw(_LINE), note=draw(_LINE), price="19.00", feedback_hours=draw(optional),
            groups=draw(st.booleans()), certificate=draw(st.booleans()), places=draw(optional),
            starts_on=draw(st.none() | st.dates(date(2020, 1, 1), date(2090, 1, 1))),
        )
        for code in codes
    ]  # fmt: skip
    window = draw(st.none() | st.tuples(st.integers(0, 700), st.integers(701, 1439)))
    head = CourseHead(
        title=draw(_LINE), summary=draw(_LINE), slug="calm", category="courses", currency="USD",
        state=draw(st.sampled_from(CourseState)), mode=draw(st.sampled_from(ScheduleMode)),
        hour=TimeOfDay(draw(st.integers(0, 1439))), interval_days=draw(st.integers(1, 365)),
        student_from=TimeOfDay(window[0]) if window else None, student_to=TimeOfDay(window[1]) if window else None,
        late_rule=draw(st.sampled_from(LateRule)), timezone="Asia/Amman", tariffs=tuple(tariffs),
    )  # fmt: skip
    tariff = st.builds(TariffWords, code=st.just(codes[0]), name=_LINE)
    translated = st.builds(CourseWords, title=_LINE, summary=_LINE, tariffs=st.tuples(tariff))
    words = {locale: draw(translated) for locale in Locale if locale in locales}
    descriptions = {locale: draw(body) for locale in (Locale.EN, *words)}
    return CourseDraft(head=head, lines={}, words=words, descriptions=descriptions, lessons=tuple(lessons), media={})


@settings(max_examples=40, deadline=None)
@given(_courses())
def test_a_round_trip_changes_nothing(course: CourseDraft) -> None:
    files = write_folder(course)
    names = list(files)
    random.Random(1).shuffle(names)
    folder = Folder({name: files[name].encode() for name in names}, {}, "USD")
    again = folder.read()
    assert [item for item in folder.problems if item.code not in set(TextProblem)] == [] and again is not None
    assert (again.head, again.words, again.descriptions) == (course.head, course.words, course.descriptions)
    plain = [
        [(locale, text.title, text.body) for locale, text in lesson.texts.items()]
        for lesson in (*course.lessons, *again.lessons)
    ]
    assert plain[: len(course.lessons)] == plain[len(course.lessons) :]
    assert write_folder(again) == files


def test_a_head_of_another_type_keeps_its_lines() -> None:
    head = read_head("---\n\n# comment\ntitle: x\n---\n\n\nbody", LessonHead)
    assert (
        head.value == LessonHead(title="x")
        and head.lines == {"title": 4}
        and (head.body, head.first_line) == ("body", 8)
    )
