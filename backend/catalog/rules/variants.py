"""Pure decisions about variants that an admin edits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from backend.catalog.rules import fields
from backend.catalog.rules.fields import FieldError, Parser
from backend.catalog.rules.rows import LONGEST_WARRANTY
from backend.catalog.types import MAX_QUANTITY, MOST_PREMIUM_MONTHS, ChoiceKind, StockKind
from backend.catalog.types.hand_work import MOST_PROMISED_HOURS
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.catalog.types.variants import (
    LONGEST_NAME,
    LONGEST_NOTE,
    MOST_STEPS,
    HintCode,
    VariantDraft,
    VariantHint,
    VariantRecord,
    fields_of,
)
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import Locale, ascii_digits

_MOST_PER_PERSON: Final = 1_000_000
_MOST_LOW_STOCK: Final = 1000
_LONGEST_CODE: Final = 32
_RANGES: Final[dict[str, tuple[int, int]]] = {
    "min_quantity": (1, MAX_QUANTITY),
    "max_quantity": (1, MAX_QUANTITY),
    "per_person_limit": (1, _MOST_PER_PERSON),
    "warranty_days": (0, LONGEST_WARRANTY),
    "low_stock_at": (0, _MOST_LOW_STOCK),
    "promised_hours": (1, MOST_PROMISED_HOURS),
    "open_places": (1, MAX_QUANTITY),
    "premium_months": (1, MOST_PREMIUM_MONTHS),
    "subscription_days": (30, 30),  # Telegram renews every 30 days, and at no other period
}
_NOT_IN_CODES: Final = re.compile(r"[^a-z0-9]+")
_SIZE: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]*)")
_DAYS: Final = {"d": 1, "day": 1, "w": 7, "week": 7, "m": 30, "mo": 30, "month": 30, "y": 365, "year": 365}
_FOREVER: Final = frozenset({"lifetime", "forever", "unlimited"})


def check(draft: VariantDraft, kind: StockKind, currency: str) -> None:
    """Raises Invalid whose ``fields`` say what is wrong: ``required``, ``out_of_range``, ``too_long``, ``bad_text``,
    ``limits``, ``above_price``, ``not_falling``, ``twice``, ``currency``.

    Steps are named by their place as typed: ``from_0``, ``each_0``.
    """
    wrong = {**_texts(draft), **_numbers(draft, kind), **_prices(draft, currency)}
    if wrong:
        raise Invalid(f"variant: {wrong}", fields=wrong)


def _texts(draft: VariantDraft) -> dict[str, str]:
    wrong = {} if draft.name.get(Locale.EN) else {"name_en": "required"}
    parsers: dict[str, tuple[Mapping[str, str], Parser]] = {
        "name": (draft.name, fields.words(LONGEST_NAME)), "note": (draft.note, fields.words(LONGEST_NOTE)),
    }  # fmt: skip
    for name, (texts, parser) in parsers.items():
        for locale, text in texts.items():
            try:
                parser(text)
            except FieldError as error:
                wrong[f"{name}_{locale}"] = error.code.value
    return wrong


def _numbers(draft: VariantDraft, kind: StockKind) -> dict[str, str]:
    used = fields_of(kind)
    values: dict[str, int | None] = {name: getattr(draft, name) for name in _RANGES if name in used}
    wrong = {
        name: "out_of_range"
        for name, value in values.items()
        if value is not None and not _RANGES[name][0] <= value <= _RANGES[name][1]
    }
    if kind is StockKind.PREMIUM and draft.premium_months is None:
        wrong["premium_months"] = "required"
    for name in ("max_quantity", "per_person_limit"):
        value = values[name]
        if value is not None and name not in wrong and value < draft.min_quantity:
            wrong[name] = "limits"
    return wrong


def _prices(draft: VariantDraft, currency: str) -> dict[str, str]:
    amounts = {"price": draft.price, "reseller_price": draft.reseller_price}
    amounts |= {f"each_{place}": step.price for place, step in enumerate(draft.quantity_prices)}
    wrong: dict[str, str] = {}
    for name, amount in amounts.items():
        if amount is not None and amount.currency != currency:
            wrong[name] = "currency"
        elif amount is not None and not 0 <= amount.amount <= fields.MAX_AMOUNT:
            wrong[name] = "out_of_range"
    if wrong:
        return wrong
    if draft.reseller_price is not None and draft.reseller_price > draft.price:
        wrong["reseller_price"] = "above_price"
    return wrong | _steps(draft.price, draft.quantity_prices)


def _steps(price: Money, steps: Sequence[QuantityPrice]) -> dict[str, str]:
    """What is wrong with the ladder: each step has a larger quantity and a lower price than the one before."""
    wrong: dict[str, str] = {f"from_{place}": "too_many" for place in range(MOST_STEPS, len(steps))}
    before_quantity, before_price = 1, price
    for place, step in sorted(enumerate(steps), key=lambda item: item[1].quantity):
        if not 2 <= step.quantity <= MAX_QUANTITY:
            wrong[f"from_{place}"] = "out_of_range"
        elif step.quantity == before_quantity:
            wrong[f"from_{place}"] = "twice"
        elif step.price >= before_price:
            wrong[f"each_{place}"] = "not_falling"
        before_quantity, before_price = step.quantity, min(step.price, before_price)
    return wrong


def columns(draft: VariantDraft, kind: StockKind) -> dict[str, Any]:
    """A checked draft as columns; what its kind does not have is left out, so that it stays as it is."""
    steps = sorted((step.quantity, step.price.amount) for step in draft.quantity_prices)
    return {
        "name": {locale: text for locale, text in draft.name.items() if text},
        "note": {locale: text for locale, text in draft.note.items() if text},
        "currency": draft.price.currency,
        "price_amount": draft.price.amount,
        "reseller_amount": draft.reseller_price.amount if draft.reseller_price else None,
        "quantity_prices": [list(step) for step in steps],
        **{name: getattr(draft, name) for name in sorted(fields_of(kind))},
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs, by column: before and after."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def new_code(name: str, taken: Iterable[str]) -> str:
    """A code for a new variant, made of its English name, that none of the others has."""
    known = set(taken)
    stem = _NOT_IN_CODES.sub("-", name.lower()).strip("-")[:_LONGEST_CODE].strip("-") or "variant"
    if stem not in known:
        return stem
    for number in range(2, len(known) + 3):
        ending = f"-{number}"
        code = stem[: _LONGEST_CODE - len(ending)].rstrip("-") + ending
        if code not in known:
            return code
    raise AssertionError("there are more numbers than codes")


def size_of(draft: VariantDraft, choice: ChoiceKind) -> float | None:
    """How large a variant is among the others of its product: days of a duration, or its amount; None if unknown."""
    if draft.premium_months is not None:
        return draft.premium_months * _DAYS["month"]
    name = ascii_digits(draft.name.get(Locale.EN, "")).casefold()
    if choice is ChoiceKind.OPTION:
        return None
    if choice is ChoiceKind.DURATION and any(word in name.split() for word in _FOREVER):
        return float("inf")
    sized = _SIZE.search(name)
    if sized is None:
        return None
    number, unit = float(sized[1].replace(",", ".")), sized[2]
    if choice is ChoiceKind.AMOUNT:
        return number
    days = _DAYS.get(unit) or _DAYS.get(unit.removesuffix("s"))
    return number * days if days else None


def hints(
    draft: VariantDraft, choice: ChoiceKind, others: Sequence[VariantRecord], cost: Money | None
) -> list[VariantHint]:
    """What to look at before this price is saved; ``others`` are the product's variants for sale without this one."""
    hinted = []
    if draft.reseller_price is not None and draft.reseller_price > draft.price:
        hinted.append(VariantHint(HintCode.RESELLER_ABOVE_PRICE))
    lowest = min([draft.price, *(step.price for step in draft.quantity_prices)])
    if draft.reseller_price is not None:
        lowest = min(lowest, draft.reseller_price)
    if cost is not None and cost.currency == lowest.currency and lowest < cost:
        hinted.append(VariantHint(HintCode.BELOW_COST, cost=cost))
    size = size_of(draft, choice)
    if size is None:
        return hinted
    alike = [other for other in others if other.draft.price.currency == draft.price.currency]
    sized = [(other, size_of(other.draft, choice)) for other in alike]
    smaller = [one for one, theirs in sized if theirs is not None and theirs < size and one.draft.price > draft.price]
    larger = [one for one, theirs in sized if theirs is not None and theirs > size and one.draft.price < draft.price]
    if smaller:
        most = max(smaller, key=lambda one: one.draft.price)
        hinted.append(VariantHint(HintCode.CHEAPER_THAN_SMALLER, most.draft.name))
    if larger:
        least = min(larger, key=lambda one: one.draft.price)
        hinted.append(VariantHint(HintCode.DEARER_THAN_LARGER, least.draft.name))
    return hinted
