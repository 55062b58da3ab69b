"""Packages of credits, and a reader who has used some: the worker writes the texts when the demo starts."""

from __future__ import annotations

from typing import Final

from backend.bootstrap import Services
from backend.demo.students import LAYLA
from backend.identity.types import Actor
from backend.kernel.money import Money
from backend.readings.types.rooms import PackageFields, Period

_CATEGORY: Final = "membership"
_PACKAGES: Final = (
    ("5-credits", 5, 499, Period.ONCE, ("5 credits", "5 قراءات", "5 раскладов")),
    ("15-credits", 15, 1199, Period.ONCE, ("15 credits", "15 قراءة", "15 раскладов")),
    ("40-credits", 40, 2499, Period.ONCE, ("40 credits", "40 قراءة", "40 раскладов")),
    ("10-monthly", 10, 699, Period.MONTHLY, ("10 credits a month", "10 قراءات كل شهر", "10 раскладов в месяц")),
)
_BOUGHT: Final = 2
_ASKED: Final = (
    ("celtic-cross", "عُرض عليّ عمل في مدينة أخرى. ما الذي لا أراه؟"),
    ("relationship", "كيف نعود أنا وأختي إلى الكلام؟"),
    ("one", "ما الذي يعينني هذا الأسبوع؟"),
)


async def load_demo_readings(services: Services, root: Actor) -> None:
    """Put packages on sale, once; Layla buys two of the small ones, asks three times, and has four credits left."""
    packages = services.readings.packages
    if await packages.list_all(root):
        return
    currency = services.settings.shop_currency
    for place, (code, credits, price, period, (english, arabic, russian)) in enumerate(_PACKAGES, start=1):
        fields = PackageFields(
            name={"en": english, "ar": arabic, "ru": russian}, credits=credits, price=Money(price, currency),
            period=period, position=place,
        )  # fmt: skip
        await packages.add(root, code, fields, category=_CATEGORY)
    await _read(services, root)


async def _read(services: Services, root: Actor) -> None:
    reader = await services.identity.access.authenticate(LAYLA)
    (small, *_) = await services.readings.packages.list_all(root)
    price = small.fields.price
    paid = Money(price.amount * _BOUGHT, price.currency)
    await services.wallet.adjustments.adjust(root, reader.id, paid, "Demo", idempotency_key="demo-readings")
    await services.orders.checkout.place(reader, small.variant_id, _BOUGHT, "demo-reading-credits")
    asking = services.readings.asking
    for number, (slug, question) in enumerate(_ASKED):
        commitment = await asking.commit(reader, slug)
        seed = f"seed-of-the-demo-{number}"
        await asking.ask(reader, commitment.reading_id, question, seed, reversed_cards=True, language="ar")
