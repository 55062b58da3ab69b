"""Students ask for their certificate, check its name, download, share and correct it."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, cast

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.certificates.types import CertificateId, FileKind
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.text import Locale
from webapp.certificates.files import DRAWN, file_url
from webapp.certificates.screens.student import CertificatePage, NameError_, State, certificate_page
from webapp.core import forms
from webapp.core.answers import replaced, say
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, nothing, page, trigger
from webapp.core.site import SoukRequest, site_of

_PATH: Final = "/learn/{slug:str}/certificate"
Run = Annotated[int, Meta(ge=1, le=1_000_000)]


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The run of the course; none for the present one. ``step`` is ``correct`` where the name is to be corrected."""

    run: Run | None = None
    step: Annotated[str, Meta(max_length=20)] = ""


class NameForm(msgspec.Struct, frozen=True, kw_only=True):
    """The name to print, and in which language the certificate is."""

    name: Annotated[str, Meta(max_length=1000)] = ""
    locale: Locale = Locale.EN


@get(_PATH, name="certificates:certificate")
async def certificate(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The certificate of a course, or what is missing for it. Raises NotFound."""
    query = forms.read_query(request, RunQuery)
    view, certificate_id = await _view(request, slug)
    if query.step == "correct" and view.state == "issued" and view.may_correct:
        view = msgspec.structs.replace(view, state="correct")
    return _page(request, view, certificate_id)


@post(_PATH + "/preview", name="certificates:preview", guards=[limited(DRAWN)], status_code=200)
async def preview(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The certificate with a name that is to be confirmed. Raises NotFound, NoCertificateInPlan, CourseNotCompleted."""
    form, run = await forms.read_form(request, NameForm), forms.read_query(request, RunQuery).run
    asking = site_of(request).services.certificates.asking
    try:
        picture = await asking.preview(request.user, slug, form.name, form.locale, run)
    except Invalid as refusal:
        return await _refused(request, slug, form, refusal, "ask")
    return await _confirm(request, slug, form, picture, "confirm")


@post(_PATH, name="certificates:issue", guards=[limited(WRITE)], status_code=200)
async def issue(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Issue it with the name that was confirmed. Raises NotFound, NoCertificateInPlan, CourseNotCompleted."""
    form, run = await forms.read_form(request, NameForm), forms.read_query(request, RunQuery).run
    asking = site_of(request).services.certificates.asking
    try:
        await asking.issue(request.user, slug, form.name, form.locale, run)
    except Invalid as refusal:
        return await _refused(request, slug, form, refusal, "ask")
    return await _done(request, slug, _("Certificate issued"))


@post(_PATH + "/correct/preview", name="certificates:correct-preview", guards=[limited(DRAWN)], status_code=200)
async def preview_correction(request: SoukRequest, slug: FromPath[str]) -> Html:
    """The certificate with a corrected name. Raises NotFound, AlreadyCorrected, CertificateNotValid."""
    form = await forms.read_form(request, NameForm)
    asking = site_of(request).services.certificates.asking
    try:
        picture = await asking.preview_correction(request.user, await _own(request, slug), form.name)
    except Invalid as refusal:
        return await _refused(request, slug, form, refusal, "correct")
    return await _confirm(request, slug, form, picture, "recheck")


@post(_PATH + "/correct", name="certificates:correct", guards=[limited(WRITE)], status_code=200)
async def correct(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Correct the name, once. Raises NotFound, AlreadyCorrected, CertificateNotValid."""
    form = await forms.read_form(request, NameForm)
    asking = site_of(request).services.certificates.asking
    try:
        await asking.correct(request.user, await _own(request, slug), form.name)
    except Invalid as refusal:
        return await _refused(request, slug, form, refusal, "correct")
    return await _done(request, slug, _("Name corrected"))


@post(_PATH + "/share", name="certificates:share", guards=[limited(WRITE)], status_code=200)
async def share(request: SoukRequest, slug: FromPath[str]) -> Html:
    """Have the app send a prepared message, or open Telegram's own way. Raises NotFound, CertificateNotValid."""
    view, certificate_id = await _view(request, slug)
    if certificate_id is None:
        raise NotFound("no certificate")
    prepared = await site_of(request).services.certificates.asking.share(request.user, certificate_id)
    return trigger(nothing(request), "share", {"id": prepared or "", "url": view.share})


async def _view(request: SoukRequest, slug: str) -> tuple[CertificatePage, CertificateId | None]:
    site, actor = site_of(request), request.user
    run = forms.read_query(request, RunQuery).run
    shown = await site.services.certificates.asking.page(actor, slug, run)
    words, public_url = site.viewer(actor).words, site.settings.public_url.rstrip("/")
    view = certificate_page(shown, actor.language, words, public_url, run)
    return view, shown.held.certificate.id if shown.held else None


async def _own(request: SoukRequest, slug: str) -> CertificateId:
    _, certificate_id = await _view(request, slug)
    if certificate_id is None:
        raise NotFound("no certificate")
    return certificate_id


async def _refused(request: SoukRequest, slug: str, form: NameForm, refusal: Invalid, state: State) -> Html:
    view, _ = await _view(request, slug)
    error = cast(NameError_, refusal.fields.get("name", "required"))
    signs = str(refusal.params.get("signs", ""))
    view = msgspec.structs.replace(
        view, state=state, name=form.name, locale=form.locale, error=error, signs=" ".join(signs)
    )
    return _page(request, view, None, status=FORM_ERROR)


async def _confirm(request: SoukRequest, slug: str, form: NameForm, picture: bytes, state: State) -> Html:
    """The picture is in the page itself: it stands at no address."""
    view, _ = await _view(request, slug)
    data = "data:image/png;base64," + base64.b64encode(picture).decode()
    view = msgspec.structs.replace(view, state=state, name=form.name, locale=form.locale, picture=data)
    return _page(request, view, None)


async def _done(request: SoukRequest, slug: str, said: str) -> Html:
    view, certificate_id = await _view(request, slug)
    answer = _page(request, msgspec.structs.replace(view, fresh=True), certificate_id)
    return say(request, answer, said)


def _page(
    request: SoukRequest, view: CertificatePage, certificate_id: CertificateId | None, *, status: int = 200
) -> Html:
    if certificate_id is not None and view.state == "issued":
        addresses: dict[str, Any] = {
            "picture": file_url(request, certificate_id, FileKind.PNG),
            "png": file_url(request, certificate_id, FileKind.PNG, save=True),
            "pdf": file_url(request, certificate_id, FileKind.PDF, save=True),
        }
        view = msgspec.structs.replace(view, **addresses)
    back = f"/learn/{view.slug}"
    if view.state in {"confirm", "correct", "recheck"}:
        back = view.path + view.query
    answer = page(request, "certificates/certificate.html", view, tab="learn", back=back, status=status)
    return replaced(answer, view.path + view.query) if request.method == "POST" else answer


HANDLERS: Final = (certificate, preview, issue, preview_correction, correct, share)
