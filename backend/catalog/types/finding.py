"""What an admin's search finds of the catalogue and the stock."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from backend.catalog.types import KeyState, ProductId
from backend.kernel.ids import OrderLineId


class ProductHit(msgspec.Struct, frozen=True, kw_only=True):
    """A product, hidden ones too; ``category`` is the name of its category."""

    id: ProductId
    slug: str
    name: Mapping[str, str]
    category: Mapping[str, str]
    country: str | None
    picture: str | None
    listed: bool


class CategoryHit(msgspec.Struct, frozen=True, kw_only=True):
    """A category."""

    id: UUID
    slug: str
    name: Mapping[str, str]


class KeyHit(msgspec.Struct, frozen=True, kw_only=True):
    """A key, by its keyed hash: nothing of it is opened. ``line_id`` is the order's line that has it."""

    product: Mapping[str, str]
    variant: Mapping[str, str]
    state: KeyState
    batch_id: UUID
    line_id: OrderLineId | None


class GoodsHits(msgspec.Struct, frozen=True, kw_only=True):
    """Products, those that sell best first, and categories."""

    products: tuple[ProductHit, ...] = ()
    categories: tuple[CategoryHit, ...] = ()
