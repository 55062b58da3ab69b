"""Pictures of the deck: public, the same for everybody, at addresses that change with the drawing: decisions/0094."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response

from backend.kernel.errors import NotFound
from backend.readings.service.picture import BACK, deck_pictures
from backend.readings.types.pictures import Palette
from webapp.core.guards import PUBLIC

_HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "vary": "Accept-Encoding",
    # An SVG opened by itself may run nothing.
    "content-security-policy": "default-src 'none'; sandbox",
}


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """A card as templates show it: its two pictures, and what it is called in the reader's language.

    ``name`` is the picture's alternative text, with the word for reversed where it is; empty for a card that only
    decorates.
    """

    day: str
    night: str
    name: str = ""
    reversed: bool = False


def card_view(card: int, name: str, *, is_reversed: bool = False) -> CardView:
    """The face of a card, 0 to 77. Raises KeyError for another."""
    return _view(str(card), name, is_reversed)


def back_view(name: str = "") -> CardView:
    """The back that all cards share."""
    return _view(BACK, name, False)


@get("/cards/{version:str}/{palette:str}/{name:str}", name="readings:card", opt=PUBLIC)
async def card_picture(
    request: Request[Any, Any, Any], version: FromPath[str], palette: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """One picture. Raises NotFound."""
    deck, (stem, _, suffix) = deck_pictures(), name.rpartition(".")
    known = palette in set(Palette) and suffix == "svg" and version == deck.version
    picture = deck.pictures.get((Palette(palette), stem)) if known else None
    if picture is None:
        raise NotFound("no such picture")
    return Response(picture, media_type="image/svg+xml", headers=_HEADERS)


def _view(picture: str, name: str, is_reversed: bool) -> CardView:
    deck = deck_pictures()
    if (Palette.DAY, picture) not in deck.pictures:
        raise KeyError(picture)
    day, night = (f"/cards/{deck.version}/{palette.value}/{picture}.svg" for palette in (Palette.DAY, Palette.NIGHT))
    return CardView(day=day, night=night, name=name, reversed=is_reversed)


HANDLERS: Final = (card_picture,)
