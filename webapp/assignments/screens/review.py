"""The inbox of what is submitted, and a submission as a teacher answers it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from backend.assignments.types import (
    LONGEST_FEEDBACK,
    Feedback,
    InboxRow,
    InboxState,
    ReviewPage,
    Verdict,
    WorkKind,
    WorkState,
)
from backend.identity.types import Actor
from backend.kernel.ids import UserId
from backend.kernel.text import pick
from webapp.assignments.screens.threads import Address, Bubble, bubbles, hours_taken
from webapp.core.parts import Chip, address

INBOX = "/admin/assignments"
TextError = Literal["", "required", "too_long"]


class WorkRow(msgspec.Struct, frozen=True, kw_only=True):
    """A submission in the inbox; ``reviewer`` is empty for nobody."""

    id: str
    kind: WorkKind
    state: WorkState
    student: str
    course: str
    lesson: str
    due_at: datetime | None
    overdue: bool
    answered_at: datetime | None
    reviewer: str
    mine: bool


class InboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """assignments/admin/inbox.html"""

    filters: tuple[Chip, ...]
    mine: bool
    mine_href: str
    all_href: str
    rows: tuple[WorkRow, ...]
    next_url: str | None = None


class ReviewView(msgspec.Struct, frozen=True, kw_only=True):
    """assignments/admin/work.html: a submission with the form that answers it, or corrects ``correcting``.

    ``version`` and ``seen`` (how many answers there are) go back with the form; ``taken`` is in how many hours the
    latest version was answered.
    """

    row: WorkRow
    student_href: str
    lesson_href: str
    day: int
    assignment: str
    bubbles: tuple[Bubble, ...]
    submitted_at: datetime
    promised_hours: int | None
    taken: int | None
    version: int
    seen: int
    text: str
    again: bool
    has_draft: bool
    correcting: str = ""
    text_error: TextError = ""
    longest: int = LONGEST_FEEDBACK

    @property
    def path(self) -> str:
        """Its address."""
        return f"{INBOX}/{self.row.id}"


def work_row(one: InboxRow, names: Mapping[UserId, str], actor: Actor, now: datetime) -> WorkRow:
    """A submission in the inbox."""
    submission, about = one.submission, one.about
    return WorkRow(
        id=str(submission.id),
        kind=submission.kind,
        state=submission.state,
        student=names.get(submission.user_id) or "—",
        course=pick(about.course, actor.language),
        lesson=pick(about.name, actor.language),
        due_at=submission.due_at,
        overdue=submission.is_overdue(now),
        answered_at=submission.answered_at,
        reviewer=(names.get(submission.reviewer_id) or "—") if submission.reviewer_id else "",
        mine=submission.reviewer_id == actor.user_id,
    )


def filters(chosen: InboxState, *, mine: bool) -> tuple[Chip, ...]:
    """What the inbox shows."""
    return tuple(
        Chip(href=inbox_href(state, mine=mine), active=state is chosen, key=state.value) for state in InboxState
    )


def inbox_href(state: InboxState, *, mine: bool, page: int = 0) -> str:
    """The address of the inbox so filtered."""
    return address(
        INBOX,
        state=state.value if state is not InboxState.OPEN else None,
        mine="1" if mine else None,
        page=str(page) if page else None,
    )


def review_view(
    page: ReviewPage,
    names: Mapping[UserId, str],
    actor: Actor,
    now: datetime,
    file_address: Address,
    correcting: UUID | None = None,
) -> ReviewView:
    """A submission as a teacher answers it; the form holds their draft, or the feedback that they correct."""
    one = page.thread.submission

    def correct(feedback: Feedback) -> str:
        return f"{INBOX}/{one.id}?correct={feedback.id}"

    corrected = next((item for item in page.thread.feedback if item.id == correcting), None)
    begun = corrected or page.draft
    promised = one.due_at - one.submitted_at if one.due_at else None
    return ReviewView(
        row=work_row(InboxRow(submission=one, about=page.about), names, actor, now),
        student_href=f"/admin/courses/{one.course_id}/students/{one.enrolment_id}",
        lesson_href=f"/admin/courses/{one.course_id}/lessons/{one.lesson_id}" if not page.about.deleted else "",
        day=page.about.day,
        assignment=page.assignment,
        bubbles=bubbles(page.thread, file_address, names, correct=correct),
        submitted_at=one.submitted_at,
        promised_hours=round(promised.total_seconds() / 3600) if promised else None,
        taken=hours_taken(page.thread),
        version=one.versions,
        seen=len(page.thread.feedback),
        text=begun.text if begun else "",
        again=begun is not None and begun.verdict is Verdict.AGAIN,
        has_draft=page.draft is not None,
        correcting=str(corrected.id) if corrected else "",
    )
