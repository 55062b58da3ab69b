"""What students are told of their access to courses."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.certificates import domain as certificates
from backend.courses.domain import reminders
from backend.courses.domain.subjects import get_lesson, get_subject
from backend.courses.types import (
    CourseAccessEnded,
    CourseCompleted,
    CourseDowngraded,
    CourseJoined,
    CourseUpgraded,
    EndReason,
)
from backend.courses.types.reminders import REMINDERS_OFF, ReminderDue
from backend.courses.types.subjects import Subject
from backend.infra.formatting import format_date
from backend.kernel.ids import UserId
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.notices import community
from backend.notifications.types import Button, Message

_SOON: Final = timedelta(minutes=2)
"""The first lesson that comes with the welcome itself is not announced."""


async def _joined(draft: Draft, params: Params) -> Message | None:
    """Nothing where access has ended since."""
    event, words = msgspec.convert(params, CourseJoined), draft.words
    subject = await get_subject(draft.tx, event.enrolment_id, event.grant_id)
    if subject.tariff is None:
        return None
    _ = words.translator.gettext
    course, plan = words.name(subject.name), words.name(subject.tariff)
    if not event.first:
        rows = [_("<b>You have access to {course} again</b>").format(course=course), _("Your progress is saved.")]
        return await _with_groups(draft, event.user_id, subject, rows, _("Continue course"))
    rows = [_("<b>You have joined {course}</b>").format(course=course), _("Plan: {plan}").format(plan=plan)]
    if subject.starts_on is not None and subject.starts_on > draft.tx.now.date():
        rows.append(_("It starts on {date}.").format(date=format_date(subject.starts_on, words.locale)))
    if subject.next_due_at is not None and subject.next_due_at > draft.tx.now + _SOON:
        rows.append(_("Next lesson: {moment}").format(moment=draft.live_moment(subject.next_due_at)))
    rows.append(_("Lessons come to this chat. You can read them in the app too."))
    return await _with_groups(draft, event.user_id, subject, rows, _("Start course"))


async def _upgraded(draft: Draft, params: Params) -> Message | None:
    return await _plan(draft, msgspec.convert(params, CourseUpgraded))


async def _downgraded(draft: Draft, params: Params) -> Message | None:
    return await _plan(draft, msgspec.convert(params, CourseDowngraded))


async def _plan(draft: Draft, event: CourseUpgraded | CourseDowngraded) -> Message | None:
    """Which plan it is now; nothing where access has ended since."""
    words = draft.words
    subject = await get_subject(draft.tx, event.enrolment_id, event.grant_id)
    if subject.tariff is None:
        return None
    _ = words.translator.gettext
    head = _("<b>Your plan for {course} is now {plan}</b>")
    text = head.format(course=words.name(subject.name), plan=words.name(subject.tariff))
    note = _("Your progress and your schedule stay as they are.")
    return await _with_groups(draft, event.user_id, subject, [text, note], _("Continue course"))


async def _with_groups(draft: Draft, user_id: UserId, subject: Subject, rows: list[str], button: str) -> Message:
    """The message with the button of the course, then the groups that the plan opens."""
    lines, joins = await community.welcome(draft, user_id, subject.slug)
    return Message("\n".join([*rows, *lines]), (_button(draft, subject, button), *joins))


async def _ended(draft: Draft, params: Params) -> Message | None:
    """Nothing where the person has access again."""
    event, words = msgspec.convert(params, CourseAccessEnded), draft.words
    subject = await get_subject(draft.tx, event.enrolment_id, event.grant_id)
    if subject.tariff is not None:
        return None
    _ = words.translator.gettext
    rows = [_("<b>Your access to {course} has ended</b>").format(course=words.name(subject.name))]
    if event.reason is EndReason.REFUNDED:
        rows.append(_("Your payment was refunded."))
    else:
        rows.append(_("An admin ended it. If this is a mistake, write to us here."))
    rows.append(_("Your progress is saved."))
    return Message("\n".join(rows))


async def _completed(draft: Draft, params: Params) -> Message | None:
    event, words = msgspec.convert(params, CourseCompleted), draft.words
    subject = await get_subject(draft.tx, event.enrolment_id)
    _ = words.translator.gettext
    head = _("<b>You have completed {course}</b>").format(course=words.name(subject.name))
    note = _("You can read its lessons at any time.")
    buttons = [_button(draft, subject, _("Open course"))]
    if await certificates.can_ask(draft.tx, event.enrolment_id):
        buttons.insert(0, words.button(_("Get certificate"), f"/learn/{subject.slug}/certificate"))
    return Message(f"{head}\n{note}", tuple(buttons))


async def _reminder(draft: Draft, params: Params) -> Message | None:
    """Where they left off; nothing where they have come back since, or want no reminders."""
    event, words = msgspec.convert(params, ReminderDue), draft.words
    lesson_id = await reminders.find_todo(draft.tx, event.enrolment_id, event.number)
    if lesson_id is None:
        return None
    lesson = await get_lesson(draft.tx, lesson_id)
    _ = words.translator.gettext
    rows = [
        _("<b>Your lesson is waiting for you</b>"),
        words.name(lesson.course),
        words.name(lesson.name),
        _("Go on where you left off, whenever it suits you."),
    ]
    buttons = (words.button(_("Continue"), lesson.path), Button(_("Turn off reminders"), callback=REMINDERS_OFF))
    return Message("\n".join(rows), buttons)


def _button(draft: Draft, subject: Subject, text: str) -> Button:
    return draft.words.button(text, f"/learn/{subject.slug}")


NOTICES: Final = (
    Notice(
        event=CourseJoined,
        kind="course_joined",
        audience=person(lambda event: event.user_id),
        key="course_joined:{grant_id}",
        compose=_joined,
    ),
    Notice(
        event=CourseUpgraded,
        kind="course_upgraded",
        audience=person(lambda event: event.user_id),
        key="course_upgraded:{grant_id}",
        compose=_upgraded,
    ),
    Notice(
        event=CourseDowngraded,
        kind="course_downgraded",
        audience=person(lambda event: event.user_id),
        key="course_downgraded:{grant_id}",
        compose=_downgraded,
        urgent=False,
    ),
    Notice(
        event=CourseAccessEnded,
        kind="course_access_ended",
        audience=person(lambda event: event.user_id),
        key="course_access_ended:{grant_id}",
        compose=_ended,
        urgent=False,
    ),
    Notice(
        event=CourseCompleted,
        kind="course_completed",
        audience=person(lambda event: event.user_id),
        key="course_completed:{enrolment_id}",
        compose=_completed,
    ),
    Notice(
        event=ReminderDue,
        kind="course_reminder",
        audience=person(lambda event: event.user_id),
        key="course_reminder:{enrolment_id}:{at}",
        compose=_reminder,
        urgent=False,
    ),
)
