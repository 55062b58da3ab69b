"""Files as goods: versions, what is offered, and who has how many downloads left."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.catalog.types import VariantId
from backend.catalog.types.fulfilment import SealedFile
from backend.kernel.events import Event
from backend.kernel.ids import OrderLineId, UserId

FileVersionId = NewType("FileVersionId", UUID)
MOST_DOWNLOADS: Final = 1000
MOST_DEVICES: Final = 3
"""How many devices one address serves: Telegram's check, a phone, and that phone in another network."""


class FileSold(Event, frozen=True, kw_only=True):
    """A line of a file was sold: its copy can be made, and sent to its buyer."""

    line_id: OrderLineId


class Fetch(msgspec.Struct, frozen=True):
    """One request for a file: at which address, by which device; both are hashes."""

    address: bytes
    device: bytes


class FileVersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version as its sellers see it; ``pages`` and ``stamps`` say whether copies bear their buyers' names."""

    id: FileVersionId
    version: int
    name: str
    size: int
    kind: str
    pages: int | None
    stamps: bool
    uploaded_by: UserId | None
    uploaded_at: datetime
    sold: int
    """How many lines were sold with it."""


class FileGoods(msgspec.Struct, frozen=True, kw_only=True):
    """A variant that is sold as a file. ``left``: how many more can be sold, None for any number."""

    variant_id: VariantId
    product_slug: str
    product_name: dict[str, str]
    variant_name: dict[str, str]
    current: FileVersionId | None
    download_limit: int = 10
    latest_for_all: bool = True
    left: int | None = None
    versions: tuple[FileVersionView, ...] = ()


class FileVariant(msgspec.Struct, frozen=True, kw_only=True):
    """A variant that is sold as a file, in a list; ``file`` is the name of its file, None before one was uploaded."""

    variant_id: VariantId
    product_name: dict[str, str]
    variant_name: dict[str, str]
    file: str | None
    size: int | None
    left: int | None
    """How many more can be sold, None for any number."""


class UsedUp(msgspec.Struct, frozen=True):
    """A line whose buyer has no downloads left."""

    line_id: OrderLineId
    downloads: int
    taken_at: datetime


class MasterFile(msgspec.Struct, frozen=True):
    """A version that has to be stamped before a line's buyer gets it."""

    file_id: FileVersionId
    sealed: SealedFile
