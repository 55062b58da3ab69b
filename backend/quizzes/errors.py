"""Refusals of quizzes."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class NoQuiz(AppError):
    """The lesson has no quiz, or not any more."""

    code = "no_quiz"
    kind = Kind.CONFLICT


class NoAttemptsLeft(AppError):
    """The student has tried the quiz as often as it can be tried."""

    code = "no_attempts_left"
    kind = Kind.CONFLICT


class AttemptOver(AppError):
    """The attempt was submitted before, or its time has run out: it takes no answers."""

    code = "attempt_over"
    kind = Kind.CONFLICT
