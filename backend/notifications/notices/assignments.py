"""What teachers hear of what students submit, and students of what teachers answer."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.assignments import domain
from backend.assignments.types import (
    Feedback,
    FeedbackCorrected,
    FeedbackSent,
    Submission,
    SubmissionFilesAdded,
    SubmissionId,
    SubmissionNotTaken,
    SubmissionOverdue,
    SubmissionReassigned,
    SubmissionReceived,
    SubmittedFileId,
    Thread,
    Verdict,
    Version,
    WorkKind,
    WorkState,
)
from backend.courses.domain.subjects import get_lesson
from backend.courses.types.subjects import LessonSubject
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.formatting import format_number
from backend.infra.jobs import Job
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.notifications.notice import Audience, Draft, Edit, Notice, Params, admins, person
from backend.notifications.types import Button, Document, Message, Original
from backend.support.types import Subject, SubjectKind

_LONGEST_EXCERPT: Final = 1500


async def _to_review(draft: Draft, params: Params) -> Message | None:
    """What is to be answered; nothing where it was answered, sent again or given to somebody else meanwhile."""
    event = msgspec.convert(params, SubmissionReceived)
    thread = await domain.get_thread(draft.tx, draft.ring, event.submission_id)
    one = thread.submission
    if not _waits(one, event.version) or one.reviewer_id != draft.reader.user_id:
        return None
    return await _work(draft, thread, _head(draft, one))


async def _given(draft: Draft, params: Params) -> Message | None:
    """The same for who answers instead of somebody else."""
    event = msgspec.convert(params, SubmissionReassigned)
    thread = await domain.get_thread(draft.tx, draft.ring, event.submission_id)
    one = thread.submission
    if not _waits(one, event.version) or one.reviewer_id != draft.reader.user_id:
        return None
    return await _work(draft, thread, _head(draft, one))


async def _overdue(draft: Draft, params: Params) -> Message | None:
    """What nobody has answered in time; nothing where somebody has meanwhile."""
    event = msgspec.convert(params, SubmissionOverdue)
    thread = await domain.get_thread(draft.tx, draft.ring, event.submission_id)
    if not _waits(thread.submission, event.version):
        return None
    _ = draft.words.translator.gettext
    return await _work(draft, thread, _("<b>Overdue: {person} is waiting for an answer</b>"))


def _waits(submission: Submission, version: int) -> bool:
    return submission.state is WorkState.IN_REVIEW and submission.versions == version


def _head(draft: Draft, submission: Submission) -> str:
    _ = draft.words.translator.gettext
    if submission.kind is WorkKind.QUESTION:
        return _("<b>Question from {person}</b>")
    if submission.versions > 1:
        return _("<b>{person} has submitted another version</b>")
    return _("<b>{person} has submitted an assignment</b>")


async def _work(draft: Draft, thread: Thread, head: str) -> Message:
    """The latest version, as far as it fits, with a button to the page where it is answered."""
    words, one = draft.words, thread.submission
    _ = words.translator.gettext
    names = await identity.user_names(draft.tx, [one.user_id])
    rows = [head.format(person=words.isolated(names.get(one.user_id, "")))]
    rows.append(_where(draft, await get_lesson(draft.tx, one.lesson_id)))
    rows += _excerpt(draft, thread.versions[-1])
    if one.due_at is not None:
        rows.append(_("Promised by {time}").format(time=draft.moment(one.due_at)))
    rows.append(_("Reply to this message to answer."))
    button = words.button(_("Open and answer"), f"/admin/assignments/{one.id}")
    return Message("\n".join(rows), (button,), about=_about(one, one.versions))


async def _file(draft: Draft, params: Params) -> Message | None:
    """One file of what is to be answered: copied from the student's chat, or sent as it was uploaded."""
    submission_id, version = SubmissionId(UUID(params["submission_id"])), int(params["version"])
    one = (await domain.get_thread(draft.tx, draft.ring, submission_id)).submission
    reviewer = params.get("reviewer_id")
    if not _waits(one, version) or (reviewer is not None and reviewer != str(draft.reader.user_id)):
        return None
    sent = await domain.get_file(draft.tx, draft.ring, draft.files, SubmittedFileId(UUID(params["file_id"])))
    _ = draft.words.translator.gettext
    name, about = draft.words.isolated(sent.file.name), _about(one, version)
    if sent.data is not None:
        document = Document(sent.file.name, sent.data, picture=sent.file.is_picture)
        original = Original(*sent.chat) if sent.chat else None
        return Message("", document=document, original=original, about=about)
    text = _("{file} can't be shown here: it was deleted, or bots may not copy it.").format(file=name)
    return Message(text, original=Original(*sent.chat) if sent.chat else None, about=about)


