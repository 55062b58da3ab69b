"""A quiz as Markdown: what it means, every mistake at its line, and a round trip that changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.courses.rules.folder_quizzes import read_quizzes
from backend.courses.rules.quiz import clean_quiz, problems_of, with_ids
from backend.courses.rules.quiz_text import write_quiz
from backend.courses.types.authoring import FolderProblemCode
from backend.courses.types.quiz import Option, Question, QuestionKind, Quiz, ShowAnswers
from backend.kernel.text import Locale
from tests.backend.courses.test_folder import read

_TEXT = """---
attempts: 3
minutes: 20
passing_percent: 80
required: no
show_answers: never
---

## Which is nearest?

- ( ) A road
- (X) Your breath

## Which are far? {2 points}
- [x] A road
* [ ] A chair
- [x] A bird

## What ends?

= The sound
= sound
"""
_ARABIC = """## ما الأقرب؟

- ( ) طريق
- (x) نَفَسك

## ما البعيد؟
- [x] طريق
- [ ] كرسي
- [x] عصفور

## ما الذي ينتهي؟
= الصوت
"""


def test_a_quiz_lies_beside_its_lesson() -> None:
    course, problems = read({"01-first.quiz.md": _TEXT, "01-first.quiz.ar.md": _ARABIC})
    assert problems == [] and course is not None
    quiz = course.lessons[0].quiz
    assert quiz is not None
    assert (quiz.attempts, quiz.minutes, quiz.passing_percent, quiz.required) == (3, 20, 80, False)
    assert quiz.show_answers is ShowAnswers.NEVER
    nearest, far, ends = quiz.questions
    assert nearest.kind is QuestionKind.SINGLE and [one.right for one in nearest.options] == [False, True]
    assert nearest.text == {Locale.EN: "Which is nearest?", Locale.AR: "ما الأقرب؟"}
    assert (
        far.kind is QuestionKind.MULTIPLE
        and far.points == 2
        and [one.right for one in far.options] == [True, False, True]
    )
    assert ends.accepted == {Locale.EN: ("The sound", "sound"), Locale.AR: ("الصوت",)}


def test_settings_may_be_left_out() -> None:
    course, problems = read({"01-first.quiz.md": "## Why?\n= so\n"})
    assert problems == [] and course is not None
    assert course.lessons[0].quiz == Quiz(
        questions=(Question(kind=QuestionKind.TEXT, text={Locale.EN: "Why?"}, accepted={Locale.EN: ("so",)}),)
    )


@pytest.mark.parametrize(
    ("text", "line", "code", "value"),
    [
        ("Hello\n## Why?\n= so", 1, "not_of_a_quiz", "Hello"),
        ("## Why?\n- (x) a\n- [x] b", 3, "not_of_a_quiz", "- [x] b"),
        ("## Why?\n- (x] a\n= so", 2, "not_of_a_quiz", "- (x] a"),
        ("## Why?\n= so\n- ( ) b", 3, "not_of_a_quiz", "- ( ) b"),
        ("## Why?\n\n## How?\n= so", 1, "no_options", ""),
        ("## Why?\n- (x) a\n- (x) b", 1, "bad_quiz", "one_right"),
        ("## Why?\n- [ ] a\n- [ ] b", 1, "bad_quiz", "none_right"),
        ("## Why?\n- (x) a", 1, "bad_quiz", "too_few"),
        ("## Why?\n- (x) a\n- ( ) A", 1, "bad_quiz", "same"),
        ("## Why?\n- (x) a\n- ( )", 1, "bad_quiz", "required"),
        ("##\n## Why? {0 points}\n= so", 1, "not_of_a_quiz", "##"),
        ("## Why? {0 points}\n= so", 1, "bad_quiz", "out_of_range"),
        ("## Why?\n= !", 1, "bad_quiz", "invalid"),
        ("---\nattempts: 101\n---\n## Why?\n= so", 2, "bad_quiz", "out_of_range"),
        ("---\npassing_percent: 101\n---\n## Why?\n= so", 2, "out_of_range", "101"),
        ("---\npass: 60\n---\n## Why?\n= so", 2, "unknown_key", ""),
        ("---\nminutes: 5\n---\n", 1, "bad_quiz", "required"),
    ],
)
def test_a_mistake_is_reported_at_its_line(text: str, line: int, code: str, value: str) -> None:
    _, problems = read({"01-first.quiz.md": text})
    assert [(one.file, one.line, one.code.value, one.value) for one in problems] == [
        ("01-first.quiz.md", line, code, value)
    ]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("---\nminutes: 5\n---\n" + _ARABIC, 2, "only_in_first"),
        (_ARABIC.partition("## ما الذي")[0], 6, "not_the_same_quiz"),
        (_ARABIC.replace("- ( )", "- (x)"), 1, "not_the_same_quiz"),
        (_ARABIC.replace("## ما البعيد؟", "## ما البعيد؟ {3 points}"), 6, "not_the_same_quiz"),
        (_ARABIC.replace("- [ ] كرسي\n", ""), 6, "not_the_same_quiz"),
    ],
)
def test_a_translation_asks_the_same(text: str, line: int, code: str) -> None:
    _, problems = read({"01-first.quiz.md": _TEXT, "01-first.quiz.ar.md": text})
    assert [(one.file, one.line, one.code.value) for one in problems] == [("01-first.quiz.ar.md", line, code)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("02-second.quiz.md", FolderProblemCode.NO_LESSON_OF_QUIZ),
        ("03-first.quiz.md", FolderProblemCode.SLUG_TWICE),
        ("01-first.quiz.de.md", FolderProblemCode.BAD_FILE_NAME),
        ("01-first.test.md", FolderProblemCode.BAD_FILE_NAME),
    ],
)
def test_a_quiz_belongs_to_a_lesson_of_its_name(name: str, code: FolderProblemCode) -> None:
    _, problems = read({name: "## Why?\n= so\n"})
    assert [(one.file, one.code) for one in problems] == [(name, code)]


_LINES = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.sampled_from(["{2 points}", "## x", "- (x) a", "= b", "---", "#", "x {1 point}", "[x] a", "a\\b"]),
)


@st.composite
def _quizzes(draw: st.DrawFn) -> Quiz:
    """Any quiz that is right, in one language or two."""
    locales = draw(st.sampled_from([(Locale.EN,), (Locale.AR,), (Locale.EN, Locale.RU)]))
    questions = []
    for kind in draw(st.lists(st.sampled_from(QuestionKind), min_size=1, max_size=4)):
        count = 0 if kind is QuestionKind.TEXT else draw(st.integers(2, 4))
        right = draw(st.integers(0, max(count - 1, 0)))
        accepted = {locale: (f"{draw(_LINES)} x", "y") for locale in locales}
        questions.append(
            Question(
                kind=kind,
                text={locale: draw(_LINES) for locale in locales},
                points=draw(st.integers(1, 100)),
                options=tuple(
                    Option({locale: f"{place} {draw(_LINES)}" for locale in locales}, place == right)
                    for place in range(count)
                ),
                accepted=accepted if kind is QuestionKind.TEXT else {},
            )
        )
    return clean_quiz(
        Quiz(
            questions=tuple(questions),
            attempts=draw(st.none() | st.integers(1, 100)),
            passing_percent=draw(st.integers(0, 100)),
            minutes=draw(st.none() | st.integers(1, 600)),
            required=draw(st.booleans()),
            show_answers=draw(st.sampled_from(ShowAnswers)),
        )
    )


@given(_quizzes().filter(lambda quiz: not problems_of(quiz)))
def test_a_round_trip_changes_nothing(quiz: Quiz) -> None:
    files = [(locale, f"01-first.quiz.{locale}.md", text) for locale, text in write_quiz(quiz).items()]
    assert read_quizzes(files) == (quiz, [])


def _question(words: str, kind: QuestionKind = QuestionKind.TEXT, id_: str = "") -> Question:
    return Question(id=id_, kind=kind, text={Locale.EN: words})


def test_a_question_keeps_its_id_when_it_moves_or_its_words_change() -> None:
    ids = iter("vwxyz")
    before = Quiz(questions=(_question("One", id_="a"), _question("Two", id_="b"), _question("Three", id_="c")))
    imported = Quiz(
        questions=(
            _question("Three"), _question("Second"), _question("New", QuestionKind.SINGLE), _question("One"),
        )
    )  # fmt: skip
    assert [one.id for one in with_ids(imported, before, lambda: next(ids)).questions] == ["c", "b", "v", "a"]
    edited = Quiz(questions=(_question("New"), _question("Two", id_="b"), _question("One!", id_="a")))
    assert [one.id for one in with_ids(edited, before, lambda: next(ids)).questions] == ["w", "b", "a"]
    forged = Quiz(questions=(_question("New", id_="stranger"), _question("Two", id_="b"), _question("Two", id_="b")))
    assert [one.id for one in with_ids(forged, None, lambda: next(ids)).questions] == ["x", "y", "z"]
