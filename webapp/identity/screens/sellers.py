"""The page of trusted sellers, in the app and for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from backend.identity.types.sellers import Answer, Seller
from backend.kernel.text import Locale, pick
from webapp.core.parts import Hue
from webapp.core.tiles import hue_of, initial_of


class SellerRow(msgspec.Struct, frozen=True):
    """A seller in the list."""

    name: str
    initial: str
    hue: Hue
    about: str
    username: str | None = None


class SellersPage(msgspec.Struct, frozen=True):
    """identity/sellers.html and identity/sellers_public.html; ``state`` is what the check of ``typed`` says."""

    action: str
    rows: tuple[SellerRow, ...]
    shop: str
    typed: str = ""
    state: Literal["", "ours", "similar", "unknown", "nothing", "busy"] = ""
    match: SellerRow | None = None


def seller_row(seller: Seller, locale: Locale) -> SellerRow:
    """A seller in the reader's language."""
    name = seller.name or seller.username or str(seller.telegram_id)
    hue = hue_of(str(seller.id))
    return SellerRow(name, initial_of(name), hue, pick(seller.about, locale), seller.username)


def sellers_page(
    action: str, shop: str, sellers: Iterable[Seller], locale: Locale, typed: str = "", answer: Answer | None = None
) -> SellersPage:
    """The list, and what a check says."""
    rows = tuple(seller_row(one, locale) for one in sellers)
    if answer is None:
        return SellersPage(action, rows, shop, typed)
    match = seller_row(answer.seller, locale) if answer.seller else None
    return SellersPage(action, rows, shop, typed, answer.likeness.value, match)
