"""The quiz of the demo's course, taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.identity.types import Actor
from backend.quizzes.service import AttemptsService
from backend.quizzes.types import Answer

RIGHT: Final = (Answer((2,)), Answer((1, 3, 4)), Answer((1,)), Answer(text="nothing"), Answer((2,)))
"""The right answers."""
WRONG: Final = (Answer((2,)), Answer((1, 3)), Answer((2,)), Answer(text="لا شيء"), Answer((2,)))
"""One is not what the quiz asks for, and one only a part of it: three of six points, which are not enough."""


async def take_quiz(
    attempts: AttemptsService, student: Actor, course: str, lesson: str, answers: Sequence[Answer]
) -> None:
    """A first attempt with these answers, which is submitted once all questions have one."""
    await attempts.start(student, course, lesson, number=1)
    running = (await attempts.page(student, course, lesson)).running
    if running is None:
        return
    for place, (question, answer) in enumerate(zip(running.questions, answers, strict=False), start=1):
        await attempts.answer(student, course, lesson, running.id, question.id, answer, place=place + 1)
    if len(answers) == len(running.questions):
        await attempts.submit(student, course, lesson, running.id)
