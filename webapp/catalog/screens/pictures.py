"""The picture of a product, as its editors see it."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from backend.catalog.types.pictures import PictureChange, ProductLook
from backend.identity.types import Actor
from backend.kernel.text import pick
from webapp.core.looks import Picture, tile
from webapp.core.parts import PictureView, TileView

PictureError = Literal[
    "", "required", "too_large", "heic", "not_a_picture", "too_many_pixels", "too_small", "too_complex", "damaged"
]


class PictureBlock(msgspec.Struct, frozen=True):
    """catalog/admin/_product_picture.html: what is shown now, and the form that changes it.

    ``undo`` are the names of the pictures before and after the change that was made just now, empty for the tile.
    """

    path: str
    tile: TileView
    chosen: PictureView | None
    error: PictureError = ""
    undo: tuple[str, str] | None = None


class PicturePage(msgspec.Struct, frozen=True):
    """catalog/admin/picture.html."""

    name: str
    picture: PictureBlock


def picture_block(
    look: ProductLook,
    actor: Actor,
    picture: Picture,
    *,
    error: str = "",
    change: PictureChange | None = None,
) -> PictureBlock:
    """The block of a product's picture; with its tile beside, which is shown without a picture."""
    undo = (change.before or "", change.after or "") if change and change.before != change.after else None
    name = pick(look.name, actor.language)
    return PictureBlock(
        path=f"/admin/catalogue/products/{look.id}/picture",
        tile=tile(name, look.hue, look.icon, look.country),
        chosen=picture(look.picture),
        error=cast(PictureError, error),
        undo=undo,
    )


def picture_page(look: ProductLook, block: PictureBlock, actor: Actor) -> PicturePage:
    """The block as a page of its own."""
    return PicturePage(pick(look.name, actor.language), block)
