"""The page on which a student submits an assignment, and the one on which they ask the teacher."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.assignments.types import LONGEST_TEXT, MOST_FILES, StudentPage, Thread, WorkKind
from webapp.assignments.screens.threads import Address, Bubble, bubbles, state_of

TextError = Literal["", "required", "too_long"]
FilesError = Literal["", "empty_file", "too_large", "too_many"]


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment or a question with its answers."""

    id: str
    state: str
    bubbles: tuple[Bubble, ...]


class WorkPage(msgspec.Struct, frozen=True, kw_only=True):
    """assignments/work.html: ``state`` is that of the assignment, ``none`` before it is submitted.

    ``about`` is the question that the form goes on with; ``typed`` is what could not be sent, ``intent`` makes a second
    tap the same version.
    """

    kind: WorkKind
    title: str
    day: int
    lesson_href: str
    path: str
    plans_href: str
    assignment: str
    required: bool
    feedback_hours: int | None
    state: str
    due: datetime | None = None
    threads: tuple[ThreadView, ...]
    preview: bool
    intent: str
    about: str = ""
    typed: str = ""
    text_error: TextError = ""
    files_error: FilesError = ""
    longest: int = LONGEST_TEXT
    most_files: int = MOST_FILES

    @property
    def can_send(self) -> bool:
        """Whether there is a form."""
        if self.preview:
            return False
        return self.feedback_hours is not None if self.kind is WorkKind.QUESTION else bool(self.assignment)


def work_page(page: StudentPage, kind: WorkKind, address: Address, intent: str) -> WorkPage:
    """The page of a lesson's assignment, or of the questions about it."""
    shown = [one for one in page.threads if one.submission.kind is kind]
    first = shown[0] if kind is WorkKind.ASSIGNMENT and shown else None
    last = shown[-1].submission if kind is WorkKind.QUESTION and shown else None
    lesson_href = f"/learn/{page.course_slug}/{page.lesson_slug}"
    return WorkPage(
        kind=kind,
        title=page.title,
        day=page.day,
        lesson_href=lesson_href,
        path=lesson_href + ("/assignment" if kind is WorkKind.ASSIGNMENT else "/questions"),
        plans_href=f"/courses/{page.course_slug}/plans",
        assignment=page.assignment,
        required=page.required,
        feedback_hours=page.feedback_hours,
        state=state_of(first),
        due=first.submission.due_at if first else None,
        threads=tuple(_thread(one, address) for one in shown),
        preview=page.preview,
        intent=intent,
        about=str(last.id) if last else "",
    )


def _thread(thread: Thread, address: Address) -> ThreadView:
    return ThreadView(id=str(thread.submission.id), state=state_of(thread), bubbles=bubbles(thread, address, {}))
