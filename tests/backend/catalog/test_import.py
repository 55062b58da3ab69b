"""Catalogue and stock files: what they change, and what is told of bad rows."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from sqlalchemy import text

from backend.catalog.rules.files import Format, read_rows
from backend.catalog.rules.rows import CatalogueReader, read_stock
from backend.catalog.service import CatalogServices
from backend.catalog.types.imports import Action, CatalogueReport, FieldChange, ProblemCode, StockReport
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden
from tests.factories.catalog import add_variant, buyer, catalog_services, category, import_rows, product, variant
from tests.factories.wallet import usd

HEADER = "type,slug,parent,category,product,code,name_en,name_ar,price,currency,country,max_quantity\n"
GOOD = (
    "category,cards,,,,,Cards,بطاقات,,,,\n"
    "product,card,,cards,,,Card,بطاقة,,,TR,\n"
    'variant,,,,card,one,"One, first",,4.90,usd,,5\n'
)
P = ProblemCode


@pytest.fixture
def service(uow: UnitOfWork, ring: KeyRing) -> CatalogServices:
    """An empty shop."""
    return catalog_services(uow, ring)


async def catalogue(
    service: CatalogServices, data: bytes | str, *, apply: bool = True, written: Format = Format.CSV
) -> CatalogueReport:
    """Import a catalogue file."""
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    rows = CatalogueReader("USD").read(read_rows(source, written))
    return await service.imports.import_catalogue(Actor.system(), rows, apply=apply, source="test.csv")


async def stock(
    service: CatalogServices,
    data: bytes | str,
    *,
    apply: bool = True,
    written: Format = Format.CSV,
    variant: str | None = None,
) -> StockReport:
    """Import a stock file."""
    source = io.BytesIO(data.encode() if isinstance(data, str) else data)
    rows = read_stock(read_rows(source, written), variant)
    return await service.imports.import_stock(Actor.system(), rows, apply=apply, source="test.csv")


def problems_of(report: CatalogueReport | StockReport) -> list[tuple[int, ProblemCode, str]]:
    """The problems, shortly."""
    return [(item.line, item.code, item.column) for item in report.problems]


@pytest.mark.parametrize(
    "data",
    [
        HEADER + GOOD,
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        (HEADER + GOOD).replace('"One, first"', "First").replace(",", ";"),
        (HEADER + GOOD).replace('"One, first"', "First").replace(",", "\t"),
        HEADER + "\n , ,\n" + GOOD + "\n\n",
        HEADER.upper().replace("_EN", "_en").replace("_AR", "_ar") + GOOD,
        HEADER + "".join(reversed(GOOD.splitlines(keepends=True))),
    ],
)
async def test_a_catalogue_file_in_many_dresses(service: CatalogServices, data: str) -> None:
    report = await catalogue(service, data)
    assert report.problems == []
    assert report.applied
    detail = await service.storefront.product(buyer(), "card")
    assert (detail.country, detail.variants[0].max_quantity, detail.price_from.amount) == ("TR", 5, 490)


async def test_a_dry_run_tells_and_writes_nothing(service: CatalogServices) -> None:
    report = await catalogue(service, HEADER + GOOD, apply=False)
    assert not report.applied
    assert {kind: counts[Action.CREATE] for kind, counts in report.counts.items()} == {
        "category": 1,
        "product": 1,
        "variant": 1,
    }
    assert await service.storefront.categories(buyer()) == []
    assert await service.storefront.version() == 0


async def test_a_second_run_changes_nothing_and_an_edit_is_told_by_field(service: CatalogServices) -> None:
    await catalogue(service, HEADER + GOOD)
    version = await service.storefront.version()
    again = await catalogue(service, HEADER + GOOD)
    assert again.changes == []
    assert again.counts["variant"][Action.UNCHANGED] == 1
    assert await service.storefront.version() == version

    edited = GOOD.replace("4.90", "5.20").replace("بطاقة", "").replace("TR", "AE")
    report = await catalogue(service, HEADER + edited, apply=False)
    assert {change.ref: change.fields for change in report.changes} == {
        "card": (
            FieldChange("country", "TR", "AE"),
            FieldChange("name_ar", "بطاقة", ""),
        ),
        "card/one": (FieldChange("price", "4.90", "5.20"),),
    }


async def test_what_a_file_leaves_out_stays_and_an_empty_cell_clears(service: CatalogServices) -> None:
    await import_rows(service, [category(), product("card", country="TR", tags=["a"], summary_en="S"), variant("card")])
    await import_rows(service, [{"type": "product", "slug": "card", "name_ar": "بطاقة", "country": None}])
    detail = await service.storefront.product(buyer(), "card")
    assert (detail.name, detail.summary, detail.country, detail.tags) == ("Card", "S", None, ("a",))


CATALOGUE_PROBLEMS: list[tuple[str, list[tuple[int, ProblemCode, str]]]] = [
    ("", [(1, P.EMPTY_FILE, "")]),
    (HEADER, [(1, P.EMPTY_FILE, "")]),
    ("type,type\ncategory,x\n", [(1, P.DUPLICATE_COLUMN, "type")]),
    (HEADER + "shelf,cards,,,,,Cards,,,,,\n", [(2, P.UNKNOWN_TYPE, "type")]),
    (HEADER + "category,Cards,,,,,Cards,,,,,\n", [(2, P.BAD_SLUG, "slug")]),
    (
        HEADER + "category,-a,,,,,Cards,,,,,\ncategory,a--b,,,,,C,,,,,\n",
        [(2, P.BAD_SLUG, "slug"), (3, P.BAD_SLUG, "slug")],
    ),
    (HEADER + "category,,,,,,Cards,,,,,\n", [(2, P.REQUIRED, "slug")]),
    (HEADER + "category,cards,,,,,,,,,,\n", [(2, P.REQUIRED, "name_en")]),
    (HEADER + f"category,{'c' * 65},,,,,Cards,,,,,\n", [(2, P.TOO_LONG, "slug")]),
    (HEADER + f"category,cards,,,,,{'C' * 61},,,,,\n", [(2, P.TOO_LONG, "name_en")]),
    (HEADER + "category,cards,,,,,Ca\x07rds,,,,,\n", [(2, P.BAD_TEXT, "name_en")]),
    (HEADER + "category,cards,,,,,Cards,,,,,\n" * 2, [(3, P.DUPLICATE, "")]),
    (HEADER + "category,cards,nowhere,,,,Cards,,,,,\n", [(2, P.UNKNOWN_PARENT, "parent")]),
    (HEADER + "category,cards,cards,,,,Cards,,,,,\n", [(2, P.PARENT_CYCLE, "parent")]),
    (
        HEADER + "category,a,b,,,,A,,,,,\ncategory,b,a,,,,B,,,,,\n",
        [(2, P.PARENT_CYCLE, "parent"), (3, P.PARENT_CYCLE, "parent")],
    ),
    (HEADER + "category,cards,,,,,Cards,,,,,,,surplus\n", [(2, P.TOO_MANY_CELLS, "")]),
    (HEADER + "category,cards,,,,,Cards,,4.90,,,\n", [(2, P.COLUMN_NOT_FOR_TYPE, "price")]),
    (HEADER + 'category,cards,,,,,"Cards,,,,,\n', [(2, P.BROKEN_CSV, "")]),
    (HEADER + GOOD.replace("TR", "XX"), [(3, P.BAD_COUNTRY, "country")]),
    (HEADER + GOOD.replace("TR", "TUR"), [(3, P.BAD_COUNTRY, "country")]),
    (HEADER + GOOD.replace("TR", "EU"), [(3, P.BAD_COUNTRY, "country")]),
    (HEADER + GOOD.replace(",cards,,,Card", ",,,,Card"), [(3, P.REQUIRED, "category")]),
    (HEADER + GOOD.replace(",cards,,,Card", ",toys,,,Card"), [(3, P.UNKNOWN_CATEGORY, "category")]),
    (HEADER + GOOD.replace(",card,one", ",toy,one"), [(4, P.UNKNOWN_PRODUCT, "product")]),
    (HEADER + GOOD.replace("4.90", "-4.90"), [(4, P.NEGATIVE_PRICE, "price")]),
    (HEADER + GOOD.replace("4.90", "4.905"), [(4, P.FRACTION_TOO_FINE, "price")]),
    (HEADER + GOOD.replace("4.90", "4,90").replace("4,90", '"4,90"'), [(4, P.BAD_PRICE, "price")]),
    (HEADER + GOOD.replace("4.90", "free"), [(4, P.BAD_PRICE, "price")]),
    (HEADER + GOOD.replace("4.90", "٤"), [(4, P.BAD_PRICE, "price")]),
    (HEADER + GOOD.replace("4.90", ""), [(4, P.REQUIRED, "price")]),
    (HEADER + GOOD.replace("4.90", "1" * 17), [(4, P.OUT_OF_RANGE, "price")]),
    (HEADER + GOOD.replace("usd", "eur"), [(4, P.UNKNOWN_CURRENCY, "currency")]),
    (HEADER + GOOD.replace(",5\n", ",0\n"), [(4, P.OUT_OF_RANGE, "max_quantity")]),
    (HEADER + GOOD.replace(",5\n", ",1.5\n"), [(4, P.NOT_A_NUMBER, "max_quantity")]),
    (HEADER + GOOD.replace(",5\n", f",{'9' * 5000}\n"), [(4, P.OUT_OF_RANGE, "max_quantity")]),
    (HEADER.replace("parent", "colour") + GOOD, [(1, P.UNKNOWN_COLUMN, "colour")]),
]


@pytest.mark.parametrize(("data", "problems"), CATALOGUE_PROBLEMS)
async def test_bad_catalogue_rows_are_told_by_line_and_nothing_is_kept(
    service: CatalogServices, data: str, problems: list[tuple[int, ProblemCode, str]]
) -> None:
    report = await catalogue(service, data)
    assert problems_of(report) == problems
    assert not report.applied
    assert await service.storefront.version() == 0
    assert await service.storefront.categories(buyer()) == []


async def test_every_bad_row_is_told_not_only_the_first(service: CatalogServices) -> None:
    data = HEADER + "category,A,,,,,A,,,,,\n" + GOOD.replace("4.90", "x").replace("TR", "QQ").replace("Cards", "C" * 99)
    assert problems_of(await catalogue(service, data)) == [
        (2, P.BAD_SLUG, "slug"),
        (3, P.TOO_LONG, "name_en"),
        (4, P.BAD_COUNTRY, "country"),
        (5, P.BAD_PRICE, "price"),
    ]


async def test_bytes_that_are_no_text_cost_their_own_row_only(service: CatalogServices) -> None:
    lines = (HEADER + GOOD).encode().splitlines(keepends=True)
    bad = b"category,bad,,,,,B\xff\xfed,,,,,\n"
    assert problems_of(await catalogue(service, b"".join([*lines, bad]))) == [(5, P.NOT_UTF8, "")]
    long = b"category,long,,,,," + b"x" * (1 << 21) + b",,,,,\n"
    assert problems_of(await catalogue(service, b"".join([*lines, long, *lines[1:2]])))[0] == (5, P.LINE_TOO_LONG, "")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{", (1, P.BROKEN_JSON, "")),
        ("[1]", (1, P.NOT_AN_OBJECT, "")),
        ("[" * 100_000, (1, P.BROKEN_JSON, "")),
        ({"type": "product", "slug": "x", "name_en": {"a": 1}, "category": "c"}, (1, P.NOT_TEXT, "name_en")),
        (
            {"type": "product", "slug": "x", "name_en": "X", "category": "c", "variants": 5},
            (1, P.UNKNOWN_VALUE, "variants"),
        ),
        ({"type": "product", "slug": "x", "name_en": "X"}, (1, P.REQUIRED, "category")),
        ({"type": "category", "slug": "x"}, (1, P.REQUIRED, "name_en")),
        ({"type": "category", "slug": "x", "name_en": "X", "hidden": "maybe"}, (1, P.NOT_YES_OR_NO, "hidden")),
        ({"type": "category", "slug": "x", "name_en": "X", "icon": "skull"}, (1, P.UNKNOWN_VALUE, "icon")),
        ({"type": "category", "slug": "x", "name_en": "X", "name_fr": "X"}, (1, P.UNKNOWN_COLUMN, "name_fr")),
        ({"type": None}, (1, P.UNKNOWN_TYPE, "type")),
        ({}, (1, P.UNKNOWN_TYPE, "type")),
        (variant("x", min_quantity=3, max_quantity=2), (1, P.LIMITS_CONTRADICT, "min_quantity")),
        (variant("x", min_quantity=3, per_person_limit=2), (1, P.LIMITS_CONTRADICT, "min_quantity")),
        (variant("x", price=5, reseller_price="5.01"), (1, P.RESELLER_ABOVE_PRICE, "reseller_price")),
        (variant("x", quantity_prices="ten for 4"), (1, P.BAD_QUANTITY_PRICES, "quantity_prices")),
        (variant("x", quantity_prices="1:4"), (1, P.OUT_OF_RANGE, "quantity_prices")),
        (variant("x", quantity_prices=f"{2**63}:4"), (1, P.OUT_OF_RANGE, "quantity_prices")),
        (variant("x", quantity_prices="10:-4"), (1, P.NEGATIVE_PRICE, "quantity_prices")),
        (variant("x", quantity_prices="10:4.001"), (1, P.FRACTION_TOO_FINE, "quantity_prices")),
        (variant("x", quantity_prices="10:4; 10:3"), (1, P.QUANTITY_TWICE, "quantity_prices")),
        (variant("x", quantity_prices="10:4; 50:4"), (1, P.NOT_FALLING, "quantity_prices")),
        (variant("x", quantity_prices="50:4; 10:3"), (1, P.NOT_FALLING, "quantity_prices")),
        (variant("x", price=5, quantity_prices="10:5"), (1, P.NOT_FALLING, "quantity_prices")),
        (variant("x", quantity_prices=";".join(f"{n}:{n}" for n in range(2, 13))), (1, P.TOO_LONG, "quantity_prices")),
        (product("x", picture="../../etc/passwd"), (1, P.UNKNOWN_PICTURE, "picture")),
        (variant("x", price=4.905), (1, P.FRACTION_TOO_FINE, "price")),
        (variant("x", price=True), (1, P.NOT_TEXT, "price")),
        (product("x", name_en=True), (1, P.NOT_TEXT, "name_en")),
        (product("x", summary_en=["a", "b"]), (1, P.NOT_TEXT, "summary_en")),
        (variant("x", name_en="#REF!"), (1, P.SPREADSHEET_ERROR, "name_en")),
        (variant("x", max_quantity=1e2), (1, P.NOT_A_NUMBER, "max_quantity")),
        ('{"type":"category","slug":"a","slug":"b","name_en":"X"}', (1, P.FIELD_TWICE, "slug")),
        ('{"type":"category","slug":"a","name_en":"\\ud800"}', (1, P.BROKEN_JSON, "")),
        ('{"type":"category","slug":"a","name_en":"X","position":NaN}', (1, P.BROKEN_JSON, "")),
    ],
)
async def test_bad_json_rows(service: CatalogServices, row: Any, problem: tuple[int, ProblemCode, str]) -> None:
    text_of = row if isinstance(row, str) else json.dumps(row)
    report = await catalogue(service, text_of + "\n", written=Format.JSON_LINES)
    assert problems_of(report)[0] == problem
    assert not report.applied


async def test_quantity_prices_are_imported_in_any_order_and_can_be_taken_back(service: CatalogServices) -> None:
    row = variant("card", quantity_prices="٥٠:4; 10 : 4.50 ;")
    await import_rows(service, [category(), product("card"), row])
    (offer,) = (await service.storefront.product(buyer(), "card")).variants
    assert [(step.quantity, step.price) for step in offer.quantity_prices] == [(10, usd(450)), (50, usd(400))]
    assert not (await import_rows(service, [row])).changes
    (change,) = (await import_rows(service, [row | {"quantity_prices": ""}])).changes
    assert change.fields == (FieldChange("quantity_prices", "10:4.50; 50:4.00", ""),)
    (offer,) = (await service.storefront.product(buyer(), "card")).variants
    assert offer.quantity_prices == ()


@pytest.mark.parametrize(("column", "price"), [("reseller_price", "4.50"), ("quantity_prices", "10:4.50")])
async def test_a_price_can_not_fall_below_those_that_depend_on_it(
    service: CatalogServices, column: str, price: str
) -> None:
    assert (await import_rows(service, [category(), product("card"), variant("card", **{column: price})])).applied
    report = await import_rows(service, [{"type": "variant", "product": "card", "code": "one", "price": "4.49"}])
    assert [(item.line, item.column, item.value) for item in report.problems] == [(1, column, price)]


async def test_only_steps_within_reach_that_cost_this_buyer_less_are_offered(service: CatalogServices) -> None:
    steps = {"quantity_prices": "2:4.80; 5:4.40; 20:4.00", "reseller_price": "4.50", "per_person_limit": "19"}
    await import_rows(service, [category(), product("card"), variant("card", **steps)])

    async def offered(**person: bool) -> list[int]:
        (offer,) = (await service.storefront.product(buyer(**person), "card")).variants
        return [step.quantity for step in offer.quantity_prices]

    assert (await offered(), await offered(is_reseller=True)) == ([2, 5], [5])


async def test_json_prices_are_exact_and_variants_may_stand_inside(service: CatalogServices) -> None:
    rows = [
        category(),
        product(
            "card", variants=[{"code": "a", "name_en": "A", "price": 4.1}, {"code": "b", "name_en": "B", "price": 3}]
        ),
    ]
    data = "".join(json.dumps(row) + "\n" for row in rows)
    assert (await catalogue(service, data, written=Format.JSON_LINES)).applied
    prices = [item.price.amount for item in (await service.storefront.product(buyer(), "card")).variants]
    assert sorted(prices) == [300, 410]


async def test_only_those_who_may_import_do(service: CatalogServices) -> None:
    with pytest.raises(Forbidden):
        await service.imports.import_catalogue(buyer(), [], apply=True, source="x")
    with pytest.raises(Forbidden):
        await service.imports.import_stock(buyer(), [], apply=True, source="x")


async def test_stock_from_csv_json_and_plain_lines(service: CatalogServices, uow: UnitOfWork) -> None:
    await add_variant(service)
    first = await stock(service, "variant,key\ncard/one,AAA-1\ncard/one, AAA-2 \ncard/one,AAA-1\n")
    assert (first.applied, first.rows, first.added, first.duplicates) == (True, 3, 2, 1)
    second = await stock(
        service,
        '{"variant":"card/one","key":"AAA-2"}\n{"key":"AAA-3"}\n',
        written=Format.JSON_LINES,
        variant="card/one",
    )
    assert (second.added, second.duplicates) == (1, 1)
    third = await stock(service, "\ufeffAAA-3\r\n\r\nAAA,4\r\n", written=Format.PLAIN, variant="card/one")
    assert (third.added, third.duplicates) == (1, 1)
    assert (await service.storefront.product(buyer(), "card")).available == 4
    async with uow() as tx:
        # A file that brings nothing new leaves no empty batch behind.
        assert (await tx.execute(text("SELECT count(*) FROM stock_batches"))).scalar_one() == 3
    assert (await stock(service, "AAA-3\n", written=Format.PLAIN, variant="card/one")).added == 0
    async with uow() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM data_keys"))).scalar_one() == 3


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ("", [(1, P.EMPTY_FILE, "")]),
        ("variant,key\n", [(1, P.EMPTY_FILE, "")]),
        (
            "variant,key\ncard/one,GOOD\ncard/two,BAD\ncard,BAD\nother/one,BAD\n",
            [(n, P.UNKNOWN_VARIANT, "variant") for n in (3, 4, 5)],
        ),
        ("variant,key\ncard/one,\n,SECRET-KEY-123456\n", [(2, P.REQUIRED, "key"), (3, P.REQUIRED, "variant")]),
        (f"variant,key\ncard/one,{'SECRET-K' * 200}\n", [(2, P.TOO_LONG, "key")]),
        ('variant,key\ncard/one,"SECRET-KEY\n123456"\ncard/one,OK\n', [(2, P.BAD_TEXT, "key")]),
        ("variant,code\ncard/one,SECRET-KEY-123456\n", [(1, P.UNKNOWN_COLUMN, "code"), (1, P.MISSING_COLUMN, "key")]),
        ("variant,key\ncard/one,SECRET-KEY-123456,more\n", [(2, P.TOO_MANY_CELLS, "")]),
    ],
)
async def test_bad_stock_rows_keep_nothing_and_tell_no_key(
    service: CatalogServices, data: str, problems: list[tuple[int, ProblemCode, str]]
) -> None:
    await add_variant(service)
    report = await stock(service, data)
    assert problems_of(report) == problems
    assert not report.applied
    assert (await service.storefront.product(buyer(), "card")).available == 0
    assert "SECRET-K" not in repr(report)


async def test_a_stock_dry_run_counts_and_adds_nothing(service: CatalogServices, uow: UnitOfWork) -> None:
    await add_variant(service)
    report = await stock(service, "variant,key\ncard/one,A\ncard/one,B\ncard/one,A\n", apply=False)
    assert (report.applied, report.added, report.duplicates) == (False, 2, 1)
    async with uow() as tx:
        for table in ("stock_keys", "stock_batches", "data_keys"):
            assert (await tx.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0


async def test_a_sold_key_does_not_come_back(service: CatalogServices, uow: UnitOfWork) -> None:
    await add_variant(service, keys=3)
    async with uow() as tx:
        sold = text("UPDATE stock_keys SET state = 'sold', order_line_id = :line")
        await tx.execute(sold, {"line": tx.new_id()})
    lines = "".join(f"KEY-card-{number:06}\n" for number in range(4))
    report = await stock(service, lines, written=Format.PLAIN, variant="card/one")
    assert (report.added, report.duplicates) == (1, 3)
    assert (await service.storefront.product(buyer(), "card")).available == 1


async def test_a_large_file_is_taken_in_pieces(service: CatalogServices) -> None:
    await add_variant(service)
    seen: list[int] = []
    lines = io.BytesIO("".join(f"KEY-{number % 11_000}\n" for number in range(12_000)).encode())
    rows = read_stock(read_rows(lines, Format.PLAIN), "card/one")
    report = await service.imports.import_stock(
        Actor.system(), rows, apply=True, source="big.txt", progress=seen.append
    )
    assert (report.rows, report.added, report.duplicates) == (12_000, 11_000, 1_000)
    assert seen == [5000, 10_000, 12_000]


async def test_a_subscription_has_the_only_period_that_telegram_renews(service: CatalogServices) -> None:
    await catalogue(service, HEADER + GOOD)
    head = "type,product,code,subscription_days\n"
    assert problems_of(await catalogue(service, f"{head}variant,card,one,30\n")) == []
    for period in ("7", "31", "month"):
        ((line, _, column),) = problems_of(await catalogue(service, f"{head}variant,card,one,{period}\n"))
        assert (line, column) == (2, "subscription_days")
    report = await catalogue(service, f"{head}variant,card,one,\n")
    assert [(field.field, field.before, field.after) for change in report.changes for field in change.fields] == [
        ("subscription_days", "30", "")
    ]
