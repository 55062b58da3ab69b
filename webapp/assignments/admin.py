"""Teachers answer what is submitted: the inbox, a submission, drafts, feedback and its corrections."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.assignments.errors import AlreadyAnswered
from backend.assignments.types import FeedbackId, InboxState, SubmissionId, Verdict
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from webapp.assignments.routes import file_address
from webapp.assignments.screens import review as present
from webapp.assignments.screens.review import INBOX, InboxPage, ReviewView, TextError
from webapp.core import forms
from webapp.core.answers import overtaken, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment
from webapp.core.site import SoukRequest, site_of

_TEACHING: Final = requires(Permission.TEACHING)
_WRITES: Final = [_TEACHING, limited(WRITE)]
_ONE: Final = INBOX + "/{submission_id:uuid}"


class InboxQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The filter and the page of the inbox."""

    state: InboxState = InboxState.OPEN
    mine: bool = False
    page: Annotated[int, Meta(ge=0, le=10_000)] = 0


class WorkQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The feedback that is to be corrected."""

    correct: UUID | None = None


class FeedbackForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a teacher writes; ``version`` and ``seen`` are what their page showed."""

    text: Annotated[str, Meta(max_length=50_000)] = ""
    verdict: Verdict = Verdict.ACCEPT
    version: forms.Count
    seen: Annotated[int, Meta(ge=0, le=1_000_000)]
    feedback: UUID | None = None


@get(INBOX, name="admin:assignments", guards=[_TEACHING])
async def inbox(request: SoukRequest) -> Html:
    """What is submitted and asked; a next page is rows only."""
    site, actor, query = site_of(request), request.user, forms.read_query(request, InboxQuery)
    listed = await site.services.assignments.review.inbox(actor, query.state, mine=query.mine, page=query.page)
    people = {one.submission.user_id for one in listed} | {
        one.submission.reviewer_id for one in listed if one.submission.reviewer_id
    }
    names, now = await site.services.identity.people.names_of(actor, people), site.now()
    full = len(listed) == site.services.assignments.review.page_size
    view = InboxPage(
        filters=present.filters(query.state, mine=query.mine),
        mine=query.mine,
        mine_href=present.inbox_href(query.state, mine=True),
        all_href=present.inbox_href(query.state, mine=False),
        rows=tuple(present.work_row(one, names, actor, now) for one in listed),
        next_url=present.inbox_href(query.state, mine=query.mine, page=query.page + 1) if full else None,
    )
    if query.page and request.headers.get("hx-target") != "app":
        return fragment(request, "assignments/admin/_rows.html", view)
    return manage_page(request, "assignments/admin/inbox.html", view, "assignments")


@get(_ONE, name="admin:assignment", guards=[_TEACHING])
async def work(request: SoukRequest, submission_id: FromPath[UUID]) -> Html:
    """A submission, to be answered. Raises NotFound."""
    return await _page(request, submission_id, correcting=forms.read_query(request, WorkQuery).correct)


@post(_ONE + "/draft", name="admin:save-feedback", guards=_WRITES, status_code=200)
async def save_draft(request: SoukRequest, submission_id: FromPath[UUID]) -> Html:
    """Store what was begun. Raises NotFound."""
    form = await forms.read_form(request, FeedbackForm)
    review = site_of(request).services.assignments.review
    try:
        await review.save_draft(request.user, SubmissionId(submission_id), form.text, form.verdict)
    except Invalid as refusal:
        return await _refused(request, submission_id, form, refusal)
    return await _done(request, submission_id, _("Draft saved"))


@post(_ONE + "/send", name="admin:send-feedback", guards=_WRITES, status_code=200)
async def send(request: SoukRequest, submission_id: FromPath[UUID]) -> Html:
    """Answer the student, or correct an answer. Raises NotFound."""
    form = await forms.read_form(request, FeedbackForm)
    review = site_of(request).services.assignments.review
    try:
        if form.feedback is not None:
            await review.correct(request.user, FeedbackId(form.feedback), form.text, form.verdict)
            return await _done(request, submission_id, _("Corrected"))
        await review.send(
            request.user, SubmissionId(submission_id), form.text, form.verdict, version=form.version, seen=form.seen
        )
    except Invalid as refusal:
        return await _refused(request, submission_id, form, refusal)
    except AlreadyAnswered as why:
        # What was typed stays: it can be sent once the newer messages were read.
        shown = await _page(request, submission_id, status=409, text=form.text, again=_again(form))
        return overtaken(request, shown, why)
    return await _done(request, submission_id, _("Feedback sent"))


@post(_ONE + "/take", name="admin:take-assignment", guards=_WRITES, status_code=200)
async def take(request: SoukRequest, submission_id: FromPath[UUID]) -> Html:
    """Answer it instead of who was chosen. Raises NotFound."""
    await site_of(request).services.assignments.review.take(request.user, SubmissionId(submission_id))
    return await _done(request, submission_id, _("It's yours to answer"))


def _again(form: FeedbackForm) -> bool:
    return form.verdict is Verdict.AGAIN


async def _refused(request: SoukRequest, submission_id: UUID, form: FeedbackForm, refusal: Invalid) -> Html:
    error = cast(TextError, refusal.fields["text"])
    return await _page(
        request,
        submission_id,
        status=FORM_ERROR,
        correcting=form.feedback,
        text=form.text,
        again=_again(form),
        text_error=error,
    )


async def _done(request: SoukRequest, submission_id: UUID, said: str) -> Html:
    shown = replaced(await _page(request, submission_id), f"{INBOX}/{submission_id}")
    return say(request, shown, said)


async def _page(
    request: SoukRequest, submission_id: UUID, *, status: int = 200, correcting: UUID | None = None, **changes: Any
) -> Html:
    site, actor = site_of(request), request.user
    review = await site.services.assignments.review.get(actor, SubmissionId(submission_id))
    one = review.thread.submission
    people = {one.user_id, *(item.author_id for item in review.thread.feedback)}
    people |= {one.reviewer_id} if one.reviewer_id else set()
    names = await site.services.identity.people.names_of(actor, people)
    view: ReviewView = present.review_view(review, names, actor, site.now(), file_address(request), correcting)
    view = msgspec.structs.replace(view, **changes)
    return manage_page(request, "assignments/admin/work.html", view, "assignments", back=INBOX, status=status)


HANDLERS: Final = (inbox, work, save_draft, send, take)
