"""Variants as the back office edits them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from backend.catalog.types import NO_WARRANTY, ChoiceKind, ProductId, StockKind, VariantId
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.kernel.money import Money

MOST_STEPS: Final = 10
"""How many quantity prices a variant may have."""
LONGEST_NAME: Final = 60
LONGEST_NOTE: Final = 80
EDITED_ELSEWHERE: Final = frozenset({StockKind.COURSE, StockKind.CREDITS})
"""Kinds whose variants (tariffs of a course, packages of credits) their own slices edit."""


_FOR_ALL: Final = frozenset({"min_quantity", "max_quantity", "per_person_limit"})


def fields_of(kind: StockKind) -> frozenset[str]:
    """The numbers of a VariantDraft that mean something for this kind of goods."""
    own: dict[StockKind, set[str]] = {
        StockKind.UNIQUE_KEYS: {"low_stock_at"},
        StockKind.SHARED_KEY: {"low_stock_at"},
        StockKind.BY_HAND: {"promised_hours", "open_places"},
        StockKind.PREMIUM: {"premium_months", "subscription_days"},
    }
    warranty = set() if kind in NO_WARRANTY else {"warranty_days"}
    return frozenset(_FOR_ALL | own.get(kind, set()) | warranty)


class VariantDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What an admin types of a variant; texts by language, amounts in the shop's currency.

    What its kind of goods does not have is not looked at: see ``fields_of``.
    """

    name: dict[str, str]
    note: dict[str, str]
    price: Money
    reseller_price: Money | None = None
    quantity_prices: tuple[QuantityPrice, ...] = ()
    """In the order in which they were typed."""
    min_quantity: int = 1
    max_quantity: int | None = None
    per_person_limit: int | None = None
    warranty_days: int = 0
    low_stock_at: int = 5
    promised_hours: int = 24
    open_places: int | None = None
    premium_months: int | None = None
    subscription_days: int | None = None


class VariantRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stored variant; ``version`` grows with each change of it."""

    id: VariantId
    product_id: ProductId
    code: str
    draft: VariantDraft
    version: int
    hidden: bool
    archived_at: datetime | None
    available: int | None
    """How many can be bought, up to AVAILABILITY_CAP; None for any number."""
    cost: Money | None
    """What the dearest of its keys for sale has cost, as far as its batches say."""


class VariantsProduct(msgspec.Struct, frozen=True, kw_only=True):
    """The product of some variants; its name by language."""

    id: ProductId
    slug: str
    name: dict[str, str]
    kind: StockKind
    choice: ChoiceKind
    country: str | None
    hue: str
    icon: str
    picture: str | None

    @property
    def editable(self) -> bool:
        """Whether its variants are edited here, and not by the slice that sells them."""
        return self.kind not in EDITED_ELSEWHERE


class ProductVariants(msgspec.Struct, frozen=True):
    """A product with its variants in their order, hidden ones too; without those in the recycle bin."""

    product: VariantsProduct
    variants: list[VariantRecord]


class HintCode(StrEnum):
    """What an admin should look at before they save a price."""

    RESELLER_ABOVE_PRICE = "reseller_above_price"
    BELOW_COST = "below_cost"
    CHEAPER_THAN_SMALLER = "cheaper_than_smaller"
    """A smaller one costs more."""
    DEARER_THAN_LARGER = "dearer_than_larger"
    """A larger one costs less."""


class VariantHint(msgspec.Struct, frozen=True):
    """A hint; ``other`` is the name of the variant that it compares with, ``cost`` what one has cost."""

    code: HintCode
    other: dict[str, str] = {}
    cost: Money | None = None
