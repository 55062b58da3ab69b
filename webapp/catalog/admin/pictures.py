"""The picture of a product: chosen, cut, removed, and put back."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types import ProductId
from backend.catalog.types.pictures import PictureChange
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.infra.picture_maker import WHOLE, Crop
from backend.kernel.errors import Invalid
from webapp.catalog.screens import pictures as present
from webapp.core import forms, uploads
from webapp.core.answers import asked_by, say
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, pictures
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM

_CATALOGUE: Final = requires(Permission.CATALOGUE)
_WRITES: Final = [_CATALOGUE, limited(WRITE)]
_PATH: Final = "/admin/catalogue/products/{product_id:uuid}/picture"
_NAME: Final = Meta(max_length=100)


class CropForm(msgspec.Struct, frozen=True):
    """What is kept of the picture, as Crop says; the page's script writes it."""

    left: int = 0
    top: int = 0
    width: int = WHOLE
    height: int = WHOLE


class UndoForm(msgspec.Struct, frozen=True):
    """The names of the pictures before and after the change; empty for the tile."""

    before: Annotated[str, _NAME] = ""
    after: Annotated[str, _NAME] = ""


@get(_PATH, name="admin:product-picture", guards=[_CATALOGUE])
async def product_picture(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The picture of a product. Raises NotFound."""
    return await _answer(request, product_id)


@post(_PATH, name="admin:set-picture", guards=_WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def set_picture(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Show a picture that is sent. Raises NotFound."""
    cut, sent = forms.fill(await forms.posted(request), CropForm).value, await uploads.posted(request, "picture")
    crop = None if cut is None else Crop(cut.left, cut.top, cut.width, cut.height)
    service = site_of(request).services.catalog.pictures
    try:
        change = await service.set_picture(request.user, ProductId(product_id), sent.data, crop)
    except Invalid as refusal:
        return await _answer(request, product_id, error=refusal.fields["picture"])
    return say(request, await _answer(request, product_id, change=change), _("Picture saved"))


@post(_PATH + "/remove", name="admin:remove-picture", guards=_WRITES, status_code=200)
async def remove(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Show the tile. Raises NotFound."""
    change = await site_of(request).services.catalog.pictures.remove(request.user, ProductId(product_id))
    return say(request, await _answer(request, product_id, change=change), _("Picture removed"))


@post(_PATH + "/undo", name="admin:undo-picture", guards=_WRITES, status_code=200)
async def undo(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Show again what was there before. Raises NotFound, PictureChanged."""
    form = await forms.read_form(request, UndoForm)
    change = PictureChange(form.before or None, form.after or None)
    await site_of(request).services.catalog.pictures.undo(request.user, ProductId(product_id), change)
    return say(request, await _answer(request, product_id), _("Change undone"))


async def _answer(
    request: SoukRequest, product_id: UUID, *, error: str = "", change: PictureChange | None = None
) -> Html:
    """The block where a page holds it, else a page of its own."""
    actor = request.user
    look = await site_of(request).services.catalog.pictures.look_of(actor, ProductId(product_id))
    block = present.picture_block(look, actor, pictures(request), error=error, change=change)
    status = FORM_ERROR if error else 200
    if asked_by(request, "picture"):
        return fragment(request, "catalog/admin/_product_picture.html", block, status=status)
    view = present.picture_page(look, block, actor)
    return manage_page(request, "catalog/admin/picture.html", view, "stock", status=status)


HANDLERS: Final = (product_picture, set_picture, remove, undo)
