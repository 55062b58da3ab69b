"""Pictures of products, and what changed them."""

from __future__ import annotations

import msgspec

from backend.catalog.types import ProductId


class ProductLook(msgspec.Struct, frozen=True, kw_only=True):
    """How a product looks in lists; ``picture`` is the name of a stored one, None for its tile."""

    id: ProductId
    slug: str
    name: dict[str, str]
    icon: str
    hue: str
    country: str | None
    picture: str | None


class PictureChange(msgspec.Struct, frozen=True):
    """The names of the pictures before and after; None is the tile."""

    before: str | None
    after: str | None
