"""Pure decisions about promo codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from backend.catalog.types import ProductId, VariantId
from backend.growth.types import WHOLE, Discount
from backend.growth.types.promos import (
    NewPromo,
    Promo,
    PromoBuyer,
    PromoCode,
    PromoLine,
    PromoRefusal,
    PromoScope,
    RefusedPromo,
)
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import ascii_digits, code_signs, fold, visible

RANDOM_LENGTH: Final = 10
"""Characters of a random code: 50 bits, which nobody guesses with ten attempts in five minutes."""
MOST_CODES: Final = 500
MOST_USES: Final = 1_000_000
_LENGTHS: Final = range(3, 25)
_MOST_NOTE: Final = 120
_MOST_AMOUNT: Final = 10**15

Categories = Mapping[ProductId, Collection[str]]
"""The slugs of each product's category and of those above it."""


def show_code(typed: str) -> str:
    """A code as its maker spells it, in capitals and without what separates it: "summer-25" is "SUMMER25"."""
    return "".join(sign for sign in ascii_digits(visible(typed)).upper() if sign.isalnum())


def code_key(typed: str) -> str | None:
    """What a typed code is found by, look-alikes read as one sign; None for a text that can be no code."""
    if len(typed) > 100:
        return None
    key = code_signs(visible(typed))
    return key if len(key) in _LENGTHS and key.isascii() else None


def check_new(new: NewPromo, currency: str, now: datetime) -> NewPromo:
    """The promotion with a tidy code and note. Raises Invalid with a code for each field that is wrong."""
    errors = _wrong_amounts(new, currency)
    code, note = show_code(new.code), fold(new.note)
    if new.code and code_key(code) is None:
        errors["code"] = "invalid"
    if not 1 <= new.codes <= MOST_CODES or (new.code and new.codes > 1):
        errors["codes"] = "out_of_range"
    for name in ("uses", "per_person"):
        count = getattr(new, name)
        if count is not None and not 1 <= count <= MOST_USES:
            errors[name] = "out_of_range"
    if new.ends_at is not None and new.ends_at <= max(now, new.starts_at or now):
        errors["ends"] = "before_the_start" if new.starts_at and new.starts_at > now else "in_the_past"
    if (new.scope is PromoScope.ALL) != (not new.target):
        errors["target"] = "required"
    if len(note) > _MOST_NOTE:
        errors["note"] = "too_long"
    if errors:
        raise Invalid("no such promo code", fields=errors)
    return replace(new, code=code, note=note)


def _wrong_amounts(new: NewPromo, currency: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, amount in (("amount", new.amount), ("minimum", new.minimum)):
        if amount is not None and (amount.currency != currency or not 0 < amount.amount <= _MOST_AMOUNT):
            errors[name] = "out_of_range"
    if new.amount is None and not 1 <= new.basis_points <= WHOLE:
        errors["percent"] = "out_of_range"
    if new.amount is not None and (new.basis_points or new.amount.amount * (new.uses or 1) * new.codes > _MOST_AMOUNT):
        errors["amount"] = "out_of_range"
    return errors


def face_value(new: NewPromo) -> Money | None:
    """The most that all uses together can take off; None where nobody knows it in advance."""
    if new.amount is None or new.uses is None:
        return None
    return Money(new.amount.amount * new.uses * new.codes, new.amount.currency)


def covered(promo: Promo, lines: Sequence[PromoLine], categories: Categories) -> frozenset[VariantId]:
    """The variants among ``lines`` that the promotion is for."""
    return frozenset(line.variant_id for line in lines if _covers(promo, line, categories))


def _covers(promo: Promo, line: PromoLine, categories: Categories) -> bool:
    match promo.scope:
        case PromoScope.ALL:
            return True
        case PromoScope.PRODUCT:
            return line.slug == promo.target
        case PromoScope.KIND:
            return line.kind == promo.target
        case PromoScope.CATEGORY:
            return promo.target in categories.get(line.product_id, ())


def refusal(
    code: PromoCode, lines: Sequence[PromoLine], categories: Categories, buyer: PromoBuyer, used_by: int, now: datetime
) -> RefusedPromo | None:
    """Why the code takes nothing off these lines; None where it takes something off.

    ``used_by`` is how often the buyer has used the promotion.
    """
    promo = code.promo
    ended = promo.stopped_at is not None or (promo.ends_at is not None and promo.ends_at <= now)
    if ended or (promo.starts_at is not None and now < promo.starts_at):
        return RefusedPromo(PromoRefusal.ENDED if ended else PromoRefusal.NOT_STARTED)
    if code.used_up:
        return RefusedPromo(PromoRefusal.USED_UP)
    if limit_reached(promo, buyer, used_by):
        repeated = buyer.first or not promo.first_only
        return RefusedPromo(PromoRefusal.ALREADY_USED if repeated else PromoRefusal.FIRST_ONLY)
    inside = covered(promo, lines, categories)
    total = sum(line.total.amount for line in lines if line.variant_id in inside)
    if inside and promo.minimum is not None and total < promo.minimum.amount:
        return RefusedPromo(PromoRefusal.BELOW_MINIMUM, promo.minimum)
    return None if inside else RefusedPromo(PromoRefusal.OTHER_GOODS)


def limit_reached(promo: Promo, buyer: PromoBuyer, used_by: int) -> bool:
    """Whether what the buyer bought before forbids another use."""
    return (promo.first_only and not buyer.first) or (promo.per_person is not None and used_by >= promo.per_person)


def discount(code: PromoCode, variants: frozenset[VariantId]) -> Discount:
    """What the code may take off the ``variants``."""
    promo = code.promo
    return Discount(id=str(code.id), basis_points=promo.basis_points, amount=promo.amount, variants=variants)
