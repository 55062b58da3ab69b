"""The shop: shelves, lists, a product, and the sheets of a purchase."""

from __future__ import annotations

from typing import Literal

import msgspec
from markupsafe import Markup

from backend.kernel.money import Money
from webapp.core.parts import Chip, Hue, StockView, TileView


class ProductCard(msgspec.Struct, frozen=True):
    """A product in a grid or a list; ``from_price`` when its variants differ in price."""

    slug: str
    title: str
    subtitle: str
    tile: TileView
    price: Money
    stock: StockView
    from_price: bool = False
    premium_only: bool = False


class Country(msgspec.Struct, frozen=True):
    """A country to browse by; ``code`` None is everywhere."""

    code: str | None
    href: str
    active: bool = False


class Shelf(msgspec.Struct, frozen=True):
    """A row of cards on the shop's first page."""

    key: Literal["fresh", "popular"]
    cards: tuple[ProductCard, ...]
    href: str


class ShopHome(msgspec.Struct, frozen=True):
    """catalog/home.html"""

    categories: tuple[Chip, ...]
    countries: tuple[Country, ...]
    shelves: tuple[Shelf, ...]


class ProductRows(msgspec.Struct, frozen=True):
    """catalog/_rows.html: the next page of a list."""

    cards: tuple[ProductCard, ...]
    next_url: str | None = None


class ShopList(msgspec.Struct, frozen=True):
    """catalog/list.html. ``sorts`` have keys popular, new, price; ``chosen`` can be taken off, ``inside`` narrows."""

    title: str
    sorts: tuple[Chip, ...]
    in_stock: Chip
    chosen: tuple[Chip, ...]
    rows: ProductRows
    inside: tuple[Chip, ...] = ()
    clear_href: str = "/shop"


class VariantRow(msgspec.Struct, frozen=True):
    """One way to have a product, such as "3 months"."""

    id: str
    title: str
    price: Money
    note: str = ""
    was: Money | None = None
    stock: StockView = StockView()
    selected: bool = False
    available: bool = True


class QuantityView(msgspec.Struct, frozen=True):
    """How many are asked for and what the limits allow now; ``per_person`` is told to the buyer."""

    value: int
    minimum: int
    maximum: int
    per_person: int | None = None


class BuyView(msgspec.Struct, frozen=True):
    """catalog/_buy.html: the quantity row and the button, asked again at every change of variant or quantity."""

    slug: str
    variant_id: str
    quantity: QuantityView
    total: Money
    state: Literal["buy", "sold_out", "premium_only"] = "buy"


class ProductPage(msgspec.Struct, frozen=True):
    """catalog/product.html"""

    title: str
    tile: TileView
    stock: StockView
    variants: tuple[VariantRow, ...]
    buy: BuyView
    subtitle: str = ""
    description: Markup = Markup("")
    variants_kind: Literal["duration", "amount", "option"] = "option"
    similar: tuple[ProductCard, ...] = ()


class WayRow(msgspec.Struct, frozen=True):
    """A way to pay in the reader's language; ``note`` is its price or its limit, and its time.

    ``fits``: it takes the amount that is asked for.
    """

    key: str
    title: str
    note: str
    icon: str
    hue: Hue
    selected: bool = False
    fits: bool = True


class ConfirmSheet(msgspec.Struct, frozen=True):
    """orders/_confirm.html: what is bought, for how much, and the balance before and after.

    ``intent`` is the idempotency key: a double tap buys once. ``action`` is where it is posted; ``other_url`` shows the
    other ways to pay.
    """

    slug: str
    variant_id: str
    title: str
    tile: TileView
    unit_price: Money
    quantity: int
    total: Money
    balance: Money
    intent: str
    action: str = "/orders"
    other_url: str | None = None


class PayRow(msgspec.Struct, frozen=True):
    """A way to pay what is missing: ``pay`` by it, of which ``over`` stays in the balance (its provider's minimum)."""

    way: WayRow
    pay: Money
    over: Money


class UnpaidSheet(msgspec.Struct, frozen=True):
    """orders/_unpaid.html: why nothing was reserved; ``order`` is the number of an unpaid order to pay or cancel first.

    ``limit`` keys may be reserved before paying.
    """

    reason: Literal["too_many_reservations", "reservation_too_large", "reservations_paused"]
    limit: int = 0
    order: str = ""


class MissingSheet(msgspec.Struct, frozen=True):
    """orders/_missing.html: ``missing`` is to be paid by a way, ``part`` comes from the ``balance``.

    A tap on a way posts ``way`` and the hidden fields to ``action``. ``reserved_minutes``: the stock is kept so long.
    ``other_url`` shows the sheet the other way: with the balance kept as it is (``keep``), or with its part.
    """

    missing: Money
    part: Money
    balance: Money
    needed: Money
    ways: tuple[PayRow, ...]
    action: str
    intent: str
    reserved_minutes: int | None = None
    variant_id: str = ""
    quantity: int = 1
    keep: bool = False
    other_url: str | None = None
