"""Files as goods in the back office: uploading versions, how they are sold, and buyers without downloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.catalog.types.files import MOST_DOWNLOADS
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.ids import OrderLineId
from webapp.catalog.screens import goods_files as present
from webapp.core import forms, uploads
from webapp.core.answers import replaced, say
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM

_STOCK: Final = requires(Permission.STOCK)
_WRITES: Final = [_STOCK, limited(WRITE)]
_ALL: Final = "/admin/stock/files"
_PATH: Final = "/admin/catalogue/variants/{variant_id:uuid}/file"


class OfferForm(msgspec.Struct, frozen=True):
    """How the file is sold; no ``copies`` for any number, and ``seen`` is how many there were when it was shown."""

    download_limit: Annotated[int, Meta(ge=1, le=MOST_DOWNLOADS)]
    copies: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    seen: int | None = None
    latest_for_all: bool = False


@get(_ALL, name="admin:goods-files", guards=[_STOCK])
async def goods_files(request: SoukRequest) -> Html:
    """What is sold as files."""
    listed = await site_of(request).services.catalog.goods_files.list_variants(request.user)
    view = present.file_variants(listed, request.user)
    return manage_page(request, "catalog/admin/goods_files.html", view, "stock", back="/admin/stock")


@get(_PATH, name="admin:goods-file", guards=[_STOCK])
async def goods_file(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """The file of a variant, its versions, and how it is sold. Raises NotFound."""
    return await _page(request, variant_id)


@post(_PATH, name="admin:upload-goods-file", guards=_WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def upload(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """Offer a file from now on. Raises NotFound."""
    sent, unstamped = await uploads.posted(request, "file"), "unstamped" in await forms.posted(request)
    service = site_of(request).services.catalog.goods_files
    try:
        await service.upload(request.user, VariantId(variant_id), sent.name, sent.data, unstamped=unstamped)
    except Invalid as refusal:
        return await _page(request, variant_id, error=refusal.fields["file"])
    return await _done(request, variant_id, _("File saved"))


@post(_PATH + "/offer", name="admin:offer-goods-file", guards=_WRITES, status_code=200)
async def offer(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """Change how the file is sold. Raises NotFound."""
    form = await forms.read(request, OfferForm)
    if form.value is None:
        return await _page(request, variant_id, typed=form.typed, errors=form.errors)
    value = form.value
    await site_of(request).services.catalog.goods_files.change(
        request.user, VariantId(variant_id), copies=value.copies, seen=value.seen,
        download_limit=value.download_limit, latest_for_all=value.latest_for_all,
    )  # fmt: skip
    return await _done(request, variant_id, _("Saved"))


@post(_PATH + "/downloads/{line_id:uuid}", name="admin:reset-downloads", guards=_WRITES, status_code=200)
async def reset_downloads(request: SoukRequest, variant_id: FromPath[UUID], line_id: FromPath[UUID]) -> Html:
    """Let a buyer download as often as at first. Raises NotFound."""
    service = site_of(request).services.catalog.goods_files
    await service.reset_downloads(request.user, VariantId(variant_id), OrderLineId(line_id))
    return await _done(request, variant_id, _("Downloads reset"))


async def _done(request: SoukRequest, variant_id: UUID, text: str) -> Html:
    shown = replaced(await _page(request, variant_id), present.path_of(variant_id))
    return say(request, shown, text)


async def _page(
    request: SoukRequest,
    variant_id: UUID,
    *,
    error: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Html:
    services, actor = site_of(request).services, request.user
    goods = await services.catalog.goods_files.get(actor, VariantId(variant_id))
    used_up = await services.catalog.goods_files.list_used_up(actor, VariantId(variant_id))
    numbers = {}
    if actor.may(Permission.ORDERS):
        owners = await services.orders.history.owners_of(actor, [one.line_id for one in used_up])
        numbers = {line: owner.number for line, owner in owners.items()}
    names = await services.identity.people.names_of(
        actor, [one.uploaded_by for one in goods.versions if one.uploaded_by]
    )
    view = present.goods_file_page(goods, actor, names, used_up, numbers, error=error, typed=typed, errors=errors)
    status = FORM_ERROR if error or errors else 200
    return manage_page(request, "catalog/admin/goods_file.html", view, "stock", back=_ALL, status=status)


HANDLERS: Final = (goods_files, goods_file, upload, offer, reset_downloads)
