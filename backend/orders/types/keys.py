"""Delivered keys: how they are shown and sent, and each one of an order."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from backend.catalog.types.fulfilment import GoodsFile, ItemId
from backend.kernel.events import Event
from backend.kernel.ids import OrderId, OrderLineId, UserId


class RevealChannel(StrEnum):
    """How a key was shown or sent in plain text."""

    PAGE = "page"
    FILE = "file"
    CHAT = "chat"


class KeysRequested(Event, frozen=True, kw_only=True):
    """The buyer asked for the order's keys in the chat again."""

    order_id: OrderId
    user_id: UserId


class DeliveredKey(msgspec.Struct, frozen=True):
    """A key of the order, still encrypted. ``ordinal`` counts from 1 over the whole order."""

    id: ItemId
    kind: str
    line_id: OrderLineId
    ordinal: int
    uses: int = 1
    """For how many of its line it is: all of them where the line has one key, as with a shared key."""
    file: GoodsFile | None = None
    """It is a file, which is downloaded and has no text."""


class OpenedKey(msgspec.Struct, frozen=True):
    """A key in plain text, to be shown and never stored."""

    ordinal: int
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    text: str
    uses: int = 1
    """As in DeliveredKey."""
    kind: str = ""
    """A StockKind's value."""
