"""What the catalogue is to the outside."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

import msgspec

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
MEDIA_PREFIX: Final = "/media/"
"""Where stored pictures are served; the name of the file follows."""
STOCK_TOPIC: Final = "stock"
"""The signal that a product's availability changed; its key is the product's id."""
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


class ChoiceKind(StrEnum):
    """What a product's variants differ in."""

    DURATION = "duration"
    AMOUNT = "amount"
    OPTION = "option"


class KeyState(StrEnum):
    """The state of a stock key; ``shared`` is a key that many buyers get."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"
    REMOVED = "removed"
    SHARED = "shared"


class Sort(StrEnum):
    """The order of a list. ``price`` goes by the public price, cheapest first, for resellers too."""

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

    @property
    def picture_url(self) -> str | None:
        """The public address of its picture, without the host."""
        return MEDIA_PREFIX + self.picture if self.picture else None


class VariantOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A variant of a product. ``public_price`` is what others pay; it differs from ``price`` for a reseller."""

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
    """A category as stored; ``products`` counts its own listed ones."""

    id: CategoryId
    parent_id: CategoryId | None
    slug: str
    name: dict[str, str]
    icon: str
    hue: str
    products: int


class ProblemCode(StrEnum):
    """What is wrong with a row of a file."""

    EMPTY_FILE = "empty_file"
    NOT_UTF8 = "not_utf8"
    LINE_TOO_LONG = "line_too_long"
    BROKEN_CSV = "broken_csv"
    TOO_MANY_CELLS = "too_many_cells"
    NAMELESS_COLUMN = "nameless_column"
    DUPLICATE_COLUMN = "duplicate_column"
    BROKEN_JSON = "broken_json"
    NOT_AN_OBJECT = "not_an_object"
    FIELD_TWICE = "field_twice"
    MISSING_COLUMN = "missing_column"
    UNKNOWN_COLUMN = "unknown_column"
    COLUMN_NOT_FOR_TYPE = "column_not_for_type"
    UNKNOWN_TYPE = "unknown_type"
    REQUIRED = "required"
    BAD_SLUG = "bad_slug"
    BAD_TEXT = "bad_text"
    NOT_TEXT = "not_text"
    SPREADSHEET_ERROR = "spreadsheet_error"
    TOO_LONG = "too_long"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    NOT_YES_OR_NO = "not_yes_or_no"
    UNKNOWN_VALUE = "unknown_value"
    BAD_PRICE = "bad_price"
    NEGATIVE_PRICE = "negative_price"
    FRACTION_TOO_FINE = "fraction_too_fine"
    UNKNOWN_CURRENCY = "unknown_currency"
    BAD_COUNTRY = "bad_country"
    DUPLICATE = "duplicate"
    UNKNOWN_PARENT = "unknown_parent"
    PARENT_CYCLE = "parent_cycle"
    UNKNOWN_CATEGORY = "unknown_category"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_VARIANT = "unknown_variant"
    UNKNOWN_PICTURE = "unknown_picture"
    LIMITS_CONTRADICT = "limits_contradict"
    NOT_SHARED = "not_shared"
    BELOW_RESERVED = "below_reserved"
    KEY_TAKEN = "key_taken"


class Problem(msgspec.Struct, frozen=True):
    """A bad row: its line, what is wrong, in which column, and the value (short; masked where it is a key).

    ``ref`` is the kind and reference of the row, where they are known.
    """

    line: int
    code: ProblemCode
    column: str = ""
    value: str = ""
    ref: str = ""


class Action(StrEnum):
    """What an import does with a thing."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"


class FieldChange(msgspec.Struct, frozen=True):
    """A field before and after, as short texts."""

    field: str
    before: str
    after: str


class Change(msgspec.Struct, frozen=True):
    """What an import does with one category, product or variant."""

    kind: str
    ref: str
    action: Action
    fields: tuple[FieldChange, ...] = ()


class CatalogueReport(msgspec.Struct, frozen=True):
    """What a catalogue file changes (or changed, when ``applied``). ``counts``: by kind, then by action."""

    applied: bool
    counts: dict[str, dict[Action, int]]
    changes: list[Change]
    problems: list[Problem]


class StockChange(msgspec.Struct, frozen=True):
    """What a stock file adds to one variant; ``duplicates`` are keys that it has or had already."""

    variant: str
    added: int
    duplicates: int


class SharedChange(msgspec.Struct, frozen=True):
    """What a stock file does with the shared key of one variant.

    ``before`` and ``after`` are how often it can be sold, those reserved included; None for any number.
    """

    variant: str
    action: Action
    replaced: bool
    """Whether later buyers get another key than those before."""
    before: int | None
    after: int | None


class StockReport(msgspec.Struct, frozen=True):
    """What a stock file adds (or added, when ``applied``)."""

    applied: bool
    rows: int
    added: int
    duplicates: int
    variants: list[StockChange]
    shared: list[SharedChange]
    problems: list[Problem]
