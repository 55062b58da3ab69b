"""Files as goods, from the seller's upload to the buyer's download: bound, expiring, counted, and ended by a refund."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.types import VariantId
from backend.catalog.types.files import FileSold
from backend.identity.types import Actor, Permission
from backend.infra.storage import UPLOAD_MB
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.factories.documents import ZIP, pdf, texts_of
from tests.factories.shop import Goods
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, links, number_of

HTML = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>"


@pytest.fixture
async def thing(services: Services) -> Goods:
    """A product that is sold as a file, without one yet."""
    return await goods(services, keys=0, price=1500, kind="file")


@pytest.fixture
def path(thing: Goods) -> str:
    """The page of its file."""
    return f"/admin/catalogue/variants/{thing.variant_id}/file"


@pytest.fixture
async def keeper(make_admin: MakeAdmin) -> Visitor:
    """An admin who fills the stock."""
    return await make_admin(81, Permission.STOCK, Permission.ORDERS)


async def bought(services: Services, buyer: Visitor, thing: Goods) -> str:
    """The number of an order of it."""
    await arrive(services, buyer, cents=4000)
    return number_of(await buy(buyer, thing))


async def prepare(services: Services) -> None:
    """What the worker does with files that were sold."""
    async with services.uow.read() as tx:
        jobs = await tx.execute(text("SELECT payload FROM outbox_jobs WHERE task = 'orders.prepare_file'"))
        payloads = list(jobs.scalars())
    assert services.orders.copies is not None
    for payload in payloads:
        await services.orders.copies.prepare(msgspec.convert(payload, FileSold))


async def address(buyer: Visitor, number: str) -> str:
    """Where the order's page says that its file is."""
    (url,) = set(links(await buyer.get(f"/orders/{number}"), "/orders/goods/"))
    return url


async def test_a_pdf_goes_from_its_seller_to_its_buyer_with_their_name(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str, clock: FakeClock
) -> None:
    buyer = visitor(first_name="Nadia")
    await arrive(services, buyer)
    uploaded = await keeper.post(path, files={"file": ("../دليل.exe", pdf(2))})
    assert (uploaded.status_code, "Version 1" in uploaded.text, "دليل.pdf" in uploaded.text) == (200, True, True)
    assert "PDF, " in (await buyer.get(f"/shop/{thing.slug}")).text
    number = await bought(services, buyer, thing)
    await prepare(services)
    page = await buyer.get(f"/orders/{number}")
    assert ("دليل.pdf" in page.text, "10 left" in page.text) == (True, True)
    url = await address(buyer, number)
    sent = await buyer.client.get(url)
    assert texts_of(sent.content) == [f"Nadia {number}"] * 2
    assert sent.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%D8%AF")
    assert "9 left" in (await buyer.get(f"/orders/{number}")).text
    stranger = visitor(77)
    await arrive(services, stranger)
    assert (await stranger.get(url)).status_code == 403, "the link in another person's session"
    assert "9 left" in (await buyer.get(f"/orders/{number}")).text
    clock.move(seconds=301)
    assert (await buyer.client.get(url)).headers["x-error-code"] == "link_expired"


async def addresses(buyer: Visitor, number: str, clock: FakeClock, count: int) -> list[str]:
    """What so many views of the order's page have; each is another address."""
    listed = []
    for _ in range(count):
        clock.move(seconds=1)
        listed.append(await address(buyer, number))
    return listed


async def test_the_eleventh_download_is_refused_until_the_seller_resets_the_count(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str, clock: FakeClock
) -> None:
    await keeper.post(path, files={"file": ("guide.zip", ZIP)})
    buyer = visitor()
    number = await bought(services, buyer, thing)
    urls = await addresses(buyer, number, clock, 12)
    answers = await asyncio.gather(*(buyer.client.get(url) for url in urls))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [409] * 2
    assert {answer.content for answer in answers if answer.status_code == 200} == {ZIP}
    page = await buyer.get(f"/orders/{number}")
    assert ("No downloads left" in page.text, links(page, "/orders/goods/")) == (True, [])
    listed = await keeper.get(path)
    assert number in listed.text
    (reset,) = set(links_to(listed.text, f"{path}/downloads/"))
    assert "No downloads left" not in (await keeper.post(reset)).text
    assert (await buyer.client.get(await address(buyer, number))).status_code == 200


async def test_a_phone_that_asks_again_or_for_a_part_has_it_counted_once(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str
) -> None:
    await keeper.post(path, files={"file": ("guide.zip", ZIP)})
    await keeper.post(f"{path}/offer", data={"download_limit": "1", "latest_for_all": "on"})
    buyer = visitor()
    number = await bought(services, buyer, thing)
    url, middle = await address(buyer, number), len(ZIP) // 2
    tries = await asyncio.gather(*(buyer.client.get(url) for _ in range(5)))
    assert [answer.status_code for answer in tries] == [200] * 5
    version = {"if-range": tries[0].headers["etag"]}
    first = await buyer.client.get(url, headers={"range": f"bytes=0-{middle - 1}"})
    rest = await buyer.client.get(url, headers={"range": f"bytes={middle}-", **version})
    assert (first.status_code, rest.status_code, first.content + rest.content) == (206, 206, ZIP)
    assert rest.headers["content-range"] == f"bytes {middle}-{len(ZIP) - 1}/{len(ZIP)}"
    other = await buyer.client.get(url, headers={"range": f"bytes={middle}-", "if-range": '"another version"'})
    assert (other.status_code, other.content) == (200, ZIP)
    outside = await buyer.client.get(url, headers={"range": f"bytes={len(ZIP)}-"})
    assert (outside.status_code, outside.content) == (416, b"")
    assert await _downloads(services) == 1
    assert "No downloads left" in (await buyer.get(f"/orders/{number}")).text


