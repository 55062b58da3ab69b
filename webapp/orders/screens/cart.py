"""The cart and its checkout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from backend.catalog.words import goods_name, product_name
from backend.identity.types import Actor
from backend.infra.formatting import times
from backend.kernel.errors import AppError
from backend.kernel.money import Money
from backend.kernel.text import pick
from backend.orders.types.cart import Cart, CartLine, CartQuote, CartState
from backend.orders.types.prices import PartKind, PricedLine
from backend.orders.words import and_more, part_title
from webapp.catalog.screens import stock
from webapp.catalog.screens.product import QuantityView
from webapp.core.looks import Picture, goods_tile
from webapp.core.parts import PriceRow, StockView, TileView
from webapp.core.rendering import Viewer
from webapp.orders.screens.checkout import ConfirmSheet, MethodsSheet, charge_rows, switch_url
from webapp.orders.screens.promo_codes import CART_SHEET, PromoField


class CartRow(msgspec.Struct, frozen=True):
    """A line of the cart; ``was`` is the price of one when it was added, if that has changed."""

    id: str
    slug: str
    title: str
    subtitle: str
    tile: TileView
    state: CartState
    requested: int
    quantity: QuantityView
    unit: Money
    total: Money | None = None
    was: Money | None = None
    refusal: str = ""
    """Why it can't be bought, where its fulfiller refuses it."""
    stock: StockView = StockView()


class CartPage(msgspec.Struct, frozen=True):
    """orders/cart.html; orders/_cart_answer.html takes the same when a line has changed.

    ``removed`` is the line that was just removed, which can be put back.
    """

    lines: tuple[CartRow, ...]
    unavailable: tuple[CartRow, ...]
    parts: tuple[PriceRow, ...]
    total: Money
    live_url: str
    removed: str = ""


def cart_page(
    cart: Cart,
    actor: Actor,
    viewer: Viewer,
    picture: Picture,
    live_url: str,
    tell: Callable[[AppError], str],
    *,
    removed: str = "",
) -> CartPage:
    """The cart as its owner sees it; ``tell`` says why a line is refused."""
    return CartPage(
        lines=tuple(_row(line, actor, picture, tell) for line in cart.lines),
        unavailable=tuple(_row(line, actor, picture, tell) for line in cart.unavailable),
        parts=_parts(cart, viewer),
        total=cart.total,
        live_url=live_url,
        removed=removed,
    )


def _row(line: CartLine, actor: Actor, picture: Picture, tell: Callable[[AppError], str]) -> CartRow:
    offer = line.offer
    return CartRow(
        id=str(offer.variant_id),
        slug=offer.slug,
        title=product_name(pick(offer.name, actor.language), offer.country, actor.language),
        subtitle=pick(offer.variant_name, actor.language),
        tile=goods_tile(offer, actor, picture),
        state=line.state,
        requested=line.requested,
        quantity=QuantityView(line.quantity, line.minimum, line.maximum, offer.per_person_limit),
        unit=line.unit_price,
        total=line.price.total if line.price else None,
        was=line.seen if line.price_changed else None,
        stock=stock(line.available) if line.price else StockView(),
        refusal=tell(line.refusal) if line.refusal else "",
    )


def _parts(cart: Cart, viewer: Viewer) -> tuple[PriceRow, ...]:
    """The parts of the total; none where there is only the price."""
    sums = [(kind, sum(line.price.part(kind) for line in cart.lines if line.price)) for kind in PartKind]
    rows = [
        PriceRow(part_title(kind, viewer.words), Money(amount, cart.total.currency)) for kind, amount in sums if amount
    ]
    return tuple(rows) if len(rows) > 1 else ()


_ACTION: Final = "/cart/orders"


def _lines(quote: CartQuote, viewer: Viewer) -> tuple[PriceRow, ...]:
    """The lines with what each costs without a code, and then what the code takes off all of them."""
    rows = [PriceRow(_title(line, viewer), _without_code(line.price)) for line in quote.cart.lines if line.price]
    if quote.promo:
        rows.append(PriceRow(part_title(PartKind.PROMO, viewer.words), -quote.promo.saved))
    return tuple(rows)


def _without_code(price: PricedLine) -> Money:
    return price.total - Money(price.part(PartKind.PROMO), price.total.currency)


def line_name(line: CartLine, viewer: Viewer) -> str:
    """What a line is called, with its variant."""
    return goods_name(line.offer.name, line.offer.variant_name, line.offer.country, viewer.locale)


def _title(line: CartLine, viewer: Viewer) -> str:
    name = line_name(line, viewer)
    return times(name, line.quantity, viewer.locale) if line.quantity > 1 else name


def _fields(cart: Cart) -> tuple[tuple[str, str], ...]:
    """What the checkout posts beside the intent: the lines that were shown, of which version of the cart."""
    lines = " ".join(f"{item.variant_id}*{item.quantity}" for item in cart.requested_lines)
    return (("lines", lines), ("cart", str(cart.version)))


def confirm_cart(
    quote: CartQuote, intent: str, promo: PromoField, actor: Actor, picture: Picture, viewer: Viewer
) -> ConfirmSheet:
    """The confirmation before a cart is bought from the balance; it has lines."""
    first, more = quote.cart.lines[0], len(quote.cart.lines) - 1
    return ConfirmSheet(
        slug=first.offer.slug,
        variant_id="",
        title=and_more(line_name(first, viewer), more) if more else _title(first, viewer),
        tile=goods_tile(first.offer, actor, picture),
        unit_price=first.offer.unit_price,
        parts=_lines(quote, viewer) if more or quote.promo else (),
        quantity=1,
        total=quote.due.total,
        balance=quote.due.balance,
        intent=intent,
        action=_ACTION,
        other_url=switch_url(quote, CART_SHEET, use_balance=True) if quote.due.total else None,
        promised_hours=quote.cart.promised_hours,
        warranty_days=quote.cart.warranty_days,
        promo=promo,
        fields=_fields(quote.cart),
    )


def pay_cart(
    quote: CartQuote, intent: str, promo: PromoField, viewer: Viewer, *, minutes: int, use_balance: bool
) -> MethodsSheet:
    """How a cart can be paid that the balance does not cover, or shall not; ``minutes``: reserved for so long."""
    due = quote.due
    return MethodsSheet(
        total=due.total,
        balance=due.balance,
        from_balance=due.from_balance,
        rest=due.rest,
        methods=charge_rows(due.charges, viewer),
        action="/cart/reserve",
        intent=intent,
        parts=_lines(quote, viewer),
        reserved_minutes=minutes,
        use_balance=use_balance,
        other_url=switch_url(quote, CART_SHEET, use_balance=use_balance) if due.balance else None,
        promised_hours=quote.cart.promised_hours,
        promo=promo,
        fields=_fields(quote.cart),
    )


class CartLink(msgspec.Struct, frozen=True):
    """orders/_cart_count.html and orders/_cart_resume.html: how many lines the cart has, for how much."""

    count: int
    total: Money | None = None


class AddedToast(msgspec.Struct, frozen=True):
    """orders/_cart_added.html: something was put into the cart."""

    count: int
