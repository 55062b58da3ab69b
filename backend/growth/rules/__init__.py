"""Pure decisions about codes, vouchers, gift cards and bonuses."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from backend.growth.types import BonusRule, GiftQuote, Limits, NewBonusRule
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import CODE_ALPHABET, ascii_digits, code_signs, fold, visible

_LENGTH: Final = 16
"""Characters of a code: 80 bits, which nobody guesses with ten attempts in five minutes."""
_GROUP: Final = 4
_SHOWN: Final = re.compile(r"(?<![0-9A-Za-z])g_([^\s&#]+)|[?&]code=([^\s&#]+)")

MOST_CODES: Final = 500
"""Codes of one batch."""
MOST_PEOPLE: Final = 100_000
"""People who can redeem one code."""
MOST_NOTE: Final = 120
"""Characters of an internal note."""
MOST_BASIS_POINTS: Final = 10_000
_MOST_TOTAL: Final = 10**15
"""Minor units: far above every sum of a shop, far below the limits of a BIGINT."""


def new_code(length: int = _LENGTH) -> str:
    """A new random code without hyphens: five bits a character, 80 unless told otherwise."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))


def show_code(code: str) -> str:
    """The code in groups of four: "K7QW-2M4N-9XRT-0ABC"."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def read_code(typed: str) -> str | None:
    """The code in a typed or pasted text, which may be a link; None for a text without one."""
    shown = ascii_digits(visible(typed))
    link = _SHOWN.search(shown)
    text = (link[1] or link[2]) if link else shown
    plain = code_signs(text)
    return plain if len(plain) == _LENGTH and all(sign in CODE_ALPHABET for sign in plain) else None


def check_amount(amount: Money, limits: Limits) -> None:
    """Raises Invalid, with the field's code, unless ``amount`` lies within ``limits``."""
    if amount.currency != limits.minimum.currency:
        raise Invalid("another currency", fields={"amount": "wrong_currency"})
    if amount < limits.minimum:
        raise Invalid("too little", fields={"amount": "below_minimum"}, minimum=limits.minimum)
    if amount > limits.maximum:
        raise Invalid("too much", fields={"amount": "above_maximum"}, maximum=limits.maximum)


def gift_quote(amount: Money, balance: Money, limits: Limits) -> GiftQuote:
    """What a gift card of ``amount`` would do to ``balance``."""
    if amount < limits.minimum:
        return GiftQuote(balance=balance, error="below_minimum")
    if amount > limits.maximum:
        return GiftQuote(balance=balance, error="above_maximum")
    if amount > balance:
        return GiftQuote(balance=balance, missing=amount - balance)
    return GiftQuote(balance=balance, balance_after=balance - amount)


def check_vouchers(
    amount: Money, people: int, codes: int, expires_at: datetime | None, note: str, limits: Limits, now: datetime
) -> str:
    """The note without needless spaces. Raises Invalid, with the field's code, for vouchers that cannot be made."""
    if amount.currency != limits.maximum.currency or not 0 < amount.amount <= limits.maximum.amount:
        raise Invalid("no amount", fields={"amount": "out_of_range"}, maximum=limits.maximum)
    if not 1 <= codes <= MOST_CODES:
        raise Invalid(f"{codes} codes", fields={"codes": "out_of_range"})
    if not 1 <= people <= MOST_PEOPLE or (codes > 1 and people > 1):
        raise Invalid(f"{people} people", fields={"people": "out_of_range"})
    if face_value(amount, people, codes).amount > _MOST_TOTAL:
        raise Invalid("too much in all", fields={"amount": "out_of_range"}, maximum=limits.maximum)
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires before it starts", fields={"expires": "in_the_past"})
    tidy = fold(note)
    if len(tidy) > MOST_NOTE:
        raise Invalid("a long note", fields={"note": "too_long"})
    return tidy


def face_value(amount: Money, people: int, codes: int) -> Money:
    """What all uses of some voucher codes are worth together."""
    return Money(amount.amount * people * codes, amount.currency)


def check_rule(rule: NewBonusRule, currency: str) -> None:
    """Raises Invalid, with a code for each wrong field, unless such a rule can be added."""
    errors: dict[str, str] = {}
    amounts = {"minimum": rule.minimum, "fixed": rule.fixed, "maximum": rule.maximum}
    for name, amount in amounts.items():
        if amount is not None and (amount.currency != currency or not 0 < amount.amount <= _MOST_TOTAL):
            errors[name] = "out_of_range"
    if (rule.basis_points is None) == (rule.fixed is None):
        errors["percent"] = "required"
    elif rule.basis_points is not None and not 1 <= rule.basis_points <= MOST_BASIS_POINTS:
        errors["percent"] = "out_of_range"
    if rule.starts_at is not None and rule.ends_at is not None and rule.ends_at <= rule.starts_at:
        errors["ends"] = "before_the_start"
    if errors:
        raise Invalid("no such rule", fields=errors)


def bonus(rule: NewBonusRule, total: Money) -> Money:
    """The bonus by ``rule`` for a payment of ``total``, rounded down to a minor unit, at most ``rule.maximum``."""
    if total < rule.minimum:
        return Money.zero(total.currency)
    share = total.amount * (rule.basis_points or 0) // 10_000
    amount = share if rule.fixed is None else rule.fixed.amount
    if rule.maximum is not None:
        amount = min(amount, rule.maximum.amount)
    return Money(amount, total.currency)


def single(rule: NewBonusRule) -> Money:
    """What a rule gives for one payment, as shown to the second admin: the maximum, or else for the smallest top-up."""
    share = rule.minimum.amount * (rule.basis_points or 0) // 10_000
    return rule.fixed or rule.maximum or Money(share, rule.minimum.currency)


def applies(rule: BonusRule, *, method: str, at: datetime, first: bool) -> bool:
    """Whether the rule applies to a payment by ``method`` at ``at``; ``first``: it is the person's first top-up."""
    if rule.stopped_at is not None and rule.stopped_at <= at:
        return False
    if (rule.starts_at is not None and at < rule.starts_at) or (rule.ends_at is not None and at >= rule.ends_at):
        return False
    return (not rule.first_only or first) and rule.method in {"", method}


def best(
    rules: Iterable[BonusRule], total: Money, *, method: str, at: datetime, first: bool
) -> tuple[BonusRule, Money] | None:
    """The rule that gives the largest bonus, and that bonus; of equal ones the oldest rule. None for no bonus."""
    bonuses = [
        (bonus(rule, total), rule)
        for rule in rules
        if rule.minimum.currency == total.currency and applies(rule, method=method, at=at, first=first)
    ]
    amount, rule = min(bonuses, key=lambda item: (-item[0].amount, item[1].id), default=(None, None))
    return (rule, amount) if rule and amount else None
