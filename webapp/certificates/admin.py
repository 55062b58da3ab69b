"""Certificates of a course in the back office: the list, one of them, revoked, restored, reissued; the settings."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.certificates.types import CertificateId, FileKind, OfficePage
from backend.courses.types import CourseId
from backend.courses.types.teaching import CertificateTerms
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.text import pick
from webapp.certificates.files import file_url
from webapp.certificates.screens import office as present
from webapp.certificates.screens.office import AskSheet, CertificatesPage, TermsPage
from webapp.core import forms
from webapp.core.answers import asked_by, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields
from webapp.core.parts import address
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, course_of

_ALL: Final = ONE + "/certificates"
_ONE: Final = _ALL + "/{certificate_id:uuid}"
Verb = Literal["revoke", "restore", "reissue"]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for, and the page of the list."""

    q: Annotated[str, Meta(max_length=100)] = ""
    page: Annotated[int, Meta(ge=0, le=10_000)] = 0


class TermsForm(msgspec.Struct, frozen=True, kw_only=True):
    """What certificates of the course say."""

    study_hours: forms.Count | None = None
    per_run: bool = False


class WhyForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why, or which name."""

    value: Annotated[str, Meta(max_length=1000)] = ""


@get(_ALL, name="admin:certificates", guards=[TEACHING])
async def certificates(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The certificates of a course; a search and a next page get rows only. Raises NotFound."""
    return await _list(request, CourseId(course_id), forms.read_query(request, ListQuery))


async def _list(request: SoukRequest, course_id: CourseId, query: ListQuery) -> Html:
    services, actor = site_of(request).services, request.user
    course = await course_of(request, course_id)
    listed = await services.certificates.office.list_course(actor, course.id, query.q, query.page)
    plans = await services.courses.tariffs.list_of(actor, course.id)
    path, full = f"{COURSES}/{course_id}/certificates", len(listed) == services.certificates.office.page_size
    view = CertificatesPage(
        course_id=str(course_id),
        title=pick(course.product.name, actor.language),
        query=query.q,
        rows=tuple(present.certificate_row(row) for row in listed),
        next_url=address(path, q=query.q, page=str(query.page + 1)) if full else None,
        more=query.page > 0 and request.headers.get("hx-target") != "app",
        hours=course.terms.study_hours,
        per_run=course.terms.certificate_per_run,
        plans=any(plan.fields.certificate for plan in plans),
    )
    if view.more or asked_by(request, "results"):
        return fragment(request, "certificates/admin/_rows.html", view)
    up = f"{COURSES}/{course_id}"
    return manage_page(request, "certificates/admin/certificates.html", view, "courses", back=up)


@get(_ALL + "/settings", name="admin:certificate-terms", guards=[TEACHING])
async def terms(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The form of what certificates say. Raises NotFound."""
    course = await course_of(request, CourseId(course_id))
    typed = {"study_hours": str(course.terms.study_hours or "")}
    if course.terms.certificate_per_run:
        typed["per_run"] = "on"
    return _terms(request, course_id, Fields(typed), status=200)


@post(_ALL + "/settings", name="admin:save-certificate-terms", guards=WRITES, status_code=200)
async def save_terms(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Change what certificates say from now on. Raises NotFound."""
    form = await forms.read(request, TermsForm)
    if form.value is None:
        return _terms(request, course_id, Fields(form.typed, form.errors))
    office = site_of(request).services.certificates.office
    fresh = CertificateTerms(form.value.study_hours, form.value.per_run)
    try:
        await office.set_terms(request.user, CourseId(course_id), fresh)
    except Invalid:
        return _terms(request, course_id, Fields(form.typed, {"study_hours": "out_of_range"}))
    shown = await _list(request, CourseId(course_id), ListQuery())
    return say(request, replaced(shown, f"{COURSES}/{course_id}/certificates"), _("Saved"))


@get(_ONE, name="admin:certificate", guards=[TEACHING])
async def certificate(request: SoukRequest, course_id: FromPath[UUID], certificate_id: FromPath[UUID]) -> Html:
    """A certificate. Raises NotFound."""
    return _page(request, await _find(request, course_id, certificate_id))


@get(_ONE + "/{verb:str}", name="admin:certificate-sheet", guards=[TEACHING])
async def ask(
    request: SoukRequest, course_id: FromPath[UUID], certificate_id: FromPath[UUID], verb: FromPath[str]
) -> Html:
    """The sheet that asks why, or for the name. Raises NotFound."""
    shown = await _find(request, course_id, certificate_id)
    value = shown.held.certificate.printed.name if verb == "reissue" else ""
    return _sheet(request, shown, _verb(verb), value)


@post(_ONE + "/{verb:str}", name="admin:certificate-act", guards=WRITES, status_code=200)
async def act(
    request: SoukRequest, course_id: FromPath[UUID], certificate_id: FromPath[UUID], verb: FromPath[str]
) -> Html:
    """Revoke, restore or reissue it. Raises NotFound."""
    shown, which = await _find(request, course_id, certificate_id), _verb(verb)
    form = await forms.read_form(request, WhyForm)
    office = site_of(request).services.certificates.office
    acts = {"revoke": office.revoke, "restore": office.restore, "reissue": office.reissue}
    said = {"revoke": _("Certificate revoked"), "restore": _("Certificate restored"), "reissue": _("Reissued")}
    try:
        await acts[which](request.user, shown.held.certificate.id, form.value)
    except Invalid as refusal:
        (error,) = refusal.fields.values()
        signs = " ".join(str(refusal.params.get("signs", "")))
        return _sheet(request, shown, which, form.value, error, signs)
    page = _page(request, await _find(request, course_id, certificate_id))
    return say(request, replaced(page, f"{COURSES}/{course_id}/certificates/{certificate_id}"), said[which])


def _verb(verb: str) -> Verb:
    match verb:
        case "revoke" | "restore" | "reissue":
            return verb
    raise NotFound("no such act")


async def _find(request: SoukRequest, course_id: UUID, certificate_id: UUID) -> OfficePage:
    office = site_of(request).services.certificates.office
    shown = await office.get(request.user, CertificateId(certificate_id))
    if shown.held.certificate.course_id != course_id:
        raise NotFound("a certificate of another course")
    return shown


def _page(request: SoukRequest, shown: OfficePage) -> Html:
    one = shown.held.certificate
    view = present.one_page(
        shown,
        site_of(request).settings.public_url.rstrip("/"),
        lambda revision: file_url(request, one.id, FileKind.PDF, revision, save=True),
    )
    up = f"{COURSES}/{one.course_id}/certificates"
    return manage_page(request, "certificates/admin/certificate.html", view, "courses", back=up)


def _sheet(request: SoukRequest, shown: OfficePage, verb: Verb, value: str, error: str = "", signs: str = "") -> Html:
    one = shown.held.certificate
    action = f"{COURSES}/{one.course_id}/certificates/{one.id}/{verb}"
    view = AskSheet(action=action, verb=verb, value=value, error=error, signs=signs)
    return sheet(request, "certificates/admin/_ask.html", view, status=FORM_ERROR if error else 200)


def _terms(request: SoukRequest, course_id: UUID, form: Fields, *, status: int = FORM_ERROR) -> Html:
    view = TermsPage(str(course_id), form)
    up = f"{COURSES}/{course_id}/certificates"
    return manage_page(request, "certificates/admin/terms.html", view, "courses", back=up, status=status)


HANDLERS: Final = (certificates, terms, save_terms, certificate, ask, act)
