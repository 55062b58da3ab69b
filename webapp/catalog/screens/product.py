"""The page of a product, and its buy box."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from backend.catalog import types as catalog
from backend.infra.i18n import Translator
from backend.kernel.money import Money
from backend.orders.types.prices import PricedLine
from backend.orders.types.subscriptions import SubscriptionOffer
from webapp.catalog.screens import ProductCard, card, stock, tile_of
from webapp.core.looks import Picture, price_rows
from webapp.core.parts import PriceRow, StockView, TileView


class QuantityView(msgspec.Struct, frozen=True):
    """The chosen quantity and its limits; ``per_person`` is shown to the buyer."""

    value: int
    minimum: int
    maximum: int
    per_person: int | None = None


class StepRow(msgspec.Struct, frozen=True):
    """A price by quantity: from ``quantity`` on, one costs ``each``; ``active`` where it is the price of this choice.

    ``reachable``: so many are in stock.
    """

    quantity: int
    each: Money
    active: bool
    reachable: bool


class BuyView(msgspec.Struct, frozen=True):
    """catalog/_buy.html: the quantity row and the button, asked again at every change of variant or quantity."""

    slug: str
    variant_id: str
    quantity: QuantityView
    total: Money
    parts: tuple[PriceRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    promised_hours: int | None = None
    """How long it takes at most; None for what is delivered at once."""
    file_kind: str = ""
    """What its file is, as ``PDF``; empty for what is no file."""
    file_size: int = 0
    warranty_days: int = 0
    state: catalog.BuyState = catalog.BuyState.BUY
    subscription: Money | None = None
    """What one each period costs; None where it can't be subscribed to."""
    premium_href: str = ""
    """The page of the product that makes its buyers premium members, where only they may buy this."""


def buy(
    product: catalog.ProductDetail,
    box: catalog.BuyBox,
    price: PricedLine,
    words: Translator,
    subscription: SubscriptionOffer | None = None,
    premium: str | None = None,
) -> BuyView:
    """The buy box as the page shows it, with the ``price`` of its quantity; ``premium`` is the slug of premium."""
    return BuyView(
        slug=product.slug,
        variant_id=str(box.variant.id),
        quantity=QuantityView(box.quantity, box.minimum, box.maximum, box.per_person_limit),
        total=price.total,
        parts=price_rows(price, words),
        steps=_steps(box),
        promised_hours=box.variant.promised_hours,
        file_kind=(box.variant.file_kind or "").upper(),
        file_size=box.variant.file_size or 0,
        warranty_days=box.variant.warranty_days,
        state=box.state,
        subscription=subscription.charged if subscription and box.state is catalog.BuyState.BUY else None,
        premium_href=f"/shop/{premium}" if premium else "",
    )


def _steps(box: catalog.BuyBox) -> tuple[StepRow, ...]:
    now = box.variant.price_of_one(box.quantity)
    return tuple(
        StepRow(step.quantity, step.price, step.price == now, step.quantity <= box.maximum)
        for step in box.variant.quantity_prices
    )


class VariantRow(msgspec.Struct, frozen=True):
    """A variant of a product, such as "3 months"."""

    id: str
    title: str
    price: Money
    note: str = ""
    was: Money | None = None
    stock: StockView = StockView()
    selected: bool = False
    available: bool = True


class ProductPage(msgspec.Struct, frozen=True):
    """catalog/product.html"""

    title: str
    tile: TileView
    stock: StockView
    variants: tuple[VariantRow, ...]
    buy: BuyView
    subtitle: str = ""
    description: Markup = Markup("")
    variants_kind: catalog.ChoiceKind = catalog.ChoiceKind.OPTION
    shared: bool = False
    """Whether all buyers get the same key."""
    instant: bool = True
    """Whether it is delivered as soon as it is paid."""
    similar: tuple[ProductCard, ...] = ()
    note_url: str = ""
    """What says how the reader's premium stands, on the pages of premium and of what is for its members."""


def product_page(
    product: catalog.ProductDetail,
    shown: BuyView,
    similar: Sequence[catalog.ProductCard],
    picture: Picture,
    *,
    member: bool,
) -> ProductPage:
    """A product with its variants and its buy box, for premium members or others."""
    about_premium = product.premium_only or product.kind is catalog.StockKind.PREMIUM
    return ProductPage(
        title=product.title,
        tile=tile_of(product, picture),
        stock=stock(product.available),
        variants=tuple(
            VariantRow(
                id=str(item.id),
                title=item.name,
                price=item.price,
                note=item.note,
                was=item.public_price if item.price < item.public_price else None,
                stock=stock(item.available),
                selected=str(item.id) == shown.variant_id,
                available=item.in_stock,
            )
            for item in product.variants
        ),
        buy=shown,
        subtitle=product.summary,
        description=Markup(product.description_html),  # noqa: S704 - made by the catalogue, raw HTML off
        variants_kind=product.choice,
        shared=product.kind is catalog.StockKind.SHARED_KEY,
        instant=shown.promised_hours is None,
        similar=tuple(card(item, picture) for item in similar),
        note_url=f"/premium/note?slug={product.slug}&member={int(member)}" if about_premium else "",
    )
