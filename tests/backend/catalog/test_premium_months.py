"""Variants of premium say how many months they add."""

from __future__ import annotations

from backend.catalog import domain
from backend.catalog.types import StockKind
from backend.catalog.types.imports import ProblemCode
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from tests.factories.catalog import catalog_services, category, import_rows, product, variant, variant_id


async def test_premium_is_imported_with_its_months(uow: UnitOfWork, ring: KeyRing) -> None:
    service = catalog_services(uow, ring)
    rows = [category(), product("club", kind=StockKind.PREMIUM.value)]
    for value, code in (
        (None, ProblemCode.REQUIRED),
        ("0", ProblemCode.OUT_OF_RANGE),
        ("121", ProblemCode.OUT_OF_RANGE),
    ):
        given = {} if value is None else {"premium_months": value}
        report = await import_rows(service, [*rows, variant("club", **given)])
        assert [(problem.code, problem.column) for problem in report.problems] == [(code, "premium_months")]
    assert (await import_rows(service, [*rows, variant("club", premium_months="12")])).applied
    refused = await import_rows(service, [variant("club", "more")])
    assert [problem.column for problem in refused.problems] == ["premium_months"]
    year = await variant_id(service, "club")
    async with uow() as tx:
        assert await domain.list_premium_months(tx, [year]) == {year: 12}
        assert await domain.find_slug_of_kind(tx, StockKind.PREMIUM.value) == "club"
        assert await domain.count_available(tx, year, 7) == 7
