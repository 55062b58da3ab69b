"""The catalogue as a file in the back office: saved as a stream, imported after a dry run."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Stream

from backend.catalog.errors import CatalogueChanged
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from webapp.catalog.admin.products import READS, WRITES
from webapp.catalog.screens.catalogue_files import FILES, FilesPage, file_page
from webapp.catalog.screens.products import CATALOGUE
from webapp.core import forms, uploads
from webapp.core.answers import overtaken, pushed, say
from webapp.core.back_office import manage_page
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC
from webapp.core.responses import FORM_ERROR, Html, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM

_ONE: Final = FILES + "/{upload_id:uuid}"
_SECONDS: Final = 3600


class ApplyForm(msgspec.Struct, frozen=True):
    """The version of the catalogue whose differences were shown."""

    version: int


@get(FILES, name="admin:catalogue-files", guards=READS)
async def files(request: SoukRequest) -> Html:
    """The files to save, and the form that takes one."""
    return _page(request)


@post(FILES, name="admin:upload-catalogue", guards=WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def upload(request: SoukRequest) -> Html:
    """Keep a file and show what it would change; nothing is changed yet."""
    try:
        upload_id = UUID(str((await forms.posted(request)).get("intent", "")))
    except ValueError as error:
        raise Invalid("a form that the page does not send", fields={"intent": "invalid"}) from error
    sent = await uploads.posted(request, "file")
    service = site_of(request).services.catalog.files
    try:
        await service.upload(request.user, upload_id, sent.name, sent.data)
    except Invalid as refusal:
        return _page(request, refusal.fields.get("file", "unknown_format"), status=FORM_ERROR)
    return pushed(await _shown(request, upload_id), f"{FILES}/{upload_id}")


@get(_ONE, name="admin:catalogue-file", guards=READS)
async def differences(request: SoukRequest, upload_id: FromPath[UUID]) -> Html:
    """What an uploaded file would change now. Raises NotFound."""
    return await _shown(request, upload_id)


@post(_ONE, name="admin:import-catalogue", guards=WRITES, status_code=200)
async def apply(request: SoukRequest, upload_id: FromPath[UUID]) -> Html:
    """Make the changes that were shown, or show the new differences of a catalogue that has changed.

    Raises NotFound.
    """
    form = await forms.read_form(request, ApplyForm)
    try:
        report = await site_of(request).services.catalog.files.apply(request.user, upload_id, version=form.version)
    except CatalogueChanged as why:
        return overtaken(request, await _shown(request, upload_id, status=409), why)
    if not report.applied:
        return await _shown(request, upload_id, status=FORM_ERROR)
    return say(request, pushed(_page(request), FILES), _("Catalogue imported"))


@get(CATALOGUE + "/export/{name:str}", name="admin:export-catalogue", opt=PUBLIC)
async def export(request: Request[Any, Any, Any], name: FromPath[str]) -> Stream:
    """The catalogue as a CSV file or as JSON lines. Raises LinkExpired, Forbidden, Invalid."""
    actor, site = await downloader(request), site_of(request)
    ending = name.rpartition(".")[2]
    pieces = await site.services.catalog.files.export(actor, ending)
    return csv_file(pieces, f"souk-catalogue.{ending}")


def _page(request: SoukRequest, error: str = "", *, status: int = 200) -> Html:
    view = FilesPage(
        csv_url=signed_url(request, f"{CATALOGUE}/export/catalogue.csv", seconds=_SECONDS),
        json_url=signed_url(request, f"{CATALOGUE}/export/catalogue.jsonl", seconds=_SECONDS),
        intent=forms.new_intent(),
        error=error,
    )
    return manage_page(request, "catalog/admin/files.html", view, "catalogue", back=CATALOGUE, status=status)


async def _shown(request: SoukRequest, upload_id: UUID, *, status: int = 200) -> Html:
    report = await site_of(request).services.catalog.files.check(request.user, upload_id)
    view = file_page(str(upload_id), report)
    return manage_page(request, "catalog/admin/file.html", view, "catalogue", back=FILES, status=status)


HANDLERS: Final = (files, upload, differences, apply, export)
