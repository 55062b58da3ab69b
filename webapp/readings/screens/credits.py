"""Packages of credits, as a page and over a question that lacks some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from backend.catalog.types import ProductDetail, VariantId, VariantOffer
from backend.kernel.money import Money


class PackageCell(msgspec.Struct, frozen=True, kw_only=True):
    """A package that can be chosen; ``each`` is what one of its credits costs, rounded up."""

    variant_id: VariantId
    slug: str
    credits: int
    price: Money
    each: Money
    renews: bool
    note: str


class PackagesView(msgspec.Struct, frozen=True, kw_only=True):
    """Packages, one of them chosen; ``missing`` credits lack for the reading that asked for them."""

    packages: tuple[PackageCell, ...]
    chosen: VariantId | None
    balance: int
    missing: int = 0


def cells(
    products: Iterable[ProductDetail],
    credits: Mapping[VariantId, int],
    price: Callable[[VariantOffer], Money],
) -> tuple[PackageCell, ...]:
    """What can be bought of the products, the smallest package first."""
    offered = [
        PackageCell(
            variant_id=variant.id,
            slug=product.slug,
            credits=credits[variant.id],
            price=price(variant),
            each=_each(price(variant), credits[variant.id]),
            renews=variant.subscription_days is not None,
            note=variant.note,
        )
        for product in products
        for variant in product.variants
        if variant.id in credits and variant.in_stock
    ]
    return tuple(sorted(offered, key=lambda cell: (cell.renews, cell.credits)))


def _each(price: Money, credits: int) -> Money:
    return Money(-(-price.amount // credits), price.currency)


def packages_view(offered: tuple[PackageCell, ...], balance: int, missing: int = 0) -> PackagesView:
    """The packages with the smallest chosen that brings what is missing, or else the largest."""
    enough = [cell for cell in offered if cell.credits >= missing]
    chosen = enough[0] if enough else offered[-1] if offered else None
    return PackagesView(
        packages=offered, chosen=chosen.variant_id if chosen else None, balance=balance, missing=missing
    )
