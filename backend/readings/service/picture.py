"""Pictures: the deck as the app shows it, and a reading as people share it. See decisions/0094, 0095."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from backend.infra.documents import Typesetter
from backend.kernel.errors import Invalid
from backend.readings.art import back_svg, card_svg
from backend.readings.rules.sharing import shared
from backend.readings.types import CARDS
from backend.readings.types.pictures import Palette, SharedReading

BACK: Final = "back"
MOST_CARDS: Final = 16
"""More are too small to be seen."""
_TEMPLATE: Final = Path(__file__).parents[1] / "template" / "share.typ"
_PPI: Final = 144
"""1080 × 1350 pixels."""


class DeckPictures(msgspec.Struct, frozen=True):
    """All pictures as SVG, by palette and name: "0" to "77", and BACK."""

    version: str
    """The hash of all of them: another drawing has another version."""
    pictures: dict[tuple[Palette, str], bytes]


@functools.cache
def deck_pictures() -> DeckPictures:
    """The whole deck, drawn when it is first asked for: an idle process draws nothing."""
    pictures: dict[tuple[Palette, str], bytes] = {}
    for palette in Palette:
        for card in range(CARDS):
            pictures[palette, str(card)] = card_svg(card, palette).encode()
        pictures[palette, BACK] = back_svg(palette).encode()
    return DeckPictures(hashlib.sha256(b"".join(pictures.values())).hexdigest()[:12], pictures)


def share_typesetter() -> Typesetter:
    """What draws pictures of readings; one for the process, so that it draws two at a time."""
    return Typesetter(_TEMPLATE)


async def draw_share_picture(typesetter: Typesetter, reading: SharedReading, *, ppi: int = _PPI) -> bytes:
    """The picture of a reading as PNG, 1080 × 1350 pixels.

    Raises Invalid where there is no card, or more than MOST_CARDS.
    """
    if not 0 < len(reading.cards) <= MOST_CARDS:
        raise Invalid("cards that no picture holds", fields={"cards": "too_many" if reading.cards else "required"})
    return await typesetter.png(shared(reading), ppi=ppi)