async def test_a_link_that_is_passed_on_takes_downloads_and_soon_serves_nobody_new(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str
) -> None:
    await keeper.post(path, files={"file": ("guide.zip", ZIP)})
    buyer = visitor()
    number = await bought(services, buyer, thing)
    url = await address(buyer, number)
    devices = [{"user-agent": f"Phone {n}"} for n in range(5)]
    statuses = [(await buyer.client.get(url, headers=device)).status_code for device in devices]
    assert statuses == [200, 200, 200, 404, 404]
    assert (await buyer.client.get(url, headers=devices[0])).status_code == 200, "who had begun goes on"
    assert await _downloads(services) == 3


async def test_an_open_page_has_a_new_address_in_time(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str, clock: FakeClock
) -> None:
    await keeper.post(path, files={"file": ("guide.zip", ZIP)})
    buyer = visitor()
    number = await bought(services, buyer, thing)
    page = (await buyer.get(f"/orders/{number}")).text
    ((part, seconds),) = re.findall(r'hx-get="(/orders/[^"]*/keys/1)" hx-trigger="every (\d+)s"', page)
    url = await address(buyer, number)
    clock.move(seconds=int(seconds) + 30)
    assert (await buyer.client.get(url)).status_code == 200
    (newer,) = set(links(await buyer.get(part), "/orders/goods/"))
    clock.move(seconds=60)
    assert [(await buyer.client.get(one)).status_code for one in (url, newer)] == [403, 200]


async def _downloads(services: Services) -> int:
    async with services.uow.read() as tx:
        return int((await tx.execute(text("SELECT sum(downloads) FROM file_lines"))).scalar_one())


def links_to(page: str, start: str) -> list[str]:
    """What the page's buttons post to, below an address."""
    return [part.split('"')[0] for part in page.split('hx-post="') if part.startswith(start)]


async def test_a_refund_ends_access_and_stops_the_message(
    services: Services, keeper: Visitor, visitor: MakeVisitor, thing: Goods, path: str
) -> None:
    await keeper.post(path, files={"file": ("guide.pdf", pdf(1))})
    buyer = visitor()
    number = await bought(services, buyer, thing)
    url = await address(buyer, number)
    order = await services.orders.history.detail(await arrive(services, buyer), number)
    await services.orders.refunds.refund(
        Actor.system(),
        number,
        [LineQuantity(order.lines[0].id, 1)],
        RefundTarget.WALLET,
        "wrong one",
        idempotency_key="refund-of-a-file",
    )
    await prepare(services)
    assert (await buyer.client.get(url)).status_code == 404
    assert "guide.pdf" not in (await buyer.get(f"/orders/{number}")).text
    async with services.uow.read() as tx:
        ready = await tx.execute(text("SELECT count(*) FROM outbox_jobs WHERE task = 'notifications.order_file_ready'"))
        assert ready.scalar_one() == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty."),
        (HTML[8:], "This file is something else inside."),
        (b"PK\x03\x04 no more", "This file is something else inside."),
        (pdf(1) + ZIP, "This file is two files in one."),
        (pdf(1, password="x"), "This PDF has a password"),
        (b"%PDF-1.7" + bytes(UPLOAD_MB * 1_000_000), f"larger than {UPLOAD_MB} MB"),
    ],
    ids=["nothing", "html", "half zip", "two", "password", "large"],
)
async def test_why_a_file_is_not_taken(services: Services, keeper: Visitor, path: str, data: bytes, said: str) -> None:
    answer = await keeper.post(path, files={"file": ("guide.pdf", data)})
    assert (answer.status_code, said in unescape(answer.text)) == (422, True)
    goods_of = await services.catalog.goods_files.get(Actor.system(), VariantId(thing_of(path)))
    assert goods_of.versions == ()


def thing_of(path: str) -> VariantId:
    """The variant of a page."""
    return msgspec.convert(path.split("/")[4], VariantId)


async def test_how_it_is_sold(keeper: Visitor, path: str) -> None:
    assert "/admin/stock/files" in (await keeper.get("/admin/stock")).text
    assert "No file yet" in (await keeper.get("/admin/stock/files")).text
    await keeper.post(path, files={"file": ("guide.pdf", pdf(1, password="x"))}, data={"unstamped": "on"})
    assert f'href="{path}"' in (await keeper.get("/admin/stock/files")).text
    form = {"copies": "3", "seen": "", "download_limit": "2", "latest_for_all": "on"}
    saved = await keeper.post(f"{path}/offer", data=form)
    assert ('name="copies" type="text" value="3"' in saved.text, "With the buyer's name" in saved.text) == (True, False)
    wrong = await keeper.post(f"{path}/offer", data={**form, "copies": "many", "download_limit": "0"})
    assert (wrong.status_code, wrong.text.count("Enter a number.")) == (422, 1)
    assert ('value="many"' in wrong.text, "This number is out of range." in wrong.text) == (True, True)


async def test_who_may_not_fill_the_stock(make_admin: MakeAdmin, path: str) -> None:
    other = await make_admin(82, Permission.CATALOGUE)
    for answer in (await other.get(path), await other.post(path), await other.post(f"{path}/offer")):
        assert answer.status_code == 403
