"""Imports of keys by screen: pieces, the dry run, adding in chunks, stopping, going on, twice at once."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from backend.catalog.service import CatalogServices, import_job
from backend.catalog.types import VariantId
from backend.catalog.types.imports import ProblemCode
from backend.catalog.types.stock_imports import (
    ImportDetails,
    ImportState,
    LineKind,
    StockImport,
)
from backend.identity.types import Actor
from backend.infra.crypto import DecryptionError, KeyRing
from backend.infra.jobs import RetryLater
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid
from tests.factories.catalog import add_variant, buyer, catalog_services, import_keys

ADMIN = Actor.system()
KEYS = [f"PLAY-{number:04}-44LQ-7TXC" for number in range(12)]


@pytest.fixture
def service(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> CatalogServices:
    """A shop whose staged files are in a folder of the test."""
    return catalog_services(uow, ring, tmp_path)


async def send(
    service: CatalogServices, name: str, data: bytes, variant: VariantId | None = None, *, as_is: bool = False
) -> StockImport:
    """Send a file in pieces of 1000 bytes, and have it checked."""
    imports = service.stock_imports
    stored = await imports.begin(ADMIN, name, variant_id=variant, as_is=as_is)
    for at in range(0, len(data), 1000):
        stored = await imports.receive(ADMIN, stored.id, at, data[at : at + 1000])
    await imports.sent(ADMIN, stored.id)
    await imports.check(stored.id)
    return await imports.get(ADMIN, stored.id)


async def count(uow: UnitOfWork, state: str = "available") -> int:
    """How many keys are in a state."""
    async with uow.read() as tx:
        rows = await tx.execute(text("SELECT count(*) FROM stock_keys WHERE state = :state"), {"state": state})
        return int(rows.scalar_one())


async def test_a_paste_is_checked_then_added(service: CatalogServices, uow: UnitOfWork, tmp_path: Path) -> None:
    variant = await add_variant(service, "play")
    await import_keys(service, "play/one", KEYS[:2])
    pasted = "\n".join([*KEYS, KEYS[5], KEYS[6][:9], ""])
    stored = await service.stock_imports.paste(ADMIN, pasted, variant_id=variant)
    assert stored.state is ImportState.CHECKING
    await service.stock_imports.check(stored.id)
    stored = await service.stock_imports.get(ADMIN, stored.id)
    assert (stored.rows, stored.fresh, stored.known, stored.twice, stored.bad) == (14, 10, 2, 1, 1)
    assert await count(uow) == 2, "nothing is added by a check"
    report = await service.stock_imports.report(ADMIN, stored)
    assert [line.kind for line in report.problems] == [LineKind.KNOWN] * 2 + [LineKind.TWICE, LineKind.BAD]
    assert (report.problems[-1].line, report.problems[-1].problem) == (14, ProblemCode.TOO_SHORT)
    (staged,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert KEYS[0].encode() not in staged.read_bytes()
    details = ImportDetails(batch_name="November", source="Supplier", unit_cost=261)
    for _ in range(2):
        assert (await service.stock_imports.start(ADMIN, stored.id, details)).state is ImportState.IMPORTING
    await service.stock_imports.add_keys(stored.id)
    stored = await service.stock_imports.get(ADMIN, stored.id)
    assert (stored.state, stored.added, stored.checkpoint) == (ImportState.DONE, 10, 14)
    assert await count(uow) == 12
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "the file is destroyed with its key"
    assert stored.staged is None and stored.data_key_id is None and stored.report is None


async def test_the_same_file_twice_adds_nothing(service: CatalogServices, uow: UnitOfWork) -> None:
    variant = await add_variant(service, "play")
    data = "\n".join(KEYS).encode()
    for fresh in (12, 0):
        stored = await send(service, "keys.txt", data, variant)
        assert stored.fresh == fresh
        await service.stock_imports.start(ADMIN, stored.id, ImportDetails())
        await service.stock_imports.add_keys(stored.id)
    assert await count(uow) == 12
    async with uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM stock_batches"))).scalar_one() == 1


async def test_an_import_stops_and_goes_on_where_it_was(
    service: CatalogServices, uow: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_job, "_CHUNK", 5)
    variant = await add_variant(service, "play")
    stored = await send(service, "keys.txt", "\n".join(KEYS).encode(), variant)
    await service.stock_imports.start(ADMIN, stored.id, ImportDetails())
    job = service.stock_imports._job
    await job._add(stored.id, 0, await _chunk(service, stored), {})
    await service.stock_imports.stop(ADMIN, stored.id)
    await service.stock_imports.add_keys(stored.id)
    half = await service.stock_imports.get(ADMIN, stored.id)
    assert (half.state, half.checkpoint, half.added) == (ImportState.STOPPED, 5, 5)
    assert await count(uow) == 5
    await service.stock_imports.go_on(ADMIN, stored.id)
    with pytest.raises(RetryLater):
        await job._add(stored.id, 0, await _chunk(service, stored), {})
    await service.stock_imports.add_keys(stored.id)
    assert (await service.stock_imports.get(ADMIN, stored.id)).added == 12
    assert await count(uow) == 12


async def _chunk(service: CatalogServices, stored: StockImport) -> list[import_job.Row]:
    job = service.stock_imports._job
    with await job._open(stored) as file:
        return import_job._next(await job._rows(stored, file))


async def test_pieces_come_twice_and_in_the_wrong_place(service: CatalogServices) -> None:
    stored = await service.stock_imports.begin(ADMIN, "keys.txt")
    for _ in range(2):
        stored = await service.stock_imports.receive(ADMIN, stored.id, 0, b"AAAA-1\nBB")
        assert stored.received == 9
    assert (await service.stock_imports.receive(ADMIN, stored.id, 500, b"lost")).received == 9
    await service.stock_imports.receive(ADMIN, stored.id, 9, b"BB-2\n")
    await service.stock_imports.sent(ADMIN, stored.id)
    assert (await service.stock_imports.receive(ADMIN, stored.id, 14, b"late")).received == 14
    await service.stock_imports.check(stored.id)
    assert (await service.stock_imports.get(ADMIN, stored.id)).bad == 2, "no row names a variant"


@pytest.mark.parametrize(("name", "code"), [("k.xlsm", "macros"), ("k.xls", "wrong_type"), ("k.ods", "wrong_type")])
async def test_files_refused_by_name(service: CatalogServices, name: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await service.stock_imports.begin(ADMIN, name)
    assert refusal.value.fields == {"file": code}


async def test_a_damaged_staged_file_is_no_shorter_file(service: CatalogServices, tmp_path: Path) -> None:
    variant = await add_variant(service, "play")
    stored = await service.stock_imports.begin(ADMIN, "keys.txt", variant_id=variant)
    for at, piece in ((0, b"AAAA-1\n"), (7, b"AAAA-2\n")):
        await service.stock_imports.receive(ADMIN, stored.id, at, piece)
    await service.stock_imports.sent(ADMIN, stored.id)
    (staged,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = staged.read_bytes()
    half = len(whole) // 2
    for damaged in (whole[half:] + whole[:half], whole[:-1] + bytes([whole[-1] ^ 1])):
        staged.write_bytes(damaged)
        with pytest.raises(DecryptionError):
            await service.stock_imports.check(stored.id)
    staged.write_bytes(whole)
    await service.stock_imports.check(stored.id)
    assert (await service.stock_imports.get(ADMIN, stored.id)).fresh == 2


async def test_a_workbook_of_several_products(service: CatalogServices, uow: UnitOfWork) -> None:
    await add_variant(service, "play")
    await add_variant(service, "card")
    sheet = (book := Workbook()).active
    assert sheet is not None
    for row in [
        ("Variant", "Key"), ("play/one", "AAAA-1111"), ("card/one", 12345), (None, None),
        ("card/one", 1234567890123456), ("card/one", "=A1"), ("none/one", "X-1"),
    ]:  # fmt: skip
        sheet.append(row)
    stored = await send(service, "keys.xlsx", _bytes(book))
    assert (stored.rows, stored.fresh, stored.bad) == (5, 2, 3)
    report = await service.stock_imports.report(ADMIN, stored)
    assert [(line.line, line.problem) for line in report.problems] == [
        (5, ProblemCode.DIGITS_LOST), (6, ProblemCode.FORMULA), (7, ProblemCode.UNKNOWN_VARIANT),
    ]  # fmt: skip
    await service.stock_imports.start(ADMIN, stored.id, ImportDetails())
    await service.stock_imports.add_keys(stored.id)
    async with uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM stock_batches"))).scalar_one() == 2


def _bytes(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def test_unread_files_go_after_a_day(service: CatalogServices, uow: UnitOfWork, tmp_path: Path) -> None:
    variant = await add_variant(service, "play")
    old = await send(service, "keys.txt", b"AAAA-1\n", variant)
    async with uow() as tx:
        before = tx.now - timedelta(hours=25)
        await tx.execute(text("UPDATE stock_imports SET touched_at = :at"), {"at": before})
    new = await send(service, "keys.txt", b"AAAA-2\n", variant)
    await service.stock_imports.tidy()
    assert (await service.stock_imports.get(ADMIN, old.id)).state is ImportState.DISCARDED
    assert (await service.stock_imports.get(ADMIN, new.id)).state is ImportState.CHECKED
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_only_with_the_permission(service: CatalogServices) -> None:
    with pytest.raises(Forbidden):
        await service.stock_imports.begin(buyer(), "keys.txt")
    with pytest.raises(Forbidden):
        await service.stock_imports.latest(buyer())
