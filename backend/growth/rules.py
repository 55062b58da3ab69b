"""Pure decisions about codes and bonuses."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from backend.growth.types import BonusRule, Limits, NewBonusRule
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from backend.kernel.text import CODE_ALPHABET, ascii_digits, code_signs, fold, visible

_LENGTH: Final = 16
"""Signs of a code: 80 bits, which nobody guesses at ten tries in five minutes."""
_GROUP: Final = 4
_SHOWN: Final = re.compile(r"(?<![0-9A-Za-z])g_([^\s&#]+)|[?&]code=([^\s&#]+)")

MOST_CODES: Final = 500
MOST_PEOPLE: Final = 100_000
MOST_NOTE: Final = 120
MOST_BASIS_POINTS: Final = 10_000
_MOST_TOTAL: Final = 10**15


def new_code() -> str:
    """A fresh code of 80 random bits, without its groups."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(_LENGTH))


def show_code(code: str) -> str:
    """The code in groups for reading: "K7QW-2M4N-9XRT-0ABC"."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def read_code(typed: str) -> str | None:
    """The code in what somebody typed or pasted, a link included; None for what cannot be one."""
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


def check_vouchers(
    amount: Money, people: int, codes: int, expires_at: datetime | None, note: str, limits: Limits, now: datetime
) -> str:
    """The note, tidied. Raises Invalid unless such vouchers may be made."""
    if amount.currency != limits.maximum.currency or not 0 < amount.amount <= limits.maximum.amount:
        raise Invalid("no amount", fields={"amount": "out_of_range"}, maximum=limits.maximum)
    if not 1 <= codes <= MOST_CODES:
        raise Invalid(f"{codes} codes", fields={"codes": "out_of_range"})
    if not 1 <= people <= MOST_PEOPLE or (codes > 1 and people > 1):
        raise Invalid(f"{people} people", fields={"people": "out_of_range"})
    if amount.amount * people * codes > _MOST_TOTAL:
        raise Invalid("too much in all", fields={"amount": "out_of_range"}, maximum=limits.maximum)
    if expires_at is not None and expires_at <= now:
        raise Invalid("over before it begins", fields={"expires": "in_the_past"})
    words = fold(note)
    if len(words) > MOST_NOTE:
        raise Invalid("a long note", fields={"note": "too_long"})
    return words


def check_rule(rule: NewBonusRule, currency: str) -> None:
    """Raises Invalid, with the fields' codes, unless such a rule may be made."""
    wrong: dict[str, str] = {}
    amounts = {"minimum": rule.minimum, "fixed": rule.fixed, "maximum": rule.maximum}
    for name, amount in amounts.items():
        if amount is not None and (amount.currency != currency or not 0 < amount.amount <= _MOST_TOTAL):
            wrong[name] = "out_of_range"
    if (rule.basis_points is None) == (rule.fixed is None):
        wrong["percent"] = "required"
    elif rule.basis_points is not None and not 1 <= rule.basis_points <= MOST_BASIS_POINTS:
        wrong["percent"] = "out_of_range"
    if rule.starts_at is not None and rule.ends_at is not None and rule.ends_at <= rule.starts_at:
        wrong["until"] = "before_the_start"
    if wrong:
        raise Invalid("no such rule", fields=wrong)


def bonus(rule: BonusRule, total: Money) -> Money:
    """What ``rule`` gives for a payment of ``total`` in all: exact, rounded down to a minor unit, capped."""
    if total < rule.minimum:
        return Money.zero(total.currency)
    share = total.amount * (rule.basis_points or 0) // 10_000
    given = share if rule.fixed is None else rule.fixed.amount
    if rule.maximum is not None:
        given = min(given, rule.maximum.amount)
    return Money(given, total.currency)


def at_once(rule: NewBonusRule) -> Money:
    """What a rule gives for one payment, as far as it says: at most, else for the smallest."""
    share = rule.minimum.amount * (rule.basis_points or 0) // 10_000
    return rule.fixed or rule.maximum or Money(share, rule.minimum.currency)


def applies(rule: BonusRule, *, way: str, at: datetime, first: bool) -> bool:
    """Whether the rule speaks of a payment by ``way`` that came ``at``; ``first``: it is the person's first top-up."""
    if rule.stopped_at is not None and rule.stopped_at <= at:
        return False
    if (rule.starts_at is not None and at < rule.starts_at) or (rule.ends_at is not None and at >= rule.ends_at):
        return False
    return (not rule.first_only or first) and rule.way in {"", way}


def best(
    rules: Iterable[BonusRule], total: Money, *, way: str, at: datetime, first: bool
) -> tuple[BonusRule, Money] | None:
    """The one rule that gives most, and what it gives; of equal ones the oldest. None where no rule gives anything."""
    given = [
        (bonus(rule, total), rule)
        for rule in rules
        if rule.minimum.currency == total.currency and applies(rule, way=way, at=at, first=first)
    ]
    found = [(amount, rule) for amount, rule in given if amount]
    if not found:
        return None
    amount, rule = min(found, key=lambda item: (-item[0].amount, item[1].id))
    return rule, amount
