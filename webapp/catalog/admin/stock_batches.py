"""One batch of keys in the back office: its keys, removing and moving the unsold ones, undo, export; what runs low."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta

from backend.catalog.types import StockKeyId, VariantId
from backend.catalog.types.batches import BatchId
from backend.catalog.types.stock_changes import BatchDetails, ExportFormat, StockChange, StockChangeId
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.kernel.money import Money
from webapp.catalog.screens import stock_batches as present
from webapp.catalog.screens.stock_batches import FILTERS, PAGE, MovePage
from webapp.catalog.screens.stock_import import target_row
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, pushed, say, to_app
from webapp.core.back_office import ROOMS, manage_page
from webapp.core.confirming import isolated, question
from webapp.core.downloads import downloader, text_file
from webapp.core.fields import Fields
from webapp.core.guards import PUBLIC, requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, signed_url, toast
from webapp.core.site import SoukRequest, site_of

_STOCK: Final = ROOMS["stock"][0]
BATCHES: Final = _STOCK + "/batches"
_ONE: Final = BATCHES + "/{batch_id:uuid}"
_READS: Final = [requires(Permission.STOCK)]
_WRITES: Final = [requires(Permission.STOCK), limited(WRITE)]
_EXPORT_SECONDS: Final = 600
_NAME: Final = Meta(max_length=200)
_FILES: Final = {f"keys.{written}": written for written in ExportFormat}
_TYPES: Final = {ExportFormat.CSV: "text/csv", ExportFormat.JSON_LINES: "application/x-ndjson"}


class KeysQuery(msgspec.Struct, frozen=True):
    """Which of a batch's keys are shown: ``show`` is a filter, ``after`` the place of the last one seen."""

    show: Annotated[str, Meta(pattern="^(unsold|reserved|sold|removed|expired)?$")] = ""
    after: Annotated[str, Meta(pattern="^[0-9]{0,18}$")] = ""


class RemovedQuery(msgspec.Struct, frozen=True):
    """Which page of the removals is asked for."""

    cursor: Annotated[str, Meta(pattern="^([0-9a-f-]{36})?$")] = ""


class BatchForm(msgspec.Struct, frozen=True):
    """What is said of a batch."""

    source: Annotated[str, _NAME] = ""
    name: Annotated[str, _NAME] = ""
    cost: forms.Amount | None = None
    expires: date | None = None


class MoveQuery(msgspec.Struct, frozen=True):
    """A search for the variant to which keys move."""

    q: Annotated[str, Meta(max_length=100)] = ""


class MoveForm(msgspec.Struct, frozen=True):
    """Where to."""

    variant: UUID


