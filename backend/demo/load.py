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

from backend.catalog.rules.files import RawRow, read_json_lines
from backend.catalog.rules.rows import CatalogueReader, CatalogueRow, read_stock
from backend.catalog.service import ImportsService
from backend.catalog.types import Action, Problem
from backend.growth.service import PromosService
from backend.growth.types.promos import NewPromo
from backend.identity.types import Actor
from backend.infra.storage import Storage
from backend.kernel.money import Money

_FOLDER: Final = Path(__file__).parent
_SOURCE: Final = "demo"
_CURRENCY: Final = "USD"


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


def _stock_rows() -> Iterator[RawRow]:
    with (_FOLDER / "stock.csv").open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            for number in range(int(row["count"])):
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
    return Summary(len(missing), stock.added)


def _check(problems: list[Problem]) -> None:
    if problems:
        first = problems[0]
        raise DemoFilesError(f"line {first.line}: {first.code} {first.column} {first.value}")


async def load_demo_codes(promos: PromosService) -> None:
    """Make the demo's promo codes; those that were made before stay, stopped ones too."""
    five = Money(500, _CURRENCY)
    for new in (
        NewPromo(code="WELCOME10", basis_points=1000, first_only=True, note="First purchase"),
        NewPromo(code="SOUK5", amount=five, minimum=Money(2000, _CURRENCY), uses=20, per_person=1, note="20 people"),
    ):
        await promos.make(Actor.system(), new, idempotency_key=f"demo:{new.code}")
