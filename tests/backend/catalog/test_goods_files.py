"""Files as goods: what may be uploaded, versions, copies to sell, downloads that are counted, and refunds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.catalog import domain
from backend.catalog.domain import goods_files
from backend.catalog.errors import DownloadsUsedUp, SoldOut
from backend.catalog.fulfilment.files import Files
from backend.catalog.rules.goods_files import kind_of, name_for
from backend.catalog.service import CatalogServices
from backend.catalog.types import StockKind, VariantId
from backend.catalog.types.files import MOST_DEVICES, Fetch
from backend.catalog.types.fulfilment import FulfilmentLine
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.stamp import Mark, Stamper
from backend.infra.storage import MAX_UPLOAD_BYTES, PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Forbidden, Invalid, NotFound
from tests.backend.catalog.test_fulfillers import line
from tests.factories.catalog import (
    add_file,
    add_variant,
    buyer,
    catalog_services,
    category,
    import_rows,
    product,
    variant,
)
from tests.factories.documents import ZIP, pdf, texts_of, zipped
from tests.factories.images import encoded, halves
from tests.fakes.clock import FakeClock

ADMIN = Actor.system()
KIND = StockKind.FILE.value


async def sold(uow: UnitOfWork, goods: Files, variant_id: VariantId, quantity: int = 1) -> FulfilmentLine:
    """A line that is delivered."""
    async with uow() as tx:
        one = await line(tx, KIND, variant_id, quantity)
        await goods.deliver(tx, [one], reserved=False)
    return one


async def refusal(service: CatalogServices, variant_id: VariantId, data: bytes) -> str:
    """Why a file is not taken."""
    with pytest.raises(Invalid) as caught:
        await service.goods_files.upload(ADMIN, variant_id, "guide.pdf", data)
    return caught.value.fields["file"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [(pdf(1), "pdf"), (ZIP, "zip"), (encoded(halves()), "png"), (encoded(halves(), "JPEG"), "jpg"),
     (encoded(halves(), "WEBP"), "webp")],
)  # fmt: skip
def test_what_a_file_is_stands_in_it(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "required"),
        (b"%PDF-" + bytes(MAX_UPLOAD_BYTES), "too_large"),
        (b"<html><script>alert(1)</script>", "wrong_type"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "wrong_type"),
        (b"MZ" + bytes(100), "wrong_type"),
        (b"PK\x03\x04 and nothing more", "wrong_type"),
        (ZIP[:-30], "wrong_type"),
        (b"PK\x05\x06" + bytes(18), "wrong_type"),
        (pdf(1) + ZIP, "two_kinds"),
        (encoded(halves()) + ZIP, "two_kinds"),
    ],
    ids=["nothing", "large", "html", "svg", "program", "zip head", "half zip", "empty zip", "pdf+zip", "png+zip"],
)  # fmt: skip
def test_what_is_not_sold(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        kind_of(data)
    assert caught.value.fields == {"file": code}


@pytest.mark.parametrize(
    ("name", "kind", "saved"),
    [
        ("guide.pdf", "pdf", "guide.pdf"), ("Photo.JPEG", "jpg", "Photo.JPEG"), ("guide.pdf", "zip", "guide.zip"),
        ("../../etc/passwd", "pdf", "passwd.pdf"), ("C:\\a\\b.zip", "zip", "b.zip"), ("", "pdf", "file.pdf"),
        ("gnp\u202efdp.exe", "pdf", "gnpfdp.pdf"), ('a"b\r\nX: y.pdf', "pdf", "a b X y.pdf"),
    ],
)  # fmt: skip
def test_the_name_that_a_buyer_saves_it_under(name: str, kind: str, saved: str) -> None:
    assert name_for(name, kind) == saved


def test_a_long_name_keeps_its_ending() -> None:
    assert (len(name_for("п" * 300, "zip")) <= 100, name_for("п" * 300, "zip")[-4:]) == (True, ".zip")


async def test_nothing_is_sold_before_a_file_is_there(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service = catalog_services(uow, ring, tmp_path)
    await import_rows(service, [category(), product("empty", kind=KIND), variant("empty")])
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    assert [card.available for card in (await service.storefront.browse(buyer())).items] == [0]
    variant_id = await add_file(service, "guide", copies=2)
    assert [card.available for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == [2]
    goods = Files(ring)
    await sold(uow, goods, variant_id, 2)
    assert (await service.storefront.browse(buyer(), in_stock=True)).items == []
    async with uow() as tx:
        with pytest.raises(SoldOut):
            await goods.reserve(tx, [await line(tx, KIND, variant_id)])
    state = await service.goods_files.get(ADMIN, variant_id)
    assert (state.left, [(one.version, one.sold, one.kind) for one in state.versions]) == (0, [(1, 1, "zip")])
    await service.goods_files.change(ADMIN, variant_id, copies=None, seen=0, download_limit=3, latest_for_all=True)
    assert [card.available for card in (await service.storefront.browse(buyer(), in_stock=True)).items] == [None]


async def test_the_newest_version_reaches_old_buyers_unless_the_seller_says_otherwise(
    uow: UnitOfWork, ring: KeyRing, tmp_path: Path
) -> None:
    service, goods, files = catalog_services(uow, ring, tmp_path), Files(ring), PrivateFiles(tmp_path)
    variant_id = await add_file(service, "guide", data=zipped(guide="first"))
    one = await sold(uow, goods, variant_id)
    newer = zipped(guide="second")
    for _ in range(2):  # a double tap
        await service.goods_files.upload(ADMIN, variant_id, "guide v2.zip", newer)
    assert [v.version for v in (await service.goods_files.get(ADMIN, variant_id)).versions] == [2, 1]
    for latest, name, data in ((True, "guide v2.zip", newer), (False, "guide.zip", zipped(guide="first"))):
        await service.goods_files.change(
            ADMIN, variant_id, copies=None, seen=None, download_limit=10, latest_for_all=latest
        )
        async with uow() as tx:
            (item,) = await goods.items(tx, [one])
            sealed = await goods.find_file(tx, item.id)
        assert item.file is not None
        stored = await files.get(sealed.stored)
        assert (item.file.name, open_sealed(sealed.key, stored, sealed.context)) == (name, data)
        assert data not in stored, "it is encrypted"


async def test_a_pdf_that_cannot_bear_a_name_needs_the_sellers_word(
    uow: UnitOfWork, ring: KeyRing, tmp_path: Path
) -> None:
    service = catalog_services(uow, ring, tmp_path)
    variant_id = await add_file(service, "guide")
    locked = pdf(1, password="x")
    assert await refusal(service, variant_id, locked) == "encrypted"
    assert await refusal(service, variant_id, b"%PDF-1.7 nonsense") == "damaged"
    assert await refusal(service, variant_id, pdf(2001)) == "too_many_pages"
    await service.goods_files.upload(ADMIN, variant_id, "guide.pdf", locked, unstamped=True)
    await service.goods_files.upload(ADMIN, variant_id, "guide.pdf", pdf(3))
    stamps = [(one.pages, one.stamps) for one in (await service.goods_files.get(ADMIN, variant_id)).versions]
    assert stamps == [(3, True), (None, False), (None, False)]


async def test_every_page_bears_the_name_in_any_script_and_turned_pages_too() -> None:
    stamper = Stamper()
    for document in (pdf(3), pdf(2, rotated=90), pdf(1, width=90, height=120)):
        out = await stamper.stamp(document, Mark("ليلى <b>Nadia</b> #import", "S-4K7Q2M"))
        texts = texts_of(out)
        assert len(texts) == len(texts_of(document))
        assert all("S-4K7Q2M" in text and "Nadia</b> #import" in text for text in texts)


async def test_a_copy_is_made_once(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service, goods, files = catalog_services(uow, ring, tmp_path), Files(ring), PrivateFiles(tmp_path)
    variant_id = await add_file(service, "guide", data=pdf(1))
    one = await sold(uow, goods, variant_id)
    async with uow() as tx:
        master = await goods_files.find_master(tx, ring, one.id)
        assert master is not None
        with pytest.raises(NotFound):
            await goods_files.find_file(tx, ring, one.id)
        for copy in (b"first", b"second"):
            await goods_files.add_copy(tx, ring, files, one.id, master.file_id, copy)
        sealed = await goods_files.find_file(tx, ring, one.id)
        assert open_sealed(sealed.key, await files.get(sealed.stored), sealed.context) == b"first"
        assert await goods_files.find_master(tx, ring, one.id) is None
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2, "the second copy is not kept"


async def test_20_downloads_at_once_count_exactly(real: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service, goods = catalog_services(real, ring, tmp_path), Files(ring)
    variant_id = await add_file(service, "guide")
    one = await sold(real, goods, variant_id)

    async def download() -> bool:
        try:
            async with real() as tx:
                await goods_files.count_download(tx, one.id)
        except DownloadsUsedUp:
            return False
        return True

    assert sum(await asyncio.gather(*(download() for _ in range(20)))) == 10
    (used,) = await service.goods_files.list_used_up(ADMIN, variant_id)
    assert (used.line_id, used.downloads) == (one.id, 10)
    await service.goods_files.reset_downloads(ADMIN, variant_id, one.id)
    assert await download()
    assert await service.goods_files.list_used_up(ADMIN, variant_id) == []


@pytest.mark.parametrize(("devices", "counted", "served"), [(1, 1, 20), (20, MOST_DEVICES, MOST_DEVICES)])
async def test_20_requests_at_one_address_count_each_device_once(
    real: UnitOfWork, ring: KeyRing, tmp_path: Path, devices: int, counted: int, served: int
) -> None:
    service, goods = catalog_services(real, ring, tmp_path), Files(ring)
    variant_id = await add_file(service, "guide")
    one = await sold(real, goods, variant_id)

    async def download(number: int) -> bool:
        try:
            async with real() as tx:
                await goods_files.count_download(tx, one.id, Fetch(b"address", bytes([number % devices])))
        except NotFound:
            return False
        return True

    assert sum(await asyncio.gather(*map(download, range(20)))) == served
    async with real.read() as tx:
        (item,) = await goods.items(tx, [one])
    assert item.file is not None and item.file.left == 10 - counted


async def test_fetches_of_addresses_that_are_over_are_forgotten(
    uow: UnitOfWork, ring: KeyRing, tmp_path: Path, clock: FakeClock
) -> None:
    service, goods = catalog_services(uow, ring, tmp_path), Files(ring)
    one = await sold(uow, goods, await add_file(service, "guide"))
    for address in (b"old", b"new"):
        async with uow() as tx:
            await goods_files.count_download(tx, one.id, Fetch(address, b"phone"))
        clock.move(hours=25)
    async with uow.read() as tx:
        assert not await goods_files.has_begun(tx, one.id, Fetch(b"old", b"phone"))
        assert await goods_files.has_begun(tx, one.id, Fetch(b"new", b"phone"))


async def test_a_refund_ends_access(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service, goods = catalog_services(uow, ring, tmp_path), Files(ring)
    variant_id = await add_file(service, "guide", copies=5)
    one = await sold(uow, goods, variant_id, 2)
    async with uow() as tx:
        await goods.revoke(tx, one, 1)
        assert len(await goods.items(tx, [one])) == 1
        await goods.revoke(tx, one, 1)
        assert await goods.items(tx, [one]) == []
        with pytest.raises(NotFound):
            await goods_files.find_file(tx, ring, one.id)
        with pytest.raises(DownloadsUsedUp):
            await goods_files.count_download(tx, one.id)
        assert await domain.count_available(tx, variant_id) == 3
    with pytest.raises(NotFound):
        await service.goods_files.reset_downloads(ADMIN, variant_id, one.id)


async def test_a_sale_while_an_admin_edits_is_not_undone(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service, goods = catalog_services(uow, ring, tmp_path), Files(ring)
    variant_id = await add_file(service, "guide", copies=5)
    await sold(uow, goods, variant_id)
    await service.goods_files.change(ADMIN, variant_id, copies=5, seen=5, download_limit=7, latest_for_all=False)
    state = await service.goods_files.get(ADMIN, variant_id)
    assert (state.left, state.download_limit, state.latest_for_all) == (4, 7, False)


async def test_who_may_not_fill_the_stock(uow: UnitOfWork, ring: KeyRing, tmp_path: Path) -> None:
    service = catalog_services(uow, ring, tmp_path)
    variant_id = await add_file(service, "guide")
    card = await add_variant(service, "card", keys=1)
    for call in (
        service.goods_files.get(buyer(), variant_id),
        service.goods_files.upload(buyer(), variant_id, "x", ZIP),
        service.goods_files.change(buyer(), variant_id, copies=1, seen=1, download_limit=1, latest_for_all=True),
        service.goods_files.list_used_up(buyer(), variant_id),
    ):
        with pytest.raises(Forbidden):
            await call
    with pytest.raises(NotFound):  # a variant of another kind
        await service.goods_files.upload(ADMIN, card, "x", ZIP)
    for wrong in ({"copies": -1}, {"download_limit": 0}, {"download_limit": 1001}):
        values = {"copies": 1, "seen": None, "download_limit": 5, "latest_for_all": True} | wrong
        with pytest.raises(Invalid):
            await service.goods_files.change(ADMIN, variant_id, **values)
