"""Packages of credits in the back office."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backend.catalog.types.goods import SoldVariant
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.readings.types.rooms import Package, Period
from webapp.core.fields import LANGUAGES, Choice, Fields, switch, typed_texts


class PackageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A package in the list; ``each`` is what one of its credits costs, rounded up."""

    id: str
    name: str
    credits: int
    price: Money
    each: Money
    monthly: bool
    hidden: bool


class IncompleteRow(msgspec.Struct, frozen=True):
    """A variant that gives no credits yet."""

    id: str
    name: str
    price: Money


class PackagesPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/packages.html; ``wrong`` is the variant whose credits were no number."""

    rows: tuple[PackageRow, ...]
    incomplete: tuple[IncompleteRow, ...]
    wrong: str = ""


class PackagePage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/admin/package.html: a package; a new one has no ``id``. The first one of all chooses a category."""

    form: Fields
    currency: str
    categories: tuple[Choice, ...] = ()
    id: str = ""
    code: str = ""
    languages: tuple[tuple[str, str], ...] = LANGUAGES


def package_rows(packages: Sequence[Package], locale: Locale) -> tuple[PackageRow, ...]:
    """The packages in their order."""
    return tuple(
        PackageRow(
            id=str(one.variant_id),
            name=pick(one.fields.name, locale),
            credits=one.fields.credits,
            price=one.fields.price,
            each=Money(-(-one.fields.price.amount // one.fields.credits), one.fields.price.currency),
            monthly=one.fields.period is Period.MONTHLY,
            hidden=one.fields.hidden,
        )
        for one in packages
    )


def incomplete_rows(variants: Sequence[SoldVariant], locale: Locale) -> tuple[IncompleteRow, ...]:
    """The variants that nobody can buy yet."""
    return tuple(IncompleteRow(str(one.id), pick(one.fields.name, locale), one.fields.price) for one in variants)


def package_form(package: Package) -> Fields:
    """The form of a stored package."""
    fields = package.fields
    return Fields(
        {
            **typed_texts(fields.name, "name"),
            "credits": str(fields.credits),
            "price": str(fields.price.decimal()),
            "period": fields.period,
            "position": str(fields.position),
            "on_sale": switch(not fields.hidden),
        }
    )
