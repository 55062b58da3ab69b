"""Products and variants that another slice sells and edits, such as courses and their tariffs."""

from __future__ import annotations

import msgspec

from backend.catalog.types import ProductId, VariantId
from backend.kernel.money import Money


class ProductFields(msgspec.Struct, frozen=True, kw_only=True):
    """What can be edited of a product; texts by language, English always."""

    category: str
    """The slug of its category."""
    name: dict[str, str]
    summary: dict[str, str]
    description: dict[str, str]
    icon: str
    hue: str
    picture: str | None = None
    """The name of a stored picture."""
    hidden: bool = False


class VariantFields(msgspec.Struct, frozen=True, kw_only=True):
    """What can be edited of a variant; texts by language, English always."""

    name: dict[str, str]
    note: dict[str, str]
    price: Money
    reseller_price: Money | None = None
    position: int = 0
    hidden: bool = False


class SoldProduct(msgspec.Struct, frozen=True):
    """A product of another slice as it is stored."""

    id: ProductId
    slug: str
    fields: ProductFields


class SoldVariant(msgspec.Struct, frozen=True):
    """A variant of another slice's product as it is stored."""

    id: VariantId
    product_id: ProductId
    code: str
    fields: VariantFields
    subscription_days: int | None = None
    """The period of a subscription to it; None where it is sold once at a time."""
