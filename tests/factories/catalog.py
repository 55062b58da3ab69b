"""Shelves, products and keys, for tests."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from backend.bootstrap import make_fulfillers
from backend.catalog.rules.files import RawRow
from backend.catalog.rules.rows import CatalogueReader, read_stock
from backend.catalog.service import CatalogServices
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.imports import CatalogueReport, StockReport
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.staged import StagedFiles
from backend.infra.stamp import Stamper
from backend.infra.storage import PrivateFiles, Storage
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.ids import OrderLineId
from backend.kernel.text import Locale
from tests.factories.documents import ZIP

USD = "USD"
_FOLDER = Path(tempfile.gettempdir()) / f"souk-files-{os.getpid()}"
_numbers = itertools.count(1)


def buyer(**changes: Any) -> Actor:
    """Somebody who looks around in English."""
    fields: dict[str, Any] = {"user_id": None, "telegram_id": 1, "first_name": "Nadia", "language": Locale.EN}
    return Actor(**{**fields, "timezone": "UTC", **changes})


def catalog_services(uow: UnitOfWork, ring: KeyRing, folder: Path | None = None) -> CatalogServices:
    """The catalogue of a shop that sells in dollars, whose files are in ``folder``."""
    folder = folder or _FOLDER
    return CatalogServices.build(
        uow=uow,
        ring=ring,
        currency=USD,
        fulfillers=make_fulfillers(ring),
        files=PrivateFiles(folder),
        storage=Storage(folder),
        staged=StagedFiles(folder),
        stamper=Stamper(),
        hold=lambda: timedelta(minutes=30),
        quiet=lambda _now, _zone: None,
        timezone="UTC",
    )


async def import_rows(
    service: CatalogServices, rows: Sequence[dict[str, Any]], *, apply: bool = True
) -> CatalogueReport:
    """Import rows as a JSON file would hold them, one a line."""
    raws = [RawRow(line, dict(row)) for line, row in enumerate(rows, start=1)]
    return await service.imports.import_catalogue(
        Actor.system(), CatalogueReader(USD).read(raws), apply=apply, source="test"
    )


async def import_keys(
    service: CatalogServices, variant: str, keys: Sequence[str], *, apply: bool = True
) -> StockReport:
    """Put keys into the stock of ``product/code``."""
    raws = [RawRow(line, {"variant": variant, "key": key}) for line, key in enumerate(keys, start=1)]
    return await service.imports.import_stock(Actor.system(), read_stock(raws), apply=apply, source="test")


def category(slug: str = "cards", **changes: Any) -> dict[str, Any]:
    """A row of a category."""
    return {"type": "category", "slug": slug, "name_en": slug.title(), **changes}


def product(slug: str, category: str = "cards", **changes: Any) -> dict[str, Any]:
    """A row of a product without variants."""
    return {"type": "product", "slug": slug, "category": category, "name_en": slug.title(), **changes}


def variant(product: str, code: str = "one", price: str = "5.00", **changes: Any) -> dict[str, Any]:
    """A row of a variant."""
    return {"type": "variant", "product": product, "code": code, "name_en": code.title(), "price": price, **changes}


async def add_variant(
    service: CatalogServices, slug: str = "card", *, keys: int = 0, price: str = "5.00", **changes: Any
) -> VariantId:
    """A product of one variant with so many keys in stock; the variant."""
    report = await import_rows(service, [category(), product(slug), variant(slug, price=price, **changes)])
    assert report.applied, report.problems
    if keys:
        await import_keys(service, f"{slug}/one", [f"KEY-{slug}-{number:06}" for number in range(keys)])
    return await variant_id(service, slug)


async def import_shared(
    service: CatalogServices, variant: str, key: str, count: str, *, apply: bool = True
) -> StockReport:
    """Set the shared key of ``product/code``; ``count`` as a file says it."""
    raws = [RawRow(1, {"variant": variant, "key": key, "count": count})]
    return await service.imports.import_stock(Actor.system(), read_stock(raws), apply=apply, source="test")


async def add_shared(
    service: CatalogServices, slug: str = "seat", count: str = "20", key: str = "SHARED-SECRET-1", **changes: Any
) -> VariantId:
    """A product of one variant with a shared key; the variant."""
    rows = [category(), product(slug, kind=StockKind.SHARED_KEY.value), variant(slug, **changes)]
    report = await import_rows(service, rows)
    assert report.applied, report.problems
    stocked = await import_shared(service, f"{slug}/one", key, count)
    assert stocked.applied, stocked.problems
    return await variant_id(service, slug)


async def add_by_hand(
    service: CatalogServices, slug: str = "logo", places: int | None = None, hours: int = 24, **changes: Any
) -> VariantId:
    """A product of one variant that admins prepare, with so many places; the variant."""
    promise = {"open_places": "" if places is None else str(places), "promised_hours": str(hours)}
    rows = [category(), product(slug, kind=StockKind.BY_HAND.value), variant(slug, **promise, **changes)]
    report = await import_rows(service, rows)
    assert report.applied, report.problems
    return await variant_id(service, slug)


async def add_file(
    service: CatalogServices, slug: str, *, copies: int | None = None, data: bytes = ZIP, **changes: Any
) -> VariantId:
    """A variant that is sold as a file, so many times or any number of times."""
    rows = [category(), product(slug, kind=StockKind.FILE.value), variant(slug, **changes)]
    assert (await import_rows(service, rows)).applied
    added = await variant_id(service, slug)
    await service.goods_files.upload(Actor.system(), added, "guide.zip", data)
    if copies is not None:
        await service.goods_files.change(
            Actor.system(), added, copies=copies, seen=None, download_limit=10, latest_for_all=True
        )
    return added


async def variant_id(service: CatalogServices, slug: str, code: str = "one") -> VariantId:
    """The id of a listed variant."""
    detail = await service.storefront.product(buyer(), slug)
    return next(item.id for item in detail.variants if item.code == code)


def line_id(tx: Tx) -> OrderLineId:
    """An order line that no order has."""
    return OrderLineId(tx.new_id())


def unique_slug(stem: str = "thing") -> str:
    """A slug that no other test uses."""
    return f"{stem}-{next(_numbers)}"