def _files(event: Event, _job: Job) -> list[Params]:
    """One message a file."""
    facts: Params = msgspec.to_builtins(event)
    names = ("submission_id", "version", "reviewer_id")
    shared = {name: facts[name] for name in names if name in facts}
    return [shared | {"file_id": file_id} for file_id in facts["files"]]


def _about(submission: Submission, version: int) -> Subject:
    return Subject(SubjectKind.SUBMISSION, submission.id, submission.user_id, version)


def _excerpt(draft: Draft, version: Version) -> list[str]:
    rows = []
    if version.text:
        cut = version.text[:_LONGEST_EXCERPT] + ("…" if len(version.text) > _LONGEST_EXCERPT else "")
        rows.append(f"<blockquote>{html.escape(cut, quote=False)}</blockquote>")
    if version.files:
        count = len(version.files)
        files = draft.words.translator.ngettext("%(count)s file", "%(count)s files", count)
        rows.append(files % {"count": format_number(count, draft.words.locale)})
    return rows


def _where(draft: Draft, lesson: LessonSubject) -> str:
    return f"{draft.words.name(lesson.course)}: {draft.words.name(lesson.name)}"


async def _received(draft: Draft, params: Params) -> Message:
    """The automatic answer, where the plan has no feedback."""
    event = msgspec.convert(params, SubmissionReceived)
    one = (await domain.get_thread(draft.tx, draft.ring, event.submission_id)).submission
    lesson = await get_lesson(draft.tx, one.lesson_id)
    _ = draft.words.translator.gettext
    rows = [_("<b>We've received your assignment</b>"), _where(draft, lesson)]
    rows.append(_("Your plan has no feedback by a teacher. You can submit another version at any time."))
    return Message("\n".join(rows), (_button(draft, one, lesson),), about=_about(one, event.version))


async def _taken(draft: Draft, params: Params) -> Message:
    """That what came in the chat is submitted, and until when it is answered."""
    event = msgspec.convert(params, SubmissionReceived)
    thread = await domain.get_thread(draft.tx, draft.ring, event.submission_id)
    one, lesson = thread.submission, await get_lesson(draft.tx, thread.submission.lesson_id)
    _ = draft.words.translator.gettext
    question = one.kind is WorkKind.QUESTION
    head = _("<b>Your question is sent</b>") if question else _("<b>Your assignment is submitted</b>")
    rows = [head, _where(draft, lesson)]
    rows += _excerpt(draft, msgspec.structs.replace(thread.versions[event.version - 1], text=""))
    if one.due_at is not None:
        rows.append(_("Answer promised by {time}").format(time=draft.moment(one.due_at)))
    return Message("\n".join(rows), (_button(draft, one, lesson),), about=_about(one, event.version))


async def _not_taken(draft: Draft, params: Params) -> Message:
    """Why what came in the chat is not submitted."""
    event = msgspec.convert(params, SubmissionNotTaken)
    lesson = await get_lesson(draft.tx, event.lesson_id)
    _ = draft.words.translator.gettext
    reasons = {
        "empty": _("The file is empty. Send it again."),
        "no_assignment": _("This lesson has no assignment any more."),
        "no_feedback_in_plan": _("Your plan has no feedback by a teacher."),
    }
    why = reasons.get(event.reason, _("You can't open this lesson now."))
    return Message("\n".join([_("<b>Your message was not submitted</b>"), _where(draft, lesson), why]))


