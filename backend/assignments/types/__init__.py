"""What students submit and ask, and what teachers answer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.courses.types import CourseId, EnrolmentId, LessonId
from backend.courses.types.subjects import LessonSubject
from backend.kernel.events import Event
from backend.kernel.ids import UserId

SubmissionId = NewType("SubmissionId", UUID)
SubmittedFileId = NewType("SubmittedFileId", UUID)
FeedbackId = NewType("FeedbackId", UUID)

LONGEST_TEXT: Final = 8000
"""Signs of what a student writes."""
LONGEST_FEEDBACK: Final = 3500
"""Signs of a teacher's text: with what stands around it, it fits into one message of the chat."""
MOST_FILES: Final = 10
"""Files of one version, as many as an album of Telegram's has."""
INBOX_TOPIC: Final = "assignments"
"""The signal that the inbox has changed."""


class WorkKind(StrEnum):
    """What a student sends."""

    ASSIGNMENT = "assignment"
    QUESTION = "question"
    """To the teacher, about a lesson."""


class WorkState(StrEnum):
    """How a submission stands."""

    RECEIVED = "received"
    """Stored and answered automatically: the student's plan has no feedback."""
    IN_REVIEW = "in_review"
    """A teacher is to answer it."""
    RETURNED = "returned"
    """Answered: the teacher asks for another version."""
    ACCEPTED = "accepted"
    """Answered."""


class Verdict(StrEnum):
    """What a teacher says of a version."""

    ACCEPT = "accept"
    AGAIN = "again"
    """Another version is asked for."""


class Upload(msgspec.Struct, frozen=True):
    """A file that somebody sends, with the name that their device gave it."""

    name: str
    data: bytes


class SubmittedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a version. ``mime`` is what its content says; ``size`` is in bytes."""

    id: SubmittedFileId
    name: str
    mime: str
    size: int
    in_page: bool = True
    """False for one that is only in the chat, as it is too large to be stored."""

    @property
    def is_picture(self) -> bool:
        """Whether a page shows it as a picture."""
        return self.in_page and self.mime in {"image/png", "image/jpeg", "image/webp", "image/gif"}


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What a student submitted at a time; it never changes."""

    number: int
    text: str
    files: tuple[SubmittedFile, ...]
    submitted_at: datetime
    due_at: datetime | None
    """Until when feedback was promised; None where the plan has none."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What a teacher answered to a version; ``sent_at`` is None for a draft, which only its author sees."""

    id: FeedbackId
    version: int
    author_id: UserId
    verdict: Verdict
    text: str
    revision: int
    created_at: datetime
    sent_at: datetime | None
    corrected_at: datetime | None
    chat: tuple[int, int] | None = None
    """The chat and the message of the teacher that it was made of."""
    copied: bool = False
    """That message is copied to the student; ``text`` is at most its caption."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What a student submitted for a lesson, or a question of theirs."""

    id: SubmissionId
    kind: WorkKind
    enrolment_id: EnrolmentId
    user_id: UserId
    course_id: CourseId
    lesson_id: LessonId
    state: WorkState
    versions: int
    """How many there are; the latest has this number."""
    reviewer_id: UserId | None
    """Who is to answer it; None where nobody is."""
    submitted_at: datetime
    """When the latest version came."""
    due_at: datetime | None
    """Until when an answer to it is promised."""
    answered_at: datetime | None
    """When the latest version was first answered by a teacher."""

    def is_overdue(self, now: datetime) -> bool:
        """Whether the promised time is over without an answer."""
        return self.state is WorkState.IN_REVIEW and self.due_at is not None and self.due_at < now


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A submission with everything that was written in it, the oldest first."""

    submission: Submission
    versions: tuple[Version, ...]
    feedback: tuple[Feedback, ...]


class StudentPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page on which a student submits the assignment of a lesson, or asks about it.

    ``assignment`` is what is to be submitted, in the language ``locale``; empty where the lesson has none.
    """

    lesson_id: LessonId
    course_slug: str
    lesson_slug: str
    title: str
    day: int
    assignment: str
    required: bool
    feedback_hours: int | None
    """Within how many hours the student's plan promises feedback; None for no feedback."""
    threads: tuple[Thread, ...]
    """The assignment first, if there is one, then the questions."""
    preview: bool
    """A teacher looks at it: nothing can be submitted."""


