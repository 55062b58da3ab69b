"""What a package of credits may be, and what the product that holds them is called."""

from __future__ import annotations

import re
from typing import Final

from backend.kernel.errors import Invalid
from backend.readings.types.rooms import PackageFields

MOST_CREDITS: Final = 100_000
_CODE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE_LENGTH: Final = 32
_NAME: Final = 60
NAME: Final = {"en": "Reading credits", "ar": "قراءات التاروت", "ru": "Расклады таро"}
SUMMARY: Final = {
    "en": "For spreads and follow-up questions",
    "ar": "لقراءات البطاقات والأسئلة الإضافية",
    "ru": "Для раскладов и дополнительных вопросов",
}


def check_code(code: str) -> None:
    """Raises Invalid for what is no code of a variant."""
    if len(code) > _CODE_LENGTH or not _CODE.fullmatch(code):
        raise Invalid("not a code", fields={"code": "invalid"})


def check_credits(credits: int) -> None:
    """Raises Invalid for a number that no package may give."""
    if not 1 <= credits <= MOST_CREDITS:
        raise Invalid("not a number of credits", fields={"credits": "range"})


def check_package(fields: PackageFields, currency: str) -> None:
    """Raises Invalid, naming the field, unless a package may be like this."""
    check_credits(fields.credits)
    name = fields.name.get("en", "").strip()
    if not name:
        raise Invalid("a package has a name", fields={"name_en": "required"})
    for language, text in fields.name.items():
        if len(text) > _NAME:
            raise Invalid("a name that is too long", fields={f"name_{language}": "too_long"})
    if fields.price.currency != currency or fields.price.amount <= 0:
        raise Invalid("not a price", fields={"price": "invalid"})
