"""Decisions about what is submitted: what it may be, who answers it, until when. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from backend.assignments.types import LONGEST_FEEDBACK, LONGEST_TEXT, MOST_FILES, Upload, Verdict, WorkState
from backend.infra.storage import MAX_UPLOAD_BYTES
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId

_NOT_IN_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control signs, and those that show letters in another order than they are written."""


def clean_text(text: str) -> str:
    """A text as it is stored: plain line breaks, nothing that hides the order of its letters."""
    return _NOT_IN_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def check_work(text: str, files: Sequence[Upload]) -> None:
    """Whether a version may be submitted: a text or files, none of them empty, all together within the upload limit.

    Raises Invalid (field ``text``: ``required``, ``too_long``; field ``files``: ``empty_file``, ``too_large``,
    ``too_many``).
    """
    if len(files) > MOST_FILES:
        raise Invalid("too many files", fields={"files": "too_many"})
    if any(not file.data for file in files):
        raise Invalid("an empty file", fields={"files": "empty_file"})
    if sum(len(file.data) for file in files) > MAX_UPLOAD_BYTES:
        raise Invalid("too large", fields={"files": "too_large"})
    if not text and not files:
        raise Invalid("nothing submitted", fields={"text": "required"})
    if len(text) > LONGEST_TEXT:
        raise Invalid("too long", fields={"text": "too_long"})


def check_feedback(text: str) -> None:
    """Raises Invalid (field ``text``: ``required``, ``too_long``)."""
    if not text or len(text) > LONGEST_FEEDBACK:
        raise Invalid("no text, or too long", fields={"text": "too_long" if text else "required"})


def due(submitted_at: datetime, feedback_hours: int | None) -> datetime | None:
    """Until when a version is to be answered; None where the plan promises nothing."""
    return None if feedback_hours is None else submitted_at + timedelta(hours=feedback_hours)


def state_of_new(feedback_hours: int | None) -> WorkState:
    """How a submission stands whose latest version nobody has answered."""
    return WorkState.RECEIVED if feedback_hours is None else WorkState.IN_REVIEW


def state_after(verdict: Verdict) -> WorkState:
    """How a submission stands whose latest version was answered."""
    return WorkState.RETURNED if verdict is Verdict.AGAIN else WorkState.ACCEPTED


def least_loaded(
    teachers: Sequence[UserId], loads: Mapping[UserId, int], *, not_: UserId, before: UserId | None = None
) -> UserId | None:
    """Who of the teachers answers: who did ``before`` while they teach, else who has the fewest open submissions.

    Nobody answers their own. None where there is no other teacher.
    """
    others = [one for one in teachers if one != not_]
    if before in others:
        return before
    return min(others, key=lambda one: (loads.get(one, 0), one), default=None)
