"""What a buyer sees of the things that were delivered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from backend.catalog.types.fulfilment import GoodsFile
from backend.catalog.words import product_name
from backend.identity.types import Actor
from backend.kernel.text import pick
from backend.orders import types as orders
from backend.orders.types.keys import DeliveredKey
from backend.orders.words import is_key
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import TileView


def line_name(line: orders.OrderLine, actor: Actor) -> str:
    """What a line of an order is called, in its reader's language."""
    return product_name(pick(line.name, actor.language), line.country, actor.language)


GOODS: Final = "/orders/goods/"
GOODS_SECONDS: Final = 300
"""How long the address of a file is good for; an open page has new ones in time. See decisions/0147."""


class KeyView(msgspec.Struct, frozen=True):
    """orders/_key.html: a bought secret; ``value`` is None until the buyer asks to see it."""

    id: str
    order_number: str
    title: str
    index: int
    of: int
    tile: TileView
    subtitle: str = ""
    uses: int = 1
    """For how many of its goods the key is."""
    value: str | None = None
    text_url: str | None = None
    written: bool = False
    """Whether it is a text that somebody wrote, and no key."""
    file: GoodsFile | None = None
    file_url: str = ""


def key(
    order: orders.OrderView,
    delivered: DeliveredKey,
    actor: Actor,
    picture: Picture,
    sign: Callable[[str], str],
    value: str | None = None,
) -> KeyView:
    """One key of an order, open when its ``value`` is given."""
    line = next(item for item in order.lines if item.id == delivered.line_id)
    return KeyView(
        id=str(delivered.ordinal),
        order_number=order.number,
        title=line_name(line, actor),
        index=delivered.ordinal,
        of=len(order.keys),
        tile=goods_tile(line, actor, picture),
        subtitle=pick(line.variant_name, actor.language),
        uses=delivered.uses,
        value=value,
        text_url=sign(f"/orders/files/{order.number}-{delivered.ordinal}.txt") if delivered.file is None else None,
        written=not is_key(delivered.kind),
        file=delivered.file,
        file_url=sign(file_path(order.number, delivered)) if delivered.file else "",
    )


def file_path(number: str, delivered: DeliveredKey) -> str:
    """Where a delivered file is fetched, once the address is signed; its ending tells it from a page's address."""
    return f"{GOODS}{number}-{delivered.ordinal}.bin"
