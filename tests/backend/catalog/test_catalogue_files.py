"""The catalogue as a file: what was exported is imported back unchanged."""

from __future__ import annotations

import asyncio
import io
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.catalog.errors import CatalogueChanged
from backend.catalog.rules import fields
from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.rows import CatalogueReader, CatalogueRow, RowKind
from backend.catalog.rules.writing import COLUMNS, written
from backend.catalog.types import HUES, ICONS, ChoiceKind, StockKind
from backend.catalog.types.editing import ProductFilter
from backend.catalog.types.imports import Action
from backend.identity.types import Actor
from backend.infra import spreadsheets
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.text import Locale
from tests.factories.catalog import buyer, catalog_services, category, import_rows, product, variant

ADMIN = Actor.system()
FILTER = ProductFilter()


def words(parse: Any, longest: int) -> st.SearchStrategy[str]:
    """Texts that a parser takes as they are, those that a spreadsheet would take for formulas too."""

    def taken(text: str) -> bool:
        try:
            return bool(parse(text) == text == text.strip())
        except fields.FieldError:
            return False

    plain = st.text(min_size=1, max_size=longest).filter(taken)
    odd = st.sampled_from(
        ["=1+1", "'=1+1", "''-x", "- item", "@name", "+5", '"quoted", too', "a;b", "'", "sep=;", "yes"]
    )
    return plain | odd


def texts(parse: Any, longest: int, *, needed: bool = False) -> st.SearchStrategy[dict[str, str]]:
    """Texts by language; with English where it is needed."""
    said = words(parse, longest)
    more = {locale.value: said for locale in Locale}
    english = {"en": more.pop("en")} if needed else {}
    return st.fixed_dictionaries(english, optional=more)


SLUGS = st.from_regex(r"\A[a-z0-9]{1,8}(-[a-z0-9]{1,8})?\Z")
PRICE = st.integers(0, 10**9)
PRODUCTS = st.fixed_dictionaries(
    {
        "name": texts(fields.words(80), 20, needed=True),
        "summary": texts(fields.words(120), 20),
        "description": texts(fields.markdown(4000), 60),
        "category": SLUGS,
        "country": st.none() | st.sampled_from(["TR", "NO", "GB"]),
        "kind": st.sampled_from([kind.value for kind in StockKind]),
        "choice": st.sampled_from([choice.value for choice in ChoiceKind]),
        "icon": st.sampled_from(ICONS),
        "hue": st.sampled_from(HUES),
        "tags": st.lists(st.from_regex(r"\A[a-z=+-]{1,9}\Z"), unique=True, max_size=4),
        "premium_only": st.booleans(),
        "hidden": st.booleans(),
        "rank": st.integers(0, 10**6),
    }
)
VARIANTS = st.fixed_dictionaries(
    {
        "name": texts(fields.words(60), 20, needed=True),
        "note": texts(fields.words(80), 20),
        "price": PRICE,
        "reseller_price": st.none() | PRICE,
        "min_quantity": st.integers(1, 1000),
        "max_quantity": st.none() | st.integers(1, 1000),
        "quantity_prices": st.just([]) | st.just([[10, 450], [50, 400]]),
        "position": st.integers(-(10**6), 10**6),
        "hidden": st.booleans(),
    }
)


