"""Adding keys in the back office: paste or send a file, look at what it would do, then add what is new."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.enums import MediaType
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.catalog.types.stock_imports import (
    IMPORT_TOPIC,
    PIECE_BYTES,
    ImportDetails,
    ImportState,
    StockImport,
    StockImportId,
)
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import whole_number
from webapp.catalog.screens import stock_import as present
from webapp.catalog.screens.stock_import import StockAddPage, StockImportPage, TargetRow
from webapp.core import forms
from webapp.core.answers import asked_by, pushed, say, to_app
from webapp.core.back_office import ROOMS, manage_page
from webapp.core.fields import Fields, switch
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, live_url
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM

_STOCK: Final = ROOMS["stock"][0]
IMPORT: Final = _STOCK + "/import"
_ONE: Final = IMPORT + "/{import_id:uuid}"
_READS: Final = [requires(Permission.STOCK)]
_WRITES: Final = [requires(Permission.STOCK), limited(WRITE)]
_CHECKED_AT_ONCE: Final = 300_000
"""Bytes: so much is checked before the answer, the rest in the background."""
_NAME: Final = Meta(max_length=200)


class AddQuery(msgspec.Struct, frozen=True):
    """Which variant, or a search for one; ``several`` for a file that names them."""

    variant: UUID | None = None
    several: bool = False
    q: Annotated[str, Meta(max_length=100)] = ""


class KeysForm(msgspec.Struct, frozen=True):
    """Pasted keys, or the name of a file that will come in pieces."""

    variant: UUID | None = None
    keys: str = ""
    file: Annotated[str, _NAME] = ""
    as_is: bool = False


class DetailsForm(msgspec.Struct, frozen=True):
    """What an admin says of the keys."""

    name: Annotated[str, _NAME] = ""
    source: Annotated[str, _NAME] = ""
    cost: forms.Amount | None = None
    expires: date | None = None


class OneQuery(msgspec.Struct, frozen=True):
    """Whether only lines with problems are shown."""

    only: Annotated[str, Meta(pattern="^(problems)?$")] = ""


@get(IMPORT, name="admin:stock-import", guards=_READS)
async def start_page(request: SoukRequest) -> Html:
    """Choose a variant, then paste its keys or choose a file; a search gets rows only."""
    query = forms.read_query(request, AddQuery)
    if asked_by(request, "results"):
        return fragment(request, "catalog/admin/_stock_targets.html", await _choice(request, query.q))
    return await _add_page(request, query.variant, several=query.several, query=query.q)


@post(IMPORT, name="admin:begin-import", guards=_WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def begin(request: SoukRequest) -> Html:
    """Take pasted keys and check them, or begin to take a file; the page of the import."""
    form = await forms.read(request, KeysForm)
    assert form.value is not None  # nothing of it can be typed wrong
    value, service = form.value, site_of(request).services.catalog.stock_imports
    variant = VariantId(value.variant) if value.variant else None
    try:
        if value.file:
            stored = await service.begin(request.user, value.file, variant_id=variant, as_is=value.as_is)
        else:
            stored = await service.paste(request.user, value.keys, variant_id=variant, as_is=value.as_is)
    except Invalid as refusal:
        fields = Fields(form.typed, dict(refusal.fields))
        return await _add_page(request, value.variant, several=variant is None, form=fields, status=FORM_ERROR)
    return await _checked(request, stored)


@post(
    _ONE + "/piece", name="admin:import-piece", guards=_WRITES, status_code=200, request_max_body_size=PIECE_BYTES + 1
)
async def piece(request: SoukRequest, import_id: FromPath[UUID]) -> Response[bytes]:
    """Take a piece of a file, which is the body; where the next one begins. Raises NotFound, Invalid."""
    at, data = _offset(request), await request.body()
    service = site_of(request).services.catalog.stock_imports
    stored = await service.receive(request.user, StockImportId(import_id), at, data)
    return Response(msgspec.json.encode({"received": stored.received}), media_type=MediaType.JSON)


@post(_ONE + "/sent", name="admin:import-sent", guards=_WRITES, status_code=200)
async def sent(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """The file is whole: have it checked. Raises NotFound, Invalid for an empty file."""
    service = site_of(request).services.catalog.stock_imports
    return await _checked(request, await service.sent(request.user, StockImportId(import_id)))


@get(_ONE, name="admin:stock-import-page", guards=_READS)
async def one(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """One import: what it would do, how far it is, or what it did; its live part asks for that alone."""
    stored = await site_of(request).services.catalog.stock_imports.get(request.user, StockImportId(import_id))
    query = forms.read_query(request, OneQuery)
    if not asked_by(request, "import"):
        return await _page(request, stored, problems_only=bool(query.only))
    view = await _view(request, stored, Fields())
    if view.moving:
        return fragment(request, "catalog/admin/_stock_import.html", view)
    return to_app(await _page(request, stored))


@post(_ONE + "/start", name="admin:start-import", guards=_WRITES, status_code=200)
async def start(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """Add the keys that are new. Raises NotFound."""
    site, form = site_of(request), await forms.read(request, DetailsForm)
    service = site.services.catalog.stock_imports
    errors = dict(form.errors)
    if form.value is not None:
        value = form.value
        ends = forms.day_ends(value.expires, site.viewer(request.user).timezone) if value.expires else None
        details = ImportDetails(
            batch_name=value.name or None,
            source=value.source or None,
            unit_cost=value.cost.amount if value.cost else None,
            expires_at=ends,
        )
        try:
            return await _page(request, await service.start(request.user, StockImportId(import_id), details))
        except Invalid as refusal:
            errors = dict(refusal.fields)
    stored = await service.get(request.user, StockImportId(import_id))
    return await _page(request, stored, form=Fields(form.typed, errors), status=FORM_ERROR)


@post(_ONE + "/stop", name="admin:stop-import", guards=_WRITES, status_code=200)
async def stop(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """Stop adding keys; what was added stays. Raises NotFound."""
    service = site_of(request).services.catalog.stock_imports
    return await _page(request, await service.stop(request.user, StockImportId(import_id)))


@post(_ONE + "/continue", name="admin:continue-import", guards=_WRITES, status_code=200)
async def go_on(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """Go on with a stopped import. Raises NotFound."""
    service = site_of(request).services.catalog.stock_imports
    return await _page(request, await service.go_on(request.user, StockImportId(import_id)))


@post(_ONE + "/end", name="admin:end-import", guards=_WRITES, status_code=200)
async def end(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """End a stopped import as it is. Raises NotFound."""
    service = site_of(request).services.catalog.stock_imports
    return await _page(request, await service.finish_stopped(request.user, StockImportId(import_id)))


@post(_ONE + "/discard", name="admin:discard-import", guards=_WRITES, status_code=200)
async def discard(request: SoukRequest, import_id: FromPath[UUID]) -> Html:
    """Forget a file of which nothing was added. Raises NotFound."""
    service = site_of(request).services.catalog.stock_imports
    stored = await service.discard(request.user, StockImportId(import_id))
    if stored.state is not ImportState.DISCARDED:
        return await _page(request, stored)
    answer = await _add_page(request, stored.variant_id, several=stored.variant_id is None)
    return say(request, pushed(answer, IMPORT), _("File discarded"))


def _offset(request: Request[Any, Any, Any]) -> int:
    try:
        return whole_number(request.headers.get("x-offset", ""))
    except ValueError:
        raise Invalid("x-offset says where the piece begins") from None


async def _checked(request: SoukRequest, stored: StockImport) -> Html:
    service = site_of(request).services.catalog.stock_imports
    if stored.state is ImportState.CHECKING and stored.received <= _CHECKED_AT_ONCE:
        await service.check(stored.id)
        stored = await service.get(request.user, stored.id)
    return pushed(await _page(request, stored), f"{IMPORT}/{stored.id}")


async def _target(request: SoukRequest, variant: UUID | None) -> TargetRow | None:
    if variant is None:
        return None
    chosen = await site_of(request).services.catalog.stock_imports.target(request.user, VariantId(variant))
    return present.target_row(chosen, request.user.language) if chosen else None


async def _choice(request: SoukRequest, query: str) -> StockAddPage:
    service, locale = site_of(request).services.catalog.stock_imports, request.user.language
    targets = tuple(present.target_row(one, locale) for one in await service.targets(request.user, query))
    return StockAddPage(targets=targets, query=query)


async def _add_page(
    request: SoukRequest,
    variant: UUID | None,
    *,
    several: bool = False,
    query: str = "",
    form: Fields | None = None,
    status: int = 200,
) -> Html:
    service = site_of(request).services.catalog.stock_imports
    target = await _target(request, variant)
    view = StockAddPage() if target or several else await _choice(request, query)
    latest = present.import_rows(await service.latest(request.user))
    view = msgspec.structs.replace(view, target=target, several=several, form=form or Fields(), latest=latest)
    back = IMPORT if target or several else _STOCK
    return manage_page(request, "catalog/admin/stock_add.html", view, "stock", back=back, status=status)


async def _view(
    request: SoukRequest, stored: StockImport, form: Fields, *, problems_only: bool = False
) -> StockImportPage:
    site = site_of(request)
    report = await site.services.catalog.stock_imports.report(request.user, stored)
    moving = stored.state in (ImportState.CHECKING, ImportState.IMPORTING)
    live = live_url(request, f"{IMPORT_TOPIC}:{stored.id}") if moving else None
    target, currency = await _target(request, stored.variant_id), site.settings.shop_currency
    return present.import_page(stored, report, target, form, currency, live, problems_only=problems_only)


async def _page(
    request: SoukRequest,
    stored: StockImport,
    *,
    form: Fields | None = None,
    problems_only: bool = False,
    status: int = 200,
) -> Html:
    typed = form or Fields({"name": stored.batch_name or "", "as_is": switch(stored.as_is)})
    view = await _view(request, stored, typed, problems_only=problems_only)
    return manage_page(request, "catalog/admin/stock_import.html", view, "stock", back=IMPORT, status=status)


HANDLERS: Final = (start_page, begin, piece, sent, one, start, stop, go_on, end, discard)
