"""What courses and tariffs may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from backend.courses.types.teaching import Schedule, TariffFields
from backend.kernel.errors import Invalid
from backend.kernel.money import Money

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""As the catalogue's: the course and its product have one."""
MAX_SLUG: Final = 40
"""A start parameter of 64 characters has room for it and for a partner's code."""
_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DAY: Final = 24 * 60
DEFAULT_TARIFFS: Final = (
    ("basic", {"en": "Basic", "ru": "Базовый", "ar": "أساسية"}, None, False, False),
    ("feedback", {"en": "Feedback", "ru": "С проверкой", "ar": "مع المتابعة"}, 48, False, True),
    ("premium", {"en": "Premium", "ru": "Премиум", "ar": "مميزة"}, 24, True, True),
)
"""Code, name, hours to feedback, groups, certificate: what a new course's form begins with."""


def default_tariffs(prices: Mapping[str, Money]) -> dict[str, TariffFields]:
    """The three usual tariffs, by code, at these prices; those without a price are left out."""
    return {
        code: TariffFields(
            name=name, price=prices[code], rank=rank, feedback_hours=hours, groups=groups, certificate=certificate,
            position=rank,
        )
        for rank, (code, name, hours, groups, certificate) in enumerate(DEFAULT_TARIFFS, start=1)
        if code in prices
    }  # fmt: skip


def check_slug(slug: str) -> None:
    """Raises Invalid for what can be no course's address."""
    if len(slug) > MAX_SLUG or not _SLUG.fullmatch(slug):
        raise Invalid("a slug has up to 40 of a-z, 0-9 and single hyphens", fields={"slug": "invalid"})


def check_schedule(schedule: Schedule) -> None:
    """Raises Invalid, naming the field."""
    bad = {
        "local_minute": not 0 <= schedule.local_minute < _DAY,
        "interval_days": not 1 <= schedule.interval_days <= 365,
        "digest_after_days": not 1 <= schedule.digest_after_days <= 365,
        "remind_days": not 0 <= schedule.remind_days <= 90,
        "student_from": not _is_window(schedule.student_from, schedule.student_to),
        "timezone": not is_zone(schedule.timezone),
    }
    if any(bad.values()):
        raise Invalid("bad schedule", fields={name: "invalid" for name, wrong in bad.items() if wrong})


def check_tariff(code: str, fields: TariffFields, currency: str) -> None:
    """Raises Invalid, naming the field."""
    reseller = fields.reseller_price
    bad = {
        "code": len(code) > 32 or not _CODE.fullmatch(code),
        "name": not fields.name.get("en", "").strip(),
        "price": fields.price.currency != currency or fields.price.amount < 0,
        "reseller_price": reseller is not None
        and (reseller.currency != currency or not 0 <= reseller.amount <= fields.price.amount),
        "rank": not 1 <= fields.rank <= 1000,
        "feedback_hours": fields.feedback_hours is not None and not 1 <= fields.feedback_hours <= 24 * 60,
        "places": fields.places is not None and not 1 <= fields.places <= 1_000_000,
    }
    if any(bad.values()):
        raise Invalid("bad tariff", fields={name: "invalid" for name, wrong in bad.items() if wrong})


def is_zone(name: str) -> bool:
    """Whether a time zone is called so."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_window(start: int | None, end: int | None) -> bool:
    if start is None or end is None:
        return start is None and end is None
    return 0 <= start < end < _DAY
