"""What answers are worth, and when a student is done with a quiz."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.courses.types.quiz import LONGEST_OPTION, Question, QuestionKind, Quiz, ShowAnswers
from backend.kernel.errors import Invalid
from backend.kernel.folding import plain_answer
from backend.kernel.text import Locale, fold
from backend.quizzes.types import Answer, Attempt, QuizFacts, QuizState, ReviewedQuestion, Score, ShownQuestion


def is_right(question: Question, answer: Answer | None) -> bool:
    """Whether an answer gets the question's points: all of the right options and no other, or an accepted answer."""
    if answer is None or answer.is_empty:
        return False
    if question.kind is QuestionKind.TEXT:
        given = plain_answer(answer.text)
        return any(given == plain_answer(one) for answers in question.accepted.values() for one in answers)
    return set(answer.choice) == {number for number, one in enumerate(question.options, start=1) if one.right}


def score(quiz: Quiz, answers: Mapping[str, Answer]) -> Score:
    """What answers, by the ids of questions, are worth."""
    right = [question for question in quiz.questions if is_right(question, answers.get(question.id))]
    return Score(sum(question.points for question in right), quiz.total, frozenset(one.id for one in right))


def has_passed(points: int, quiz: Quiz) -> bool:
    """Whether so many points are as many per cent as the quiz demands."""
    return points * 100 >= quiz.passing_percent * quiz.total


def is_done(*, passed: bool, number: int, attempts: int | None) -> bool:
    """Whether a student who has finished the attempt of this number is done: passed it, or has none left."""
    return passed or (attempts is not None and number >= attempts)


def deadline(quiz: Quiz, now: datetime) -> datetime | None:
    """When an attempt that begins now ends; None for any time."""
    return None if quiz.minutes is None else now + timedelta(minutes=quiz.minutes)


def shows_answers(show: ShowAnswers, *, done: bool) -> bool:
    """Whether somebody who is or is not ``done`` sees the right answers of a finished attempt."""
    return show is ShowAnswers.AFTER_EACH or (show is ShowAnswers.AT_THE_END and done)


def check_answer(question: Question, answer: Answer) -> Answer:
    """An answer as it is stored. Raises Invalid for one that the question cannot have."""
    if question.kind is QuestionKind.TEXT:
        text = fold(answer.text)
        if answer.choice or len(text) > LONGEST_OPTION:
            raise Invalid("not an answer to this question", fields={"text": "too_long"})
        return Answer(text=text)
    choice = tuple(sorted(set(answer.choice)))
    single = question.kind is QuestionKind.SINGLE
    if answer.text or (single and len(choice) > 1) or any(not 1 <= one <= len(question.options) for one in choice):
        raise Invalid("not an answer to this question", fields={"choice": "invalid"})
    return Answer(choice)


def in_language(texts: Mapping[Locale, str], locale: Locale) -> str:
    """A text of a quiz in a language, else in English, else in whichever it has."""
    return texts.get(locale) or texts.get(Locale.EN) or next(iter(texts.values()), "")


def state_of(attempts: Sequence[Attempt]) -> QuizState:
    """How somebody with these attempts stands."""
    if any(one.passed for one in attempts):
        return QuizState.PASSED
    if any(one.finished_at is None for one in attempts):
        return QuizState.RUNNING
    return QuizState.FAILED if attempts else QuizState.NEW


def facts(quiz: Quiz) -> QuizFacts:
    """What is said of a quiz before it is started."""
    return QuizFacts(
        questions=len(quiz.questions),
        total=quiz.total,
        minutes=quiz.minutes,
        passing_percent=quiz.passing_percent,
        attempts=quiz.attempts,
        required=quiz.required,
    )


def shown(question: Question, answer: Answer | None, locale: Locale) -> ShownQuestion:
    """A question in a language, without its right answers."""
    return ShownQuestion(
        id=question.id,
        kind=question.kind,
        text=in_language(question.text, locale),
        options=tuple(in_language(option.text, locale) for option in question.options),
        points=question.points,
        answer=answer,
    )


def reviewed(question: Question, answer: Answer | None, locale: Locale, *, answers: bool) -> ReviewedQuestion:
    """A question of a finished attempt, with its right ``answers`` or without them."""
    options = [in_language(option.text, locale) for option in question.options]
    if answer is None or answer.is_empty:
        given: tuple[str, ...] = ()
    elif question.kind is QuestionKind.TEXT:
        given = (answer.text,)
    else:
        given = tuple(options[number - 1] for number in answer.choice)
    return ReviewedQuestion(
        text=in_language(question.text, locale),
        points=question.points,
        right=is_right(question, answer),
        given=given,
        answers=_answers(question, options, locale) if answers else (),
    )


def _answers(question: Question, options: Sequence[str], locale: Locale) -> tuple[str, ...]:
    if question.kind is QuestionKind.TEXT:
        accepted = question.accepted
        return accepted.get(locale) or accepted.get(Locale.EN) or next(iter(accepted.values()), ())
    return tuple(text for text, option in zip(options, question.options, strict=True) if option.right)
