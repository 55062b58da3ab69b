"""Fills the demo shop from the files beside this one, through the same importer that an owner uses."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from backend.bootstrap import Services
from backend.catalog.rules.files import RawRow, read_json_lines
from backend.catalog.rules.rows import CatalogueReader, CatalogueRow, read_stock
from backend.catalog.service import ImportsService
from backend.catalog.types.imports import Action, Problem
from backend.courses.service import AuthoringService, CoursesService
from backend.growth.service import PromosService
from backend.growth.types.promos import NewPromo
from backend.identity.types import Actor, Contact
from backend.infra.storage import Storage
from backend.kernel.errors import NotFound
from backend.kernel.money import Money

_FOLDER: Final = Path(__file__).parent
_COURSE: Final = _FOLDER / "courses" / "calm-in-seven-days"
_SOURCE: Final = "demo"
_RESTOCK: Final = "demo restock"
_RESTOCKED: Final = 5
_CURRENCY: Final = "USD"
_CART: Final = (
    ("private-vpn", "1-month", 2), ("ebook-library", "1-month", 10), ("food-card-ae", "50", 1),
    ("shopping-card-tr", "250", 1),
)  # fmt: skip
"""Unique keys, a shared key at its price for ten, something in one piece, and something that is sold out."""
_SOLD_OUT: Final = "travel-esim-ma"
_LIKED: Final = ("private-vpn", "ebook-library", "travel-esim-ma")
_FIRST_PERSON: Final = 900_000_101
"""Telegram ids from here on are people whom only the demo knows."""


class Summary(msgspec.Struct, frozen=True):
    """What was added; zeros when everything existed already."""

    created: int
    keys: int


class DemoFilesError(Exception):
    """The demo's own files have bad rows: a mistake of ours, not the owner's."""


def _catalogue_rows(currency: str) -> list[CatalogueRow | Problem]:
    data = io.BytesIO((_FOLDER / "catalogue.jsonl").read_bytes())
    return list(CatalogueReader(currency).read(read_json_lines(data)))


def demo_key(variant: str, number: int) -> str:
    """The demo key with this number of a variant: always the same, and clearly not a real one."""
    digest = hashlib.sha256(f"souk demo {variant} {number}".encode()).digest()
    letters = base64.b32encode(digest).decode()
    return f"DEMO-{letters[:4]}-{letters[4:8]}-{letters[8:12]}"


def _shared_rows() -> list[RawRow]:
    with (_FOLDER / "shared.csv").open(encoding="utf-8", newline="") as file:
        rows = enumerate(csv.DictReader(file), start=2)
        return [RawRow(line, {**row, "key": demo_key(row["variant"], 0)}) for line, row in rows]


def _stock_rows(*, restock: bool = False) -> Iterator[RawRow]:
    """The keys of the shop's first import, or those of the second one: a variant's last few, where it has many."""
    with (_FOLDER / "stock.csv").open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            count = int(row["count"])
            first = count - _RESTOCKED if count >= 2 * _RESTOCKED else count
            for number in range(first, count) if restock else range(first):
                yield RawRow(line, {"variant": row["variant"], "key": demo_key(row["variant"], number)})


async def load_demo_shop(imports: ImportsService, storage: Storage) -> Summary:
    """Create what the demo shop is missing; what exists, sold or changed since, stays. Raises DemoFilesError."""
    actor = Actor.system()
    rows = _catalogue_rows(_CURRENCY)
    pictures = await storage.put_folder(_FOLDER / "pictures", trusted=True)
    plan = await imports.import_catalogue(actor, rows, apply=False, source=_SOURCE, pictures=pictures)
    _check(plan.problems)
    missing = {(item.kind, item.ref) for item in plan.changes if item.action is Action.CREATE}
    if missing:
        new = [row for row in rows if isinstance(row, CatalogueRow) and (row.kind.value, row.ref) in missing]
        done = await imports.import_catalogue(actor, new, apply=True, source=_SOURCE, pictures=pictures)
        _check(done.problems)
    plans = await imports.import_stock(actor, read_stock(_shared_rows()), apply=False, source=_SOURCE)
    new_keys = {item.variant for item in plans.shared if item.action is Action.CREATE}
    stocked = [*(row for row in _shared_rows() if row.values["variant"] in new_keys), *_stock_rows()]
    stock = await imports.import_stock(actor, read_stock(stocked), apply=True, source=_SOURCE)
    _check(stock.problems)
    # A second batch: a key of the first one that doesn't work is replaced from it.
    more = await imports.import_stock(actor, read_stock(_stock_rows(restock=True)), apply=True, source=_RESTOCK)
    _check(more.problems)
    return Summary(len(missing), stock.added + more.added)


async def load_demo_favourites(services: Services) -> None:
    """Have the demo's first customer like some products, one of which is sold out."""
    emma = await _emma(services)
    for slug in _LIKED:
        await services.catalog.favourites.add(emma, slug)


async def load_demo_line(services: Services) -> None:
    """Have three people wait for a product that is sold out; those who wait already stay."""
    product = await services.catalog.storefront.product(Actor.system(), _SOLD_OUT)
    for number, name in enumerate(("Amal", "Igor", "Grace"), start=_FIRST_PERSON):
        person = await services.identity.access.authenticate(Contact(telegram_id=number, first_name=name))
        for variant in product.variants:
            if not variant.in_stock:
                await services.catalog.waiting.join(person, variant.id)


def _check(problems: list[Problem]) -> None:
    if problems:
        first = problems[0]
        raise DemoFilesError(f"line {first.line}: {first.code} {first.column} {first.value}")


async def _emma(services: Services) -> Actor:
    return await services.identity.access.authenticate(
        Contact(telegram_id=700_000_001, first_name="Emma", last_name="Clarke", language_code="en")
    )


async def load_demo_cart(services: Services) -> None:
    """Fill the cart of the demo's first customer, if it never had anything: what is sold out stays out of the total."""
    emma = await _emma(services)
    if (await services.orders.cart.show(emma)).version:
        return
    for slug, code, quantity in _CART:
        product = await services.catalog.storefront.product(emma, slug)
        variant = next(item for item in product.variants if item.code == code)
        await services.orders.cart.add(emma, variant.id, quantity)


async def load_demo_course(authoring: AuthoringService, courses: CoursesService) -> bool:
    """Import the demo's course where the shop has none of its name; whether it was missing. Raises DemoFilesError."""
    try:
        await courses.find(Actor.system(), _COURSE.name)
    except NotFound:
        report = await authoring.import_folder(Actor.system(), _COURSE, apply=True)
        if report.problems:
            first = report.problems[0]
            raise DemoFilesError(f"{first.file}:{first.line}: {first.code} {first.field} {first.value}") from None
        return True
    return False


async def load_demo_codes(promos: PromosService) -> None:
    """Make the demo's promo codes; those that were made before stay, stopped ones too."""
    five = Money(500, _CURRENCY)
    for new in (
        NewPromo(code="WELCOME10", basis_points=1000, first_only=True, note="First purchase"),
        NewPromo(code="SOUK5", amount=five, minimum=Money(2000, _CURRENCY), uses=20, per_person=1, note="20 people"),
    ):
        await promos.make(Actor.system(), new, idempotency_key=f"demo:{new.code}")
