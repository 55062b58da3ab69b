"""Scores: bounded, indifferent to order, and never better for one wrong option more; typed answers are forgiving."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.courses.types.quiz import Option, Question, QuestionKind, Quiz
from backend.kernel.errors import Invalid
from backend.kernel.folding import plain_answer
from backend.kernel.text import Locale
from backend.quizzes import rules
from backend.quizzes.types import Answer
from tests.backend.quizzes.desk import QUIZ

_WORDS = ("sea", "Sea ", "море", "بحر", "3.5", "")


@st.composite
def _question(draw: st.DrawFn) -> Question:
    kind = draw(st.sampled_from(QuestionKind))
    points = draw(st.integers(1, 5))
    if kind is QuestionKind.TEXT:
        accepted = draw(st.lists(st.sampled_from(_WORDS[:-1]), min_size=1, max_size=3))
        return Question(kind=kind, text={}, points=points, accepted={Locale.EN: tuple(accepted)})
    count = draw(st.integers(2, 5))
    rights = {draw(st.integers(0, count - 1))}
    if kind is QuestionKind.MULTIPLE:
        rights |= draw(st.sets(st.integers(0, count - 1)))
    return Question(
        kind=kind, text={}, points=points, options=tuple(Option({}, place in rights) for place in range(count))
    )


@st.composite
def _answered(draw: st.DrawFn) -> tuple[Quiz, dict[str, Answer]]:
    """A quiz and answers to some of its questions, right ones among them."""
    questions = draw(st.lists(_question(), min_size=1, max_size=5))
    quiz = Quiz(
        questions=tuple(
            Question(
                id=str(number), kind=one.kind, text={}, points=one.points, options=one.options, accepted=one.accepted
            )
            for number, one in enumerate(questions)
        )
    )
    answers = {}
    for one in quiz.questions:
        right = tuple(number for number, item in enumerate(one.options, start=1) if item.right)
        choice = draw(st.sampled_from([right, (), tuple(range(1, len(one.options) + 1))]))
        text = draw(st.sampled_from(_WORDS))
        if draw(st.booleans()):
            answers[one.id] = Answer(text=text) if one.kind is QuestionKind.TEXT else Answer(choice)
    return quiz, answers


@given(_answered())
def test_a_score_is_the_points_of_the_questions_that_are_right_and_never_above_all(
    answered: tuple[Quiz, dict[str, Answer]],
) -> None:
    quiz, answers = answered
    result = rules.score(quiz, answers)
    assert result.points == sum(one.points for one in quiz.questions if one.id in result.right)
    assert 0 <= result.points <= result.total == sum(one.points for one in quiz.questions)
    assert result.right <= answers.keys()
    assert rules.score(quiz, {}).points == 0


@given(_answered(), st.randoms(use_true_random=False))
def test_the_order_of_answers_and_of_chosen_options_changes_nothing(
    answered: tuple[Quiz, dict[str, Answer]], chance: object
) -> None:
    quiz, answers = answered
    backwards = {key: Answer(answers[key].choice[::-1], answers[key].text) for key in reversed(answers)}
    assert rules.score(quiz, backwards) == rules.score(quiz, answers)


@given(_answered(), st.data())
def test_choosing_a_wrong_option_more_never_raises_the_score(
    answered: tuple[Quiz, dict[str, Answer]], data: st.DataObject
) -> None:
    quiz, answers = answered
    before = rules.score(quiz, answers).points
    for one in quiz.questions:
        wrong = [number for number, item in enumerate(one.options, start=1) if not item.right]
        if wrong:
            more = (*answers.get(one.id, Answer()).choice, data.draw(st.sampled_from(wrong)))
            assert rules.score(quiz, {**answers, one.id: Answer(tuple(set(more)))}).points <= before


@given(_answered())
def test_all_right_answers_get_every_point(answered: tuple[Quiz, dict[str, Answer]]) -> None:
    quiz, _ = answered
    answers = {
        one.id: Answer(text=next(iter(one.accepted.values()))[0])
        if one.kind is QuestionKind.TEXT
        else Answer(tuple(number for number, item in enumerate(one.options, start=1) if item.right))
        for one in quiz.questions
    }
    assert rules.score(quiz, answers).points == quiz.total


@pytest.mark.parametrize(
    ("accepted", "typed"),
    [
        ("Café", "CAFE\u0301"), ("Éte", "ete"), ("ёлка", "Елка"), ("The  sound", "the sound."), ("أحمد", "احمد"),
        ("مدرسة", "مدرسه"), ("كتابٌ", "كتاب"), ("12", "١٢"), ("1,000", "1000"), ("3.5", "3,5"), ("3.5", "٣٫٥"),
        ("-5", "\u22125"), ("«Ночь»", "ночь"), ("فارسی", "فارسي"), ("Straße", "STRASSE"), ("ﬁne", "fine"),
    ],
)  # fmt: skip
def test_what_counts_as_the_same_typed_answer(accepted: str, typed: str) -> None:
    assert plain_answer(accepted) == plain_answer(typed)


@pytest.mark.parametrize(
    ("accepted", "typed"),
    [("C++", "C"), ("-5", "5"), ("3.5", "35"), ("an apple", "anapple"), ("дом", "том"), ("1", "")],
)
def test_what_is_another_typed_answer(accepted: str, typed: str) -> None:
    assert plain_answer(accepted) != plain_answer(typed)


@pytest.mark.parametrize(
    ("question", "answer"),
    [(0, Answer((1, 2))), (0, Answer((4,))), (0, Answer((0,))), (1, Answer((9,))), (0, Answer(text="x")),
     (2, Answer((1,))), (2, Answer(text="x" * 201))],
)  # fmt: skip
def test_what_no_answer_can_be(question: int, answer: Answer) -> None:
    with pytest.raises(Invalid):
        rules.check_answer(QUIZ.questions[question], answer)


@pytest.mark.parametrize(("points", "passed"), [(2, False), (3, True), (4, True)])
def test_so_many_per_cent_of_the_points_pass(points: int, passed: bool) -> None:
    assert rules.has_passed(points, QUIZ) is passed  # 75 % of 4
