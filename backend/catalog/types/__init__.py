"""What the catalogue is to the outside."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

from backend.catalog.types.quantity_prices import QuantityPrice, price_of_one
from backend.kernel.events import Event
from backend.kernel.money import Money

CategoryId = NewType("CategoryId", UUID)
ProductId = NewType("ProductId", UUID)
VariantId = NewType("VariantId", UUID)
StockKeyId = NewType("StockKeyId", UUID)

AVAILABILITY_CAP: Final = 100
"""Availability is counted up to here: below it the count is exact, at it there may be more."""
MAX_QUANTITY: Final = 1000
"""The most keys of a variant that one order may have, whatever the variant's own limit."""
MOST_PREMIUM_MONTHS: Final = 120
"""Premium lasts at most so many months from now, however often it is bought."""
MEDIA_PREFIX: Final = "/media/"
"""Where stored pictures are served; the name of the file follows."""
STOCK_TOPIC: Final = "stock"
"""The signal that a product's availability changed; its key is the product's id."""
WARRANTY_DAYS: Final = 30
"""The warranty of a variant that says nothing about it."""
CATALOGUE_TOPIC: Final = "catalogue"
"""The signal that the catalogue changed; its key is the new version."""
HUES: Final = ("blue", "indigo", "violet", "pink", "red", "orange", "amber", "green", "teal", "grey")
ICONS: Final = ("box", "card", "game", "gift", "globe", "learn", "shield", "sim", "star")


class StockKind(StrEnum):
    """How a product is delivered; stored with products and with the lines of orders."""

    UNIQUE_KEYS = "unique_keys"
    """Every key is sold once."""
    SHARED_KEY = "shared_key"
    """One key is sold to many, a number of times or without a limit."""
    PREMIUM = "premium"
    """Months of membership in the shop, never out of stock."""
    BY_HAND = "by_hand"
    """An admin prepares each line after it is paid."""
    COURSE = "course"
    """A place in a course, whose variants are its tariffs."""
    FILE = "file"
    """Every buyer downloads the same file, a number of times."""
    CREDITS = "credits"
    """Credits for readings, never out of stock; its variants are packages of them."""


NO_WARRANTY: Final = frozenset({StockKind.PREMIUM.value, StockKind.COURSE.value, StockKind.CREDITS.value})
"""Kinds of which nothing can fail to work."""


class ChoiceKind(StrEnum):
    """What a product's variants differ in."""

    DURATION = "duration"
    AMOUNT = "amount"
    OPTION = "option"


class KeyState(StrEnum):
    """The state of a stock key."""

    AVAILABLE = "available"
    HELD = "held"
    RESERVED = "reserved"
    SOLD = "sold"
    FAULTY = "faulty"
    """Sold, and it did not work: replaced or refunded under the warranty."""
    STOPPED = "stopped"
    """Not for sale while its batch is stopped."""
    REMOVED = "removed"
    """Taken out of the stock by an admin; its removal can be undone."""
    EXPIRED = "expired"
    """Unsold when its time ended."""
    SHARED = "shared"
    """Many buyers get it."""


class Sort(StrEnum):
    """The order of a list. ``price`` goes by the public price, cheapest first, for resellers too.

    ``shop`` is the order that admins have set inside each category; without a category it is ``popular``.
    """

    SHOP = "shop"
    POPULAR = "popular"
    NEW = "new"
    PRICE = "price"


class StockLow(Event, frozen=True, kw_only=True):
    """A variant's stock fell to its threshold or below; emitted once until it is restocked."""

    variant_id: VariantId
    product_id: ProductId
    left: int


class StockSubject(msgspec.Struct, frozen=True):
    """The variant of an alert about stock; names by language."""

    product_id: ProductId
    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    country: str | None
    available: int
    kind: StockKind = StockKind.UNIQUE_KEYS
    picture: str | None = None
    """The name of a stored picture."""


class NamedProduct(msgspec.Struct, frozen=True):
    """A product as a message names it; its name by language."""

    slug: str
    name: dict[str, str]
    country: str | None
    picture: str | None
    """The name of a stored picture."""


