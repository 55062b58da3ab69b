"""Students submit assignments and ask the teacher; their files are read at signed addresses."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Meta

from backend.assignments.types import SubmissionId, SubmittedFile, SubmittedFileId, Upload, WorkKind
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from webapp.assignments.screens import student as present
from webapp.assignments.screens.student import FilesError, TextError, WorkPage
from webapp.assignments.screens.threads import Address
from webapp.core import forms, uploads
from webapp.core.answers import replaced, say
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, page, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM

_LESSON: Final = "/learn/{slug:str}/{lesson:str}"
_SECONDS: Final = 2 * 60 * 60
"""An address is good as long as somebody may look at a page without a new one."""


class WorkForm(msgspec.Struct, frozen=True, kw_only=True):
    """``intent`` makes a second tap the same version; ``about`` is the question that goes on."""

    intent: forms.IdempotencyKey
    about: UUID | None = None
    text: Annotated[str, Meta(max_length=50_000)] = ""


def file_address(request: SoukRequest) -> Address:
    """Makes the addresses of files for the person of the request, for two hours."""

    def address(file: SubmittedFile) -> str:
        # Its ending tells it from a page's address.
        return signed_url(request, f"/assignments/files/{file.id}.bin", seconds=_SECONDS)

    return address


@get(_LESSON + "/assignment", name="assignments:work")
async def work(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """The assignment of a lesson. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    return await _page(request, slug, lesson, WorkKind.ASSIGNMENT)


@get(_LESSON + "/questions", name="assignments:questions")
async def questions(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """What the student has asked about a lesson. Raises NotFound, Forbidden, AccessEnded, LessonLocked."""
    return await _page(request, slug, lesson, WorkKind.QUESTION)


@post(
    _LESSON + "/assignment", name="assignments:submit", guards=[limited(WRITE)], status_code=200,
    request_max_body_size=LARGEST_FORM,
)  # fmt: skip
async def submit(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Submit a version. Raises NotFound, Forbidden, AccessEnded, LessonLocked, NoAssignment."""
    form, files = await forms.read_form(request, WorkForm), await _files(request)
    submitting = site_of(request).services.assignments.submitting
    try:
        await submitting.submit(request.user, slug, lesson, form.text, files, intent=form.intent)
    except Invalid as refusal:
        return await _refused(request, slug, lesson, WorkKind.ASSIGNMENT, form, refusal)
    return await _sent(request, slug, lesson, WorkKind.ASSIGNMENT, _("Submitted"))


@post(
    _LESSON + "/questions", name="assignments:ask", guards=[limited(WRITE)], status_code=200,
    request_max_body_size=LARGEST_FORM,
)  # fmt: skip
async def ask(request: SoukRequest, slug: FromPath[str], lesson: FromPath[str]) -> Html:
    """Ask the teacher. Raises NotFound, Forbidden, AccessEnded, LessonLocked, NoFeedbackInPlan."""
    form, files = await forms.read_form(request, WorkForm), await _files(request)
    about = SubmissionId(form.about) if form.about else None
    submitting = site_of(request).services.assignments.submitting
    try:
        await submitting.ask(request.user, slug, lesson, form.text, files, intent=form.intent, about=about)
    except Invalid as refusal:
        return await _refused(request, slug, lesson, WorkKind.QUESTION, form, refusal)
    return await _sent(request, slug, lesson, WorkKind.QUESTION, _("Question sent"))


@get("/assignments/files/{name:str}", name="assignments:file", opt=PUBLIC)
async def file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[Any]:
    """A file that was submitted, for whom its address was signed.

    Raises LinkExpired, SessionRevoked, Blocked, NotFound, Forbidden.
    """
    actor = await actor_of_address(request)
    try:
        file_id = SubmittedFileId(UUID(name.partition(".")[0]))
    except ValueError:
        raise NotFound("not a file of ours") from None
    content = await site_of(request).services.assignments.submitting.file(actor, file_id)
    shown = "inline" if content.mime.partition("/")[0] in {"image", "audio", "video"} else "attachment"
    headers = {
        "cache-control": "private, max-age=600",
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(content.name, safe='')}",
        # Whatever somebody put into it, no page of ours runs it.
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(content.data, media_type=content.mime, headers=headers)


async def _files(request: SoukRequest) -> list[Upload]:
    return [Upload(one.name, one.data) for one in await uploads.posted_all(request, "files")]


async def _sent(request: SoukRequest, slug: str, lesson: str, kind: WorkKind, said: str) -> Html:
    shown = await _page(request, slug, lesson, kind)
    return say(request, shown, said)


async def _refused(
    request: SoukRequest, slug: str, lesson: str, kind: WorkKind, form: WorkForm, refusal: Invalid
) -> Html:
    """The page with what was typed; files have to be chosen again, as browsers let no page fill them in."""
    return await _page(
        request,
        slug,
        lesson,
        kind,
        status=FORM_ERROR,
        typed=form.text,
        intent=form.intent,
        text_error=cast(TextError, refusal.fields.get("text", "")),
        files_error=cast(FilesError, refusal.fields.get("files", "")),
    )


async def _page(
    request: SoukRequest, slug: str, lesson: str, kind: WorkKind, *, status: int = 200, **changes: Any
) -> Html:
    site = site_of(request)
    shown = await site.services.assignments.submitting.page(request.user, slug, lesson)
    view: WorkPage = present.work_page(shown, kind, file_address(request), forms.new_intent())
    view = msgspec.structs.replace(view, **changes)
    answer = page(request, "assignments/work.html", view, tab="learn", back=view.lesson_href, status=status)
    return replaced(answer, view.path) if request.method == "POST" else answer


HANDLERS: Final = (work, questions, submit, ask, file)