class InboxState(StrEnum):
    """What the inbox shows."""

    OPEN = "open"
    OVERDUE = "overdue"
    ANSWERED = "answered"


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A submission in the inbox."""

    submission: Submission
    about: LessonSubject


class InboxCount(msgspec.Struct, frozen=True):
    """How many submissions wait for an answer, and how many of them for longer than promised."""

    open: int
    overdue: int


class ReviewPage(msgspec.Struct, frozen=True, kw_only=True):
    """A submission as a teacher answers it; ``draft`` is what they have begun to write."""

    thread: Thread
    about: LessonSubject
    assignment: str
    """What was to be submitted; empty for a question."""
    draft: Feedback | None


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is sent to a teacher's chat: copied from the student's ``chat`` (chat, message), else ``data``."""

    file: SubmittedFile
    chat: tuple[int, int] | None
    data: bytes | None


class ChatFile(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody sends in the chat beside text; ``file_id`` is None for what bots can only copy."""

    name: str
    file_id: str | None = None
    size: int | None = None


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the chat with the bot; ``album`` is what the messages of an album have in common."""

    message_id: int
    reply_to: int | None
    album: str | None
    text: str
    file: ChatFile | None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message: a part of a submission, or the ``feedback`` of a teacher to the student ``name``."""

    feedback: FeedbackId | None = None
    name: str = ""
    new: bool = True
    can_ask_again: bool = False


class Edited(StrEnum):
    """What became of a change of a message in the chat."""

    CORRECTED = "corrected"
    """The feedback that it was made into is corrected."""
    SUBMITTED = "submitted"
    """It is another version."""
    NOT_FOLLOWED = "not_followed"
    """The other side keeps what was sent before."""


class CollectPart(msgspec.Struct, frozen=True):
    """The payload of ``assignments.collect``: a message that becomes a version, with the others of its album."""

    chat_id: int
    message_id: int


class DeleteFiles(msgspec.Struct, frozen=True):
    """The payload of ``assignments.delete_files``: private files that were moved, in the archive or out of it."""

    names: tuple[str, ...]
    archived: bool


class StoredContent(msgspec.Struct, frozen=True):
    """A file as it is sent to a browser."""

    name: str
    mime: str
    data: bytes


class SubmissionReceived(Event, frozen=True, kw_only=True):
    """A student has submitted a version, or asked; ``reviewer_id`` is None where no teacher is to answer."""

    submission_id: SubmissionId
    version: int
    user_id: UserId
    reviewer_id: UserId | None
    reviewed: bool
    """The student's plan promises an answer by a teacher."""
    in_chat: bool = False
    """The student has sent it in the chat."""
    files: tuple[SubmittedFileId, ...] = ()


class SubmissionFilesAdded(Event, frozen=True, kw_only=True):
    """A late part of an album has come, and is in the version of the others."""

    submission_id: SubmissionId
    version: int
    user_id: UserId
    reviewer_id: UserId | None
    files: tuple[SubmittedFileId, ...]


class SubmissionNotTaken(Event, frozen=True, kw_only=True):
    """What a student sent in the chat is in no version, because of ``reason``: the code of an error, or ``empty``."""

    lesson_id: LessonId
    user_id: UserId
    chat_id: int
    message_id: int
    reason: str


class SubmissionReassigned(Event, frozen=True, kw_only=True):
    """Another teacher is to answer a submission, because the one before teaches no more or gave it away."""

    submission_id: SubmissionId
    version: int
    user_id: UserId
    reviewer_id: UserId
    files: tuple[SubmittedFileId, ...] = ()


class SubmissionOverdue(Event, frozen=True, kw_only=True):
    """The promised time of a version is over without an answer."""

    submission_id: SubmissionId
    version: int
    user_id: UserId
    files: tuple[SubmittedFileId, ...] = ()


class FeedbackSent(Event, frozen=True, kw_only=True):
    """A teacher has answered a version."""

    submission_id: SubmissionId
    feedback_id: FeedbackId
    user_id: UserId
    revision: int = 1


class FeedbackCorrected(Event, frozen=True, kw_only=True):
    """A teacher has changed feedback that was sent; ``revision`` counts from 2."""

    submission_id: SubmissionId
    feedback_id: FeedbackId
    user_id: UserId
    revision: int
