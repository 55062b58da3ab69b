"""Time to feedback: a block of a course's page of figures, and its file."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.courses.types import CourseId, RunId, TariffId
from backend.courses.types.figures import Chosen
from backend.identity.types import Permission
from webapp.assignments.screens import figures as present
from webapp.assignments.screens.figures import FeedbackBlock
from webapp.assignments.screens.review import INBOX
from webapp.core import forms
from webapp.core.downloads import csv_file, downloader, whole
from webapp.core.guards import PUBLIC, requires
from webapp.core.parts import address
from webapp.core.responses import Html, fragment, signed_url
from webapp.core.site import SoukRequest, site_of

_FIGURES: Final = INBOX + "/figures/{course_id:uuid}"
_SECONDS: Final = 3600


class FeedbackQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom the figures are."""

    run: UUID | None = None
    plan: UUID | None = None

    def chosen(self) -> Chosen:
        """The same for the service."""
        return Chosen(RunId(self.run) if self.run else None, TariffId(self.plan) if self.plan else None)


@get(_FIGURES, name="admin:feedback-figures", guards=[requires(Permission.TEACHING)])
async def feedback(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The block."""
    query = forms.read_query(request, FeedbackQuery)
    figures = await site_of(request).services.assignments.figures.feedback(
        request.user, CourseId(course_id), query.chosen()
    )
    words = {name: str(value) for name, value in (("run", query.run), ("plan", query.plan)) if value}
    file = signed_url(request, address(f"{INBOX}/figures/{course_id}/feedback.csv", **words), seconds=_SECONDS)
    view = FeedbackBlock(open=figures.open, overdue=figures.overdue, times=present.feedback_rows(figures), file=file)
    return fragment(request, "assignments/admin/_feedback.html", view)


@get(_FIGURES + "/feedback.csv", name="admin:feedback-csv", opt=PUBLIC)
async def feedback_csv(request: Request[Any, Any, Any], course_id: FromPath[UUID]) -> Stream:
    """The block as a file, by signed address."""
    actor, site = await downloader(request), site_of(request)
    chosen = forms.read_query(request, FeedbackQuery).chosen()
    figures = await site.services.assignments.figures.feedback(actor, CourseId(course_id), chosen)
    text = present.feedback_csv(present.feedback_rows(figures), site.viewer(actor))
    return csv_file(whole(text), "souk-feedback.csv")


HANDLERS: Final = (feedback, feedback_csv)
