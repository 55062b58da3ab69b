"""What a student and their teachers wrote to each other, as bubbles of a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from backend.assignments.types import Feedback, SubmittedFile, Thread, Verdict, Version
from backend.kernel.ids import UserId

Address = Callable[[SubmittedFile], str]
"""Makes the address at which a browser gets a file."""


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a version; pictures are shown."""

    name: str
    size: int
    url: str
    """Empty for one that is only in the chat."""
    picture: bool


class Bubble(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the student's, or feedback of a teacher's."""

    at: datetime
    text: str
    by_student: bool
    name: str = ""
    """Who wrote it, where that is to be said."""
    version: int
    files: tuple[FileView, ...] = ()
    again: bool = False
    """The teacher asks for another version."""
    corrected: bool = False
    in_chat: bool = False
    """It is more than its text: a message that was sent in the chat."""
    correct_url: str = ""
    """Where a teacher corrects it."""


def bubbles(
    thread: Thread, address: Address, names: Mapping[UserId, str], *, correct: Callable[[Feedback], str] = lambda _: ""
) -> tuple[Bubble, ...]:
    """The thread in the order of time."""
    student = names.get(thread.submission.user_id, "")
    written = [_version(one, address, student) for one in thread.versions]
    written += [_feedback(one, names.get(one.author_id, ""), correct(one)) for one in thread.feedback]
    return tuple(sorted(written, key=lambda one: one.at))


def _version(version: Version, address: Address, name: str) -> Bubble:
    files = tuple(_file(file, address) for file in version.files)
    return Bubble(
        at=version.submitted_at, text=version.text, by_student=True, name=name, version=version.number, files=files
    )


def _file(file: SubmittedFile, address: Address) -> FileView:
    url = address(file) if file.in_page else ""
    return FileView(name=file.name, size=file.size, url=url, picture=file.is_picture)


def _feedback(feedback: Feedback, name: str, correct_url: str) -> Bubble:
    return Bubble(
        at=feedback.sent_at or feedback.created_at,
        text=feedback.text,
        by_student=False,
        name=name,
        version=feedback.version,
        again=feedback.verdict is Verdict.AGAIN,
        corrected=feedback.corrected_at is not None,
        in_chat=feedback.copied,
        correct_url="" if feedback.copied else correct_url,
    )


def hours_taken(thread: Thread) -> int | None:
    """In how many hours the latest version was answered, rounded up; None where it was not."""
    one = thread.submission
    if one.answered_at is None:
        return None
    return -((one.submitted_at - one.answered_at) // timedelta(hours=1))


def state_of(thread: Thread | None) -> str:
    """How the work stands, for words and colours; ``none`` where nothing was submitted."""
    return thread.submission.state.value if thread else "none"