@get(_ONE, name="admin:batch", guards=_READS)
async def one(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """A batch with its keys, by state; a next page comes as rows only. Raises NotFound."""
    return await _page(request, BatchId(batch_id))


@post(_ONE, name="admin:describe-batch", guards=_WRITES, status_code=200)
async def describe(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Say something else of a batch: cost, source, name, expiry. Raises NotFound."""
    site, form = site_of(request), await forms.read(request, BatchForm)
    errors = dict(form.errors)
    if form.value is not None:
        value, zone = form.value, site.viewer(request.user).timezone
        try:
            await site.services.catalog.stock_changes.describe(
                request.user,
                BatchId(batch_id),
                name=value.name or None,
                source=value.source,
                unit_cost=value.cost.amount if value.cost else None,
                expires_at=forms.day_ends(value.expires, zone) if value.expires else None,
            )
            return say(request, await _page(request, BatchId(batch_id)), _("Saved"))
        except Invalid as refusal:
            errors = dict(refusal.fields)
    fields = Fields(form.typed, errors)
    return await _page(request, BatchId(batch_id), form=fields, status=FORM_ERROR)


@post(_ONE + "/remove", name="admin:remove-keys", guards=_WRITES, status_code=200)
async def remove(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Count what leaves the shop, and once that is confirmed remove it: the chosen keys, or all that are unsold."""
    batch, site, posted = BatchId(batch_id), site_of(request), await forms.posted(request)
    words, service = site.viewer(request.user).words, site.services.catalog.stock_changes
    details = await service.details(request.user, batch)
    chosen = _chosen(posted)
    if "selected" in posted and not chosen:
        return toast(to_app(await _page(request, batch)), words.gettext("Choose keys first."), "bad")
    count = len(chosen) if chosen else details.unsold
    if not count:
        return toast(to_app(await _page(request, batch)), words.gettext("No unsold keys are left."), "bad")
    if "sure" not in posted:
        title, text = words.gettext("Remove keys?"), present.removal_question(count, words)
        more = {"sure": "on", "key": ",".join(map(str, chosen))}
        return await question(request, title, words.gettext("Remove"), text, danger=True, more=more)
    change = await service.remove(request.user, batch, chosen or None)
    return toast(to_app(await _page(request, batch)), present.done_text(change, words))


@get(_ONE + "/move", name="admin:move-keys-page", guards=_READS)
async def move_page(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Choose the variant to which the unsold keys of a batch move; a search gets rows only. Raises NotFound."""
    site, query = site_of(request), forms.read_query(request, MoveQuery)
    details = await site.services.catalog.stock_changes.details(request.user, BatchId(batch_id))
    targets = await site.services.catalog.stock_imports.targets(request.user, query.q)
    here = await site.services.catalog.batches.batch(request.user, BatchId(batch_id))
    path, locale = f"{BATCHES}/{batch_id}", request.user.language
    view = MovePage(
        path=path,
        title=present.title_of(here, locale),
        unsold=details.unsold,
        targets=tuple(target_row(target, locale) for target in targets if target.id != details.variant_id),
        query=query.q,
    )
    if asked_by(request, "results"):
        return fragment(request, "catalog/admin/_move_targets.html", view)
    return manage_page(request, "catalog/admin/stock_move.html", view, "stock", back=path)


@post(_ONE + "/move", name="admin:move-keys", guards=_WRITES, status_code=200)
async def move(request: SoukRequest, batch_id: FromPath[UUID]) -> Html:
    """Say what moves where, and once that is confirmed move it. Raises NotFound, Invalid for an unfit variant."""
    batch, site, posted = BatchId(batch_id), site_of(request), await forms.posted(request)
    variant = VariantId((await forms.read_form(request, MoveForm)).variant)
    words, service = site.viewer(request.user).words, site.services.catalog.stock_changes
    details = await service.details(request.user, batch)
    target = await site.services.catalog.stock_imports.target(request.user, variant)
    if not details.unsold or target is None:
        return toast(to_app(await _page(request, batch)), words.gettext("No unsold keys are left."), "bad")
    if "sure" not in posted:
        name = isolated(target_row(target, request.user.language).title)
        title, text = words.gettext("Move keys?"), present.move_question(details.unsold, name, words)
        return await question(request, title, words.gettext("Move"), text, more={"sure": "on"})
    change = await service.move(request.user, batch, variant)
    answer = pushed(to_app(await _page(request, batch)), f"{BATCHES}/{batch_id}")
    return toast(answer, present.done_text(change, words))


@post(BATCHES + "/changes/{change_id:uuid}/undo", name="admin:undo-keys", guards=_WRITES, status_code=200)
async def undo(request: SoukRequest, change_id: FromPath[UUID]) -> Html:
    """Bring back what was removed or moved and is unsold; the page of the batch that it was of. Raises NotFound."""
    site = site_of(request)
    change = await site.services.catalog.stock_changes.undo(request.user, StockChangeId(change_id))
    text = present.undone_text(change, site.viewer(request.user).words)
    answer = pushed(await _page(request, change.batch_id), f"{BATCHES}/{change.batch_id}")
    return toast(answer, text)


@get(_ONE + "/export/{file:str}", name="admin:export-keys", opt=PUBLIC)
async def export(request: Request[Any, Any, Any], batch_id: FromPath[UUID], file: FromPath[str]) -> Stream:
    """The unsold keys of a batch as keys.txt, .jsonl or .csv, by signed address; who takes them is recorded.

    Raises Forbidden, NotFound, Invalid for a batch without unsold keys.
    """
    actor, site = await downloader(request), site_of(request)
    written = _FILES.get(file)
    if written is None:
        raise NotFound("no such file")
    pieces = await site.services.catalog.stock_export.export(actor, BatchId(batch_id), written)
    name = f"souk-keys-{batch_id.hex[-8:]}.{written}"
    return text_file(pieces, name, _TYPES.get(written, "text/plain"))


@get(_STOCK + "/removed", name="admin:removed-keys", guards=_READS)
async def removed(request: SoukRequest) -> Html:
    """Removals whose keys can come back, the latest first; a next page comes as rows only."""
    site, query = site_of(request), forms.read_query(request, RemovedQuery)
    before = StockChangeId(UUID(query.cursor)) if query.cursor else None
    listed = await site.services.catalog.stock_changes.removed(request.user, before, PAGE + 1)
    people = {one.made_by for one in listed if one.made_by}
    names = await site.services.identity.people.names_of(request.user, people)
    view = present.removed_page(listed, names, request.user.language, _STOCK + "/removed")
    if asked_for_more(request, query.cursor):
        return fragment(request, "catalog/admin/_removed_rows.html", view)
    return manage_page(request, "catalog/admin/stock_removed.html", view, "stock", back=_STOCK)


@get(_STOCK + "/low", name="admin:low-stock", guards=_READS)
async def low(request: SoukRequest) -> Html:
    """What runs low, how long it lasts, and which keys expire soon."""
    rows, expiring = await site_of(request).services.catalog.stock.low(request.user)
    view = present.low_page(rows, expiring, request.user.language)
    return manage_page(request, "catalog/admin/stock_low.html", view, "stock", back=_STOCK)


def _chosen(posted: dict[str, Any]) -> list[StockKeyId]:
    """The keys chosen in a form, or named by its question. Raises Invalid."""
    given = posted.get("key", "")
    names = given if isinstance(given, list) else str(given).split(",")
    try:
        ids = [StockKeyId(UUID(name)) for name in names if name]
    except (ValueError, AttributeError, TypeError):
        raise Invalid("no key of this batch", fields={"key": forms.INVALID}) from None
    if len(ids) > PAGE * PAGE:
        raise Invalid("too many keys at once", fields={"key": forms.INVALID})
    return ids


def _exports(request: SoukRequest, details: BatchDetails, path: str) -> tuple[tuple[str, str], ...]:
    """The addresses of an export by format, for those who may take keys out."""
    if not request.user.may(Permission.STOCK_EXPORT) or not sum(details.states.get(one, 0) for one in present.EXPORTED):
        return ()
    return tuple(
        (one.value, signed_url(request, f"{path}/export/{file}", seconds=_EXPORT_SECONDS))
        for file, one in _FILES.items()
    )


def _described(details: BatchDetails, request: SoukRequest) -> Fields:
    zone = site_of(request).viewer(request.user).timezone
    last = (details.expires_at - timedelta(seconds=1)).astimezone(zone).date() if details.expires_at else None
    cost = "" if details.unit_cost is None else str(Money(details.unit_cost, details.currency).decimal())
    named = {"source": details.source, "name": details.name or "", "cost": cost}
    return Fields({**named, "expires": last.isoformat() if last else ""})


async def _names(request: SoukRequest, changes: list[StockChange]) -> dict[Any, str]:
    people = {one.made_by for one in changes if one.made_by}
    return dict(await site_of(request).services.identity.people.names_of(request.user, people))


async def _page(request: SoukRequest, batch: BatchId, *, form: Fields | None = None, status: int = 200) -> Html:
    site, actor, path = site_of(request), request.user, f"{BATCHES}/{batch}"
    query = forms.read_query(request, KeysQuery) if request.method == "GET" else KeysQuery()
    service, states = site.services.catalog.stock_changes, FILTERS.get(query.show)
    details = await service.details(actor, batch)
    keys = await service.keys(actor, batch, states, after=int(query.after or 0), most=PAGE + 1)
    changes = await service.changes(actor, batch)
    view = present.batch_page(
        await site.services.catalog.batches.batch(actor, batch, empty=True),
        details,
        keys,
        present.change_rows(changes, details, await _names(request, changes)),
        site.viewer(actor),
        path=path,
        show=query.show,
        exports=_exports(request, details, path),
        form=form or _described(details, request),
        editing=form is not None,
    )
    if asked_for_more(request, query.after):
        return fragment(request, "catalog/admin/_stock_keys.html", view)
    return manage_page(request, "catalog/admin/stock_batch.html", view, "stock", back=_STOCK, status=status)


HANDLERS: Final = (one, describe, remove, move_page, move, undo, export, removed, low)