async def _answered(draft: Draft, params: Params) -> Message:
    """Feedback as it is now: corrected feedback is an edit of the same message."""
    event = msgspec.convert(params, FeedbackSent)
    thread = await domain.get_thread(draft.tx, draft.ring, event.submission_id)
    feedback = next((one for one in thread.feedback if one.id == event.feedback_id), None)
    if feedback is None:
        raise NotFound("no such feedback")
    one, lesson = thread.submission, await get_lesson(draft.tx, thread.submission.lesson_id)
    rows = [_verdict(draft, one, feedback), _where(draft, lesson), "", html.escape(feedback.text, quote=False)]
    if feedback.corrected_at is not None:
        rows += ["", f"<i>{draft.words.translator.gettext('Corrected')}</i>"]
    copied = Original(*feedback.chat) if feedback.copied and feedback.chat else None
    about = _about(one, feedback.version)
    return Message("\n".join(rows), (_button(draft, one, lesson),), original=copied, about=about)


def _verdict(draft: Draft, submission: Submission, feedback: Feedback) -> str:
    _ = draft.words.translator.gettext
    if submission.kind is WorkKind.QUESTION:
        return _("<b>Your teacher has answered your question</b>")
    if feedback.verdict is Verdict.AGAIN:
        return _("<b>Your teacher asks for another version</b>")
    return _("<b>Your assignment is accepted</b>")


def _button(draft: Draft, submission: Submission, lesson: LessonSubject) -> Button:
    _ = draft.words.translator.gettext
    if submission.kind is WorkKind.QUESTION:
        return draft.words.button(_("Open question"), f"{lesson.path}/questions")
    return draft.words.button(_("Open assignment"), f"{lesson.path}/assignment")


async def _reviewer(_tx: Tx, event: Any) -> Sequence[UserId]:
    return [event.reviewer_id] if event.reviewer_id is not None else []


_TEACHERS: Final[Audience[Any]] = admins(Permission.TEACHING, but=lambda event: {event.user_id})
_FILES: Final[tuple[tuple[type[Event], Audience[Any], str], ...]] = (
    (SubmissionReceived, Audience(_reviewer), "submission_file:{file_id}"),
    (SubmissionFilesAdded, Audience(_reviewer), "submission_file:{file_id}"),
    (SubmissionReassigned, person(lambda event: event.reviewer_id), "submission_file_given:{file_id}:{reviewer_id}"),
    (SubmissionOverdue, _TEACHERS, "submission_file_overdue:{file_id}"),
)
"""Who gets the files of a version, after the message that says what it is."""
NOTICES: Final[tuple[Notice[Any] | Edit[Any], ...]] = (
    Notice(
        event=SubmissionReceived,
        kind="submission_to_review",
        audience=Audience(_reviewer),
        key="submission_to_review:{submission_id}:{version}",
        compose=_to_review,
        when=lambda event: event.reviewed,
        urgent=False,
    ),
    *(
        Notice(
            event=event,
            kind="submission_file",
            audience=audience,
            key=key,
            compose=_file,
            params=_files,
            urgent=False,
        )
        for event, audience, key in _FILES
    ),
    Notice(
        event=SubmissionReceived,
        kind="submission_taken",
        audience=person(lambda event: event.user_id),
        key="submission_taken:{submission_id}:{version}",
        compose=_taken,
        when=lambda event: event.in_chat and event.reviewed,
    ),
    Notice(
        event=SubmissionNotTaken,
        kind="submission_not_taken",
        audience=person(lambda event: event.user_id),
        key="submission_not_taken:{chat_id}:{message_id}",
        compose=_not_taken,
    ),
    Notice(
        event=SubmissionReceived,
        kind="submission_received",
        audience=person(lambda event: event.user_id),
        key="submission_received:{submission_id}:{version}",
        compose=_received,
        when=lambda event: not event.reviewed,
        urgent=False,
    ),
    Notice(
        event=SubmissionReassigned,
        kind="submission_given",
        audience=person(lambda event: event.reviewer_id),
        key="submission_given:{submission_id}:{version}:{reviewer_id}",
        compose=_given,
        urgent=False,
    ),
    Notice(
        event=SubmissionOverdue,
        kind="submission_overdue",
        audience=_TEACHERS,
        key="submission_overdue:{submission_id}:{version}",
        compose=_overdue,
        urgent=False,
    ),
    Notice(
        event=FeedbackSent,
        kind="submission_answered",
        audience=person(lambda event: event.user_id),
        key="submission_answered:{feedback_id}",
        thread="feedback:{feedback_id}",
        compose=_answered,
        urgent=False,
    ),
    Edit(
        event=FeedbackCorrected,
        thread="feedback:{feedback_id}",
        changes=lambda event: {"revision": event.revision},
    ),
)
