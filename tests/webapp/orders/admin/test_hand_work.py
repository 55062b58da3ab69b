"""The queue of goods by hand in the back office: taking, delivering, refusing; and what the buyer sees of it."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.catalog.types.questions import Question, QuestionKind
from backend.identity.types import Actor, Permission
from backend.infra.storage import UPLOAD_MB
from backend.orders.types import OrderStatus, OrderView, RefundTarget, RequestedLine
from backend.orders.types.lines import LineQuantity
from tests.factories.shop import Goods
from tests.factories.wallet import actor_of, add_person
from tests.fakes.clock import FakeClock
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, confirm, fund, goods, links, number_of, plain

QUEUE = "/admin/orders/work"


class Ordered(msgspec.Struct):
    """Goods by hand that somebody has bought."""

    goods: Goods
    buyer: Visitor
    order: OrderView

    @property
    def path(self) -> str:
        """The page of its only line in the queue."""
        return f"{QUEUE}/{self.order.lines[0].id}"


@pytest.fixture
async def ordered(services: Services, visitor: MakeVisitor) -> Ordered:
    """Bought by Nadia for 15.00."""
    thing, buyer = await goods(services, keys=0, price=1500, kind="by_hand"), visitor(first_name="Nadia")
    actor = await arrive(services, buyer, cents=4000)
    number = number_of(await buy(buyer, thing))
    return Ordered(thing, buyer, await services.orders.history.detail(actor, number))


async def settle(services: Services) -> None:
    """What the worker does with lines that have ended."""
    async with services.uow.read() as tx:
        jobs = (await tx.execute(text("SELECT task, payload FROM outbox_jobs WHERE task LIKE 'orders.%_line'"))).all()
    for task, payload in jobs:
        kind = LineFulfilled if task == "orders.deliver_line" else LineFailed
        await services.orders.settlement.settle_line(msgspec.convert(payload, kind))


def toast(response: httpx.Response) -> str:
    """What the answer says in passing."""
    return str(msgspec.json.decode(response.headers["hx-trigger"])["toast"]["text"])


async def test_a_text_goes_from_the_queue_to_its_buyer(
    services: Services, ordered: Ordered, make_admin: MakeAdmin, clock: FakeClock
) -> None:
    page = await ordered.buyer.get(f"/orders/{ordered.order.number}")
    assert "We're preparing your order" in plain(page.text)
    for words in ("In preparation", "Ready by ", "data-live="):
        assert words in page.text
    dana = await make_admin(81, Permission.ORDERS)
    home = await dana.get("/admin")
    assert home.text.count(f'href="{QUEUE}"') == 2  # what needs attention, and all sections
    listed = await dana.get(QUEUE)
    for words in (ordered.order.number, "Nadia", "Due by", "Not taken", ordered.path):
        assert words in listed.text
    assert f'href="{ordered.path}"' in (await dana.get(f"/admin/orders/{ordered.order.number}")).text
    assert "Nobody yet" in (await dana.get(ordered.path)).text
    taken = await dana.post(f"{ordered.path}/take")
    assert (toast(taken), 'form="deliver-text"' in taken.text) == ("It's yours to prepare", True)
    assert "Yours" in (await dana.get(QUEUE)).text
    empty = await dana.post(f"{ordered.path}/text", data={"text": " "})
    assert (empty.status_code, "Write what the customer gets." in empty.text) == (422, True)
    long = await dana.post(f"{ordered.path}/text", data={"text": "word " * 1000})
    assert (long.status_code, "The text is too long." in long.text) == (422, True)
    assert "word word" in long.text
    done = await dana.post(f"{ordered.path}/text", data={"text": "Login: <emma>\r\nPassword: tulip"})
    assert (toast(done), "tulip" in done.text) == ("Delivered", False)
    assert "Nothing to prepare" in (await dana.get(QUEUE)).text
    await settle(services)
    page = await ordered.buyer.get(f"/orders/{ordered.order.number}")
    assert "Paid and delivered." in plain(page.text)
    assert "Show text" in page.text
    shown = await ordered.buyer.post(f"/orders/{ordered.order.number}/keys/1/reveal")
    assert "Login: &lt;emma&gt;\nPassword: tulip" in shown.text
    (file,) = links(shown, f"/orders/files/{ordered.order.number}-1.txt")
    assert "Password: tulip" in (await ordered.buyer.client.get(file)).text
    assert "tulip" not in (await dana.get(f"/admin/orders/{ordered.order.number}")).text


async def test_the_queue_says_in_short_what_was_answered(services: Services, make_admin: MakeAdmin) -> None:
    thing = await goods(services, keys=0, price=1500, kind="by_hand")
    asked = [
        Question(id=name, kind=QuestionKind.TEXT, label={"en": name}, required=False)
        for name in ("account", "wishes", "server", "fourth")
    ]
    await services.catalog.questions.save(Actor.system(), thing.product_id, asked, version=0)
    async with services.uow() as tx:
        person = actor_of(await add_person(tx))
    await fund(services, person.id, 4000)
    given = (("account", "<i>nadia-77"), ("wishes", "long " * 30), ("fourth", "never shown here"), ("server", "EU"))
    order = await services.orders.checkout.place_all(person, [RequestedLine(thing.variant_id, 1, given)], "answered")
    dana = await make_admin(81, Permission.ORDERS)
    listed = (await dana.get(QUEUE)).text
    assert "<bdi>&lt;i&gt;nadia-77</bdi>" in listed and "<bdi>EU</bdi>" in listed
    assert f"<bdi>{('long ' * 30)[:39]}…</bdi>" in listed and "never shown here" not in listed
    assert "never shown here" in (await dana.get(f"{QUEUE}/{order.lines[0].id}")).text


async def test_a_file_goes_to_its_buyer_and_to_nobody_else(
    services: Services, ordered: Ordered, make_admin: MakeAdmin, visitor: MakeVisitor, clock: FakeClock
) -> None:
    dana = await make_admin(81, Permission.ORDERS)
    await dana.post(f"{ordered.path}/take")
    html = b"<script>alert(1)</script>"
    done = await dana.post(f"{ordered.path}/file", files={"file": ("لوغو final.html", html)})
    assert toast(done) == "Delivered"
    assert "لوغو final.html" in done.text
    await settle(services)
    number = ordered.order.number
    page = await ordered.buyer.get(f"/orders/{number}")
    assert "لوغو final.html" in page.text
    (url,) = set(links(page, "/orders/goods/"))
    sent = await ordered.buyer.client.get(url)
    assert (sent.status_code, sent.content) == (200, html)
    assert sent.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in sent.headers["content-security-policy"]
    assert sent.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%D9%84")
    api = (await ordered.buyer.get(f"/api/v1/orders/{number}", html=False)).json()["lines"][0]
    assert (api["status"], api["files"][0]["name"], api["files"][0]["size"]) == ("delivered", "لوغو final.html", 25)
    assert (await ordered.buyer.client.get(api["files"][0]["url"])).content == html
    for wrong in (f"/orders/goods/{number}-1.bin", url.replace(f"{number}-1", f"{number}-2")):
        assert (await ordered.buyer.client.get(wrong)).status_code in {401, 403, 404, 410}
    stranger = visitor(77)
    await arrive(services, stranger)
    assert (await stranger.get(f"/orders/{number}")).status_code == 404
    clock.move(hours=2)
    assert (await ordered.buyer.client.get(url)).headers["x-error-code"] == "link_expired"


async def test_of_two_admins_one_prepares_it(services: Services, ordered: Ordered, make_admin: MakeAdmin) -> None:
    dana, omar = await make_admin(81, Permission.ORDERS), await make_admin(82, Permission.ORDERS)
    await dana.post(f"{ordered.path}/take")
    late = await omar.post(f"{ordered.path}/take")  # from a page that was open before
    assert (late.status_code, late.headers["x-error-code"]) == (409, "work_taken")
    assert (toast(late), late.headers["hx-retarget"]) == ("Another admin has taken this order", "#app")
    assert "Take over" in late.text
    stolen = await omar.post(f"{ordered.path}/text", data={"text": "mine"})
    assert (stolen.status_code, stolen.headers["x-error-code"]) == (409, "work_taken")
    holder = re.search(r'name="over" value="([^"]+)"', late.text)
    assert holder is not None
    over = await omar.post(f"{ordered.path}/take", data={"over": holder[1]})
    assert 'form="deliver-text"' in over.text
    assert (await dana.post(f"{ordered.path}/back")).status_code == 409
    assert toast(await omar.post(f"{ordered.path}/back")) == "Handed back"
    for bad in ("nobody", "1", "x" * 300):
        assert (await omar.post(f"{ordered.path}/take", data={"over": bad})).status_code == 400


async def test_a_refusal_refunds_and_tells_why(services: Services, ordered: Ordered, make_admin: MakeAdmin) -> None:
    dana = await make_admin(81, Permission.ORDERS)
    await dana.post(f"{ordered.path}/take")
    asked = await dana.get(f"{ordered.path}/refuse")
    assert "sees your reason" in asked.text
    for bad in ("", " ", "x" * 201):
        refused = await dana.post(f"{ordered.path}/refuse", data={"reason": bad})
        assert (refused.status_code, "Enter a reason." in refused.text) == (422, True)
    done = await dana.post(f"{ordered.path}/refuse", data={"reason": "The maker <closed>"})
    assert (toast(done), "The maker &lt;closed&gt;" in done.text) == ("Refused and refunded", True)
    again = await dana.post(f"{ordered.path}/text", data={"text": "after all"})
    assert (again.headers["x-error-code"], toast(again)) == ("work_ended", "Already delivered or refused")
    await settle(services)
    page = await ordered.buyer.get(f"/orders/{ordered.order.number}")
    assert "The maker &lt;closed&gt;" in page.text
    actor = await arrive(services, ordered.buyer)
    assert (await services.wallet.statement.overview(actor)).balance.amount == 4000


async def test_what_was_refunded_says_so(services: Services, ordered: Ordered, make_admin: MakeAdmin) -> None:
    dana = await make_admin(81, Permission.ORDERS)
    await dana.post(f"{ordered.path}/take")
    chief = await arrive(services, dana)
    refunded = await services.orders.refunds.refund(
        chief, ordered.order.number, [LineQuantity(ordered.order.lines[0].id, 1)], RefundTarget.WALLET, "slow",
        idempotency_key="refund-1",
    )  # fmt: skip
    assert refunded.status is OrderStatus.REFUNDED
    late = await dana.post(f"{ordered.path}/text", data={"text": "too late"})
    assert (late.status_code, late.headers["x-error-code"]) == (409, "work_refunded")
    assert "This was refunded. Don't deliver it." in plain(late.text)
    assert "deliver-text" not in late.text


# Litestar leaves the file that it was writing to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_60_mb_are_refused_without_being_kept(ordered: Ordered, make_admin: MakeAdmin) -> None:
    dana = await make_admin(81, Permission.ORDERS)
    await dana.post(f"{ordered.path}/take")
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b'--cut\r\ncontent-disposition: form-data; name="file"; filename="film.mp4"\r\n\r\n'
        for _ in range(60):
            taken += 1
            yield b"\0" * 1_000_000

    tracemalloc.start()
    for length in ({}, {"content-length": "60000000"}):
        headers = {"content-type": "multipart/form-data; boundary=cut", **length}
        answer = await dana.post(f"{ordered.path}/file", content=endless(), headers=headers)
        assert (answer.status_code, answer.headers["x-error-code"]) == (413, "too_large")
        assert f'data-toast="Too large to send. Files: {UPLOAD_MB} MB max."' in answer.text
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= UPLOAD_MB + 2
    assert most < 30_000_000
    little = {"file": ("film.mp4", b"\0" * (UPLOAD_MB * 1_000_000 + 1))}
    answer = await dana.post(f"{ordered.path}/file", files=little)
    assert (answer.status_code, f"larger than {UPLOAD_MB} MB" in answer.text) == (422, True)
    assert f"Any file, {UPLOAD_MB} MB max." in answer.text


async def test_the_queue_is_for_admins_of_orders(ordered: Ordered, make_admin: MakeAdmin) -> None:
    mona = await make_admin(83, Permission.STOCK)
    for other in (ordered.buyer, mona):
        for path in (QUEUE, ordered.path, f"{ordered.path}/refuse"):
            assert (await other.get(path)).status_code == 403
        for verb in ("take", "back", "text", "file", "refuse"):
            assert (await other.post(f"{ordered.path}/{verb}")).status_code == 403
    assert QUEUE not in (await mona.get("/admin")).text


async def test_the_promise_is_said_before_the_purchase(
    services: Services, ordered: Ordered, clock: FakeClock, visitor: MakeVisitor
) -> None:
    thing, buyer = ordered.goods, ordered.buyer
    product = plain((await buyer.get(f"/shop/{thing.slug}")).text)
    assert "Made to order" in product
    assert "Usually delivered within 24 hours." in product
    assert "Instant" not in product
    assert "Usually delivered within 24 hours. If we can't deliver it" in plain((await confirm(buyer, thing)).text)
    poor = visitor(78)
    await arrive(services, poor)
    assert "Usually delivered within 24 hours." in plain((await confirm(poor, thing)).text)
    async with services.uow() as tx:
        week = text("UPDATE variants SET promised_hours = 168 WHERE id = :id")
        await tx.execute(week, {"id": thing.variant_id})
    assert "Usually delivered within 7 days." in plain((await confirm(buyer, thing)).text)
    async with services.uow() as tx:
        over = {"now": clock.now(), "id": ordered.order.lines[0].id}
        await tx.execute(text("UPDATE order_lines SET ready_by = :now WHERE id = :id"), over)
    late = plain((await buyer.get(f"/orders/{ordered.order.number}")).text)
    assert "Taking longer than promised." in late
    api = (await buyer.get(f"/api/v1/products/{thing.slug}", html=False)).json()
    assert [variant["promised_hours"] for variant in api["variants"]] == [168]


async def test_work_is_handed_over_and_the_queue_shows_whose_it_is(
    services: Services, ordered: Ordered, make_admin: MakeAdmin
) -> None:
    dana, omar = await make_admin(81, Permission.ORDERS), await make_admin(82, Permission.ORDERS)
    to = str((await arrive(services, omar)).id)
    assert ordered.path in (await dana.get(f"{QUEUE}?view=free")).text
    sheet = await dana.get(f"{ordered.path}/hand-over")
    assert f'value="{to}"' in sheet.text

    assert toast(await dana.post(f"{ordered.path}/hand-over", data={"to": to})) == "Handed over"
    assert ordered.path in (await omar.get(f"{QUEUE}?view=mine")).text
    for nothing in (f"{QUEUE}?view=free", f"{QUEUE}?view=mine"):
        assert ordered.path not in (await dana.get(nothing)).text
    assert "Taken" in (await dana.get(QUEUE)).text
    late = await dana.post(f"{ordered.path}/hand-over", data={"to": str((await arrive(services, dana)).id)})
    assert (late.status_code, late.headers["x-error-code"]) == (409, "work_taken")
    async with services.uow.read() as tx:
        rows = await tx.execute(text("SELECT payload FROM outbox_jobs WHERE task = 'notifications.hand_work_given'"))
    assert [payload["to"] for payload in rows.scalars()] == [to]


async def test_work_goes_to_nobody_who_may_not_prepare_it(
    services: Services, ordered: Ordered, make_admin: MakeAdmin
) -> None:
    dana, teller = await make_admin(81, Permission.ORDERS), await make_admin(82, Permission.MONEY)
    for to in (str((await arrive(services, teller)).id), "", "nobody"):
        refused = await dana.post(f"{ordered.path}/hand-over", data={"to": to})
        assert refused.status_code == 422 and "Choose an admin." in refused.text
    assert ordered.path in (await dana.get(f"{QUEUE}?view=free")).text
    assert (await teller.post(f"{ordered.path}/hand-over")).status_code == 403
