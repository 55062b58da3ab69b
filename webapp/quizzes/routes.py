"""Students take quizzes: begun, answered one question at a time, checked, submitted."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.quizzes.errors import AttemptOver
from backend.quizzes.types import Answer, AttemptId
from webapp.core import forms
from webapp.core.answers import overtaken, replaced
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, fragment, page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.quizzes.screens import quiz_view

_QUIZ: Final = "/learn/{slug:str}/{lesson:str}/quiz"
_OPTION: Final = re.compile(r"[1-9][0-9]?")
_Place = Annotated[int, Meta(ge=1, le=1000)]


class QuizQuery(msgspec.Struct, frozen=True):
    """The question that is asked for, from 1."""

    q: _Place | None = None


class StartForm(msgspec.Struct, frozen=True):
    """The number of the attempt that is to begin: a second tap begins no other one."""

    number: _Place


class AnswerForm(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, without the chosen options; ``to`` is the question to go to, None for only storing it."""

    attempt: UUID
    question: Annotated[str, Meta(max_length=64)]
    text: Annotated[str, Meta(max_length=5000)] = ""
    to: _Place | None = None


class SubmitForm(msgspec.Struct, frozen=True):
    """The attempt that is finished."""

    attempt: UUID


class Saved(msgspec.Struct, frozen=True):
    """quizzes/_saved.html: an answer is stored."""

    empty: bool
    too_long: bool = False


@get(_QUIZ, name="quizzes:quiz")
async def quiz(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """The quiz of a lesson where it was left. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    return await _page(request, slug, lesson, at=forms.read_query(request, QuizQuery).q)


@post(_QUIZ + "/start", name="quizzes:start", guards=[limited(WRITE)], status_code=200)
async def start(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Begin an attempt. Raises NotFound, Forbidden, AccessEnded, LessonLocked, NoQuiz, NoAttemptsLeft."""
    form = await forms.read_form(request, StartForm)
    await site_of(request).services.quizzes.attempts.start(request.user, slug, lesson, number=form.number)
    return await _page(request, slug, lesson)


@post(_QUIZ + "/answers", name="quizzes:answer", guards=[limited(WRITE)], status_code=200)
async def answer(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Store an answer as it is given, and go to another question where one is named.

    Raises NotFound, Forbidden, AccessEnded, LessonLocked.
    """
    form = await forms.read_form(request, AnswerForm)
    given = Answer(_choice((await forms.posted(request)).get("choice", [])), form.text)
    attempts = site_of(request).services.quizzes.attempts
    try:
        await attempts.answer(request.user, slug, lesson, AttemptId(form.attempt), form.question, given, place=form.to)
    except AttemptOver as why:
        return await _over(request, slug, lesson, why)
    except Invalid as refusal:
        if refusal.fields.get("text") != "too_long":
            raise
        return fragment(request, "quizzes/_saved.html", Saved(given.is_empty, too_long=True), status=422)
    if form.to is None:
        return fragment(request, "quizzes/_saved.html", Saved(given.is_empty))
    return await _page(request, slug, lesson)


@post(_QUIZ + "/submit", name="quizzes:submit", guards=[limited(WRITE)], status_code=200)
async def submit(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Finish an attempt, and show what came of it. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    form = await forms.read_form(request, SubmitForm)
    await site_of(request).services.quizzes.attempts.submit(request.user, slug, lesson, AttemptId(form.attempt))
    said = site_of(request).viewer(request.user).words.gettext(_("Submitted"))
    return toast(await _page(request, slug, lesson), said)


def _choice(posted: Any) -> tuple[int, ...]:
    """The numbers of the chosen options. Raises Invalid for what no page sends."""
    given = posted if isinstance(posted, list) else [posted]
    if not all(isinstance(one, str) and _OPTION.fullmatch(one) for one in given):
        raise Invalid("not options", fields={"choice": "invalid"})
    return tuple(int(one) for one in given)


async def _over(request: SoukRequest, slug: str, lesson: str, why: AttemptOver) -> Html:
    """What came of an attempt that takes no answers any more, wherever the answer was to be shown."""
    return overtaken(request, await _page(request, slug, lesson, status=409), why)


async def _page(request: SoukRequest, slug: str, lesson: str, *, at: int | None = None, status: int = 200) -> Html:
    shown = await site_of(request).services.quizzes.attempts.page(request.user, slug, lesson)
    view = quiz_view(shown, at)
    result = page(request, "quizzes/quiz.html", view, tab="learn", back=view.lesson_href, status=status)
    return replaced(result, view.path) if request.method == "POST" else result


HANDLERS: Final = (quiz, start, answer, submit)