@pytest.mark.parametrize("file_format", [Format.CSV, Format.JSON_LINES])
@settings(max_examples=60, deadline=None)
@given(
    things=st.lists(st.tuples(st.just(RowKind.PRODUCT), PRODUCTS) | st.tuples(st.just(RowKind.VARIANT), VARIANTS),
                    min_size=1, max_size=3)
)  # fmt: skip
def test_every_row_is_read_back_as_it_was(file_format: Format, things: list[tuple[RowKind, dict[str, Any]]]) -> None:
    refs = [f"thing-{number}" + ("/one" if kind is RowKind.VARIANT else "") for number, (kind, _) in enumerate(things)]
    rows = [written(kind, ref, values, "USD") for ref, (kind, values) in zip(refs, things, strict=True)]
    if file_format is Format.CSV:
        cells = [[fields.quoted(row.get(name, "")) for name in COLUMNS] for row in rows]
        data = spreadsheets.first_line(COLUMNS) + spreadsheets.lines(cells)
    else:
        data = "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows)
    read = list(CatalogueReader("USD").read(read_rows(io.BytesIO(data.encode()), file_format)))
    for ref, (kind, values), row in zip(refs, things, read, strict=True):
        assert isinstance(row, CatalogueRow), row
        assert (row.kind, row.ref) == (kind, ref)
        for name, value in values.items():
            given_back = row.values[name]
            if isinstance(value, dict):
                given_back = {locale: text for locale, text in given_back.items() if text}
            assert given_back == value, name


async def _exported(service: Any, ending: str) -> bytes:
    return "".join([piece async for piece in await service.files.export(ADMIN, ending)]).encode()


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
async def test_a_shop_is_exported_and_imported_back_unchanged(real: UnitOfWork, ring: KeyRing, ending: str) -> None:
    service = catalog_services(real, ring)
    await import_rows(service, [category(), category("inner", parent="cards", name_ar="داخل")])
    await import_rows(service, [product("card", "inner", description_en="- one\n- two", tags="a;b", country="TR")])
    await import_rows(service, [product("odd", "cards", name_en="=SUM(A1)")])
    await import_rows(service, [variant("card", quantity_prices="10:4.50", reseller_price="4"), variant("odd")])
    data = await _exported(service, ending)
    report = await service.files.upload(ADMIN, uuid4(), f"all.{ending}", data)
    assert report.problems == [] and report.changes == []
    assert {kind: counts[Action.UNCHANGED] for kind, counts in report.counts.items()} == {
        "category": 2, "product": 2, "variant": 2,
    }  # fmt: skip


async def test_archived_products_stay_out_of_the_file(real: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(real, ring)
    await import_rows(service, [category(), product("gone"), variant("gone"), product("here"), variant("here")])
    (gone,) = [row.id for row in (await service.products.list_managed(ADMIN, FILTER)).items if row.slug == "gone"]
    await service.products.archive(ADMIN, gone)
    text = (await _exported(service, "jsonl")).decode()
    assert "here" in text and "gone" not in text


async def test_only_the_differences_that_were_shown_are_imported(real: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(real, ring)
    await import_rows(service, [category(), product("card"), variant("card")])
    data = b"type,slug,name_en\nproduct,card,Better card\n"
    upload = uuid4()
    shown = await service.files.upload(ADMIN, upload, "new.csv", data)
    assert [change.ref for change in shown.changes] == ["card"] and not shown.applied
    await import_rows(service, [product("card", name_en="Changed meanwhile")])
    with pytest.raises(CatalogueChanged):
        await service.files.apply(ADMIN, upload, version=shown.version)
    assert (await service.storefront.product(buyer(), "card")).name == "Changed meanwhile"
    again = await service.files.check(ADMIN, upload)
    results = await asyncio.gather(
        *(service.files.apply(ADMIN, upload, version=again.version) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["CatalogueChanged", "CatalogueReport"]
    assert (await service.storefront.product(buyer(), "card")).name == "Better card"


@pytest.mark.parametrize(("name", "data"), [("a.csv", b""), ("a.txt", b"x"), ("a.xlsx", b"PK"), ("noname", b"x")])
async def test_what_is_no_catalogue_file_is_refused(real: UnitOfWork, ring: KeyRing, name: str, data: bytes) -> None:
    service = catalog_services(real, ring)
    with pytest.raises(Invalid):
        await service.files.upload(ADMIN, uuid4(), name, data)
    with pytest.raises(Invalid):
        await service.files.export(ADMIN, "xlsx")
    with pytest.raises(Forbidden):
        await service.files.export(buyer(), "csv")