class Offer(msgspec.Struct, frozen=True):
    """A variant as an order needs it; names by language, the price for this buyer."""

    variant_id: VariantId
    product_id: ProductId
    slug: str
    name: dict[str, str]
    variant_name: dict[str, str]
    hue: str
    icon: str
    country: str | None
    picture: str | None
    unit_price: Money
    public_price: Money
    """What others pay for one; it differs from ``unit_price`` for a reseller."""
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None
    premium_only: bool
    kind: str
    """A StockKind's value, which names the fulfiller."""
    warranty_days: int
    """How long what doesn't work is replaced or refunded; 0 for no warranty."""
    promised_hours: int | None = None
    """How long goods by hand take at most; None for what is delivered at once."""
    quantity_prices: tuple[QuantityPrice, ...] = ()
    """For everybody, the smallest quantity first and each price below the one before."""
    subscription_days: int | None = None
    """The period of a subscription to it; None where there is none."""

    def price_of_one(self, quantity: int) -> Money:
        """What this buyer pays for one of ``quantity``."""
        return price_of_one(self.unit_price, self.quantity_prices, quantity)

    @property
    def largest_order(self) -> int:
        """The most that one order may have."""
        return min(self.max_quantity or MAX_QUANTITY, MAX_QUANTITY)


class CategoryRow(msgspec.Struct, frozen=True):
    """A category in the reader's language; ``products`` counts those listed in it and below it."""

    id: CategoryId
    slug: str
    parent: str | None
    depth: int
    name: str
    icon: str
    hue: str
    products: int


class CountryRow(msgspec.Struct, frozen=True):
    """A country (ISO 3166-1, two letters) and how many listed products are for it."""

    code: str
    products: int


class ProductCard(msgspec.Struct, frozen=True, kw_only=True):
    """A product in a list, in the reader's language and at their price.

    ``title`` is the name with the country; ``country`` None is everywhere. ``category`` is a slug. ``prices_differ``:
    say "from". ``available`` counts all its variants, up to AVAILABILITY_CAP; None for what is never out of stock.
    """

    id: ProductId
    slug: str
    name: str
    title: str
    summary: str
    hue: str
    icon: str
    country: str | None
    category: str
    price_from: Money
    prices_differ: bool
    available: int | None
    premium_only: bool
    picture: str | None
    only_variant: VariantId | None = None
    """Its variant, where a list knows that it has one only: nothing has to be chosen before it is bought."""

    @property
    def picture_url(self) -> str | None:
        """The public address of its picture, without the host."""
        return MEDIA_PREFIX + self.picture if self.picture else None


class VariantOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A variant of a product. ``public_price`` is what others pay; it differs from ``price`` for a reseller.

    ``quantity_prices`` are those that are lower than ``price`` and within reach of one order.
    """

    id: VariantId
    code: str
    name: str
    note: str
    price: Money
    public_price: Money
    available: int | None
    min_quantity: int
    max_quantity: int | None
    per_person_limit: int | None
    promised_hours: int | None = None
    """As in Offer."""
    file_kind: str | None = None
    """The ending of its file, as ``pdf``; None for what is no file."""
    file_size: int | None = None
    quantity_prices: tuple[QuantityPrice, ...] = ()
    subscription_days: int | None = None
    warranty_days: int
    """How long what doesn't work is replaced or refunded; 0 for no warranty."""

    def price_of_one(self, quantity: int) -> Money:
        """What one of ``quantity`` costs."""
        return price_of_one(self.price, self.quantity_prices, quantity)

    @property
    def in_stock(self) -> bool:
        """Whether there is enough for the smallest order."""
        return self.available is None or self.available >= self.min_quantity

    @property
    def largest_order(self) -> int:
        """The most that one order may have, if that many are in stock."""
        return min(self.max_quantity or MAX_QUANTITY, MAX_QUANTITY)


class BuyState(StrEnum):
    """What the main button of a product's page says."""

    BUY = "buy"
    SOLD_OUT = "sold_out"
    PREMIUM_ONLY = "premium_only"


class BuyBox(msgspec.Struct, frozen=True, kw_only=True):
    """What the buy box of a product's page shows for one variant."""

    variant: VariantOffer
    state: BuyState
    quantity: int
    """Always from ``minimum`` to ``maximum``."""
    minimum: int
    maximum: int
    per_person_limit: int | None
    """How many one person may have in all; None for any number."""


class ProductDetail(ProductCard, frozen=True, kw_only=True):
    """A product on its own page. ``description`` is Markdown, ``description_html`` is safe to show as it is."""

    description: str
    description_html: str
    tags: tuple[str, ...]
    kind: StockKind
    choice: ChoiceKind
    category_name: str
    variants: list[VariantOffer]


class CategoryFacts(msgspec.Struct, frozen=True):
    """A category as stored."""

    id: CategoryId
    parent_id: CategoryId | None
    slug: str
    name: dict[str, str]
    icon: str
    hue: str
