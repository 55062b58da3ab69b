"""The back office's list of orders: pictures, filters in the address, counts, files."""

from __future__ import annotations

import html
import re

import httpx

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods


async def two_orders(services: Services, visitor: MakeVisitor) -> tuple[str, str]:
    """A cheap and a dear order of two people."""
    numbers = []
    for person, price, name in ((51, 250, "Cheap"), (52, 9000, "Dear")):
        actor = await arrive(services, visitor(person, first_name=f"Buyer {name}"), 10_000)
        thing = await goods(services, price=price)
        numbers.append((await services.orders.checkout.place(actor, thing.variant_id, 1, f"tap-{name}-0000")).number)
    return numbers[0], numbers[1]


def shown(response: httpx.Response) -> list[str]:
    """The orders on the page, each once."""
    assert response.status_code == 200, response.text[:500]
    return list(dict.fromkeys(re.findall(r'href="/admin/orders/(S-\w{6})"', response.text)))


async def test_rows_have_pictures_and_filters_stay_in_the_address(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    cheap, dear = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)

    everything = await admin.get("/admin/orders")
    assert shown(everything) == [dear, cheap]
    assert everything.text.count('class="tile') >= 4
    assert "Balance" in everything.text and "Buyer Dear" in everything.text
    assert shown(await admin.get("/admin/orders?least=50")) == [dear]
    narrowed = await admin.get("/admin/orders?most=50&refunded=0")
    assert shown(narrowed) == [cheap]
    assert "1 of 2" in narrowed.text and "Up to $50.00" in html.unescape(narrowed.text).replace("\u2066", "").replace(
        "\u2069", ""
    )
    assert shown(await admin.get("/admin/orders?status=awaiting_payment")) == []
    assert shown(await admin.get("/admin/orders?method=balance&since=2020-01-01&until=2099-01-01")) == [dear, cheap]


async def test_the_sheet_of_filters_keeps_what_was_typed(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    cheap, _ = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)

    wrong = await admin.get("/admin/orders/filters?apply=1&least=much&since=2026-11-02&until=2026-11-01")
    assert wrong.status_code == 422
    assert 'value="much"' in wrong.text and "Enter a number" in wrong.text
    backwards = await admin.get("/admin/orders/filters?apply=1&since=2026-11-02&until=2026-11-01")
    assert backwards.status_code == 422 and "The end is before the start." in backwards.text
    applied = await admin.get("/admin/orders/filters?apply=1&most=50&hand=")
    assert shown(applied) == [cheap]
    assert applied.headers["hx-push-url"] == "/admin/orders?most=50.00"
    assert applied.headers["hx-retarget"] == "#app"


async def test_searches_of_any_signs_answer(services: Services, visitor: MakeVisitor, make_admin: MakeAdmin) -> None:
    cheap, _ = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)

    for query in ("9" * 20, "\u202e" + "1" * 18, "-" * 100, "S-" + "9" * 20, "0" * 64, "%_%"):
        response = await admin.get("/admin/orders", params={"q": query})
        assert response.status_code == 200
    marked = f"\u200f{cheap[:2]}\u202a{cheap[2:]}\u202c"
    assert shown(await admin.get("/admin/orders", params={"q": marked})) == [cheap]


def signed(response: httpx.Response, name: str) -> str:
    """The signed address of a file on the page."""
    link = re.search(rf'href="([^"]*{re.escape(name)}[^"]*)"', response.text)
    assert link is not None
    return html.unescape(link.group(1))


async def test_a_file_has_what_the_list_is_narrowed_to_and_needs_its_signature(
    services: Services,
    visitor: MakeVisitor,
    make_admin: MakeAdmin,
    client: httpx.AsyncClient,
    root: Visitor,
) -> None:
    cheap, dear = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)
    path = signed(await admin.get("/admin/orders?most=50"), "/admin/orders.csv")

    file = await client.get(path)
    assert file.status_code == 200 and file.headers["content-type"].startswith("text/csv")
    assert cheap in file.text and dear not in file.text and file.text.startswith("\ufeffOrder,Status,")
    assert (await client.get(path.replace("most=50", "most=99"))).status_code in {401, 403}

    root_actor, actor = await arrive(services, root), await arrive(services, admin)
    await services.identity.admins.set_permissions(root_actor, actor.id, [])
    assert (await client.get(path)).status_code in {401, 403}


async def test_a_search_stays_within_the_filters_and_offers_all(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    cheap, dear = await two_orders(services, visitor)
    admin = await make_admin(81, Permission.ORDERS)

    within = await admin.get("/admin/orders?q=Buyer&least=50", headers={"HX-Target": "results"})
    assert shown(within) == [dear]
    everywhere = re.search(r'href="(/admin/orders\?[^"]+)"[^>]*>.*?Search all orders', within.text, re.DOTALL)
    assert everywhere and shown(await admin.get(html.unescape(everywhere[1]))) == [dear, cheap]
    page = await admin.get("/admin/orders?least=50&q=Buyer")
    form = page.text.split('role="search"')[1].split("</form>")[0]
    assert 'name="least" value="50.00"' in form and 'value="Buyer"' in form
    # What names one order exactly is not shown either where the filters leave it out: it is one tap away.
    other = await admin.get(f"/admin/orders?q={cheap}&least=50")
    assert shown(other) == [] and "Nothing within these filters" in other.text and "Search all orders" in other.text
    assert "Search all orders" not in (await admin.get("/admin/orders?q=Buyer")).text
    sheet = await admin.get("/admin/orders/filters?q=Buyer&least=50")
    assert 'name="q" value="Buyer"' in sheet.text
    applied = await admin.get("/admin/orders/filters?apply=1&q=Buyer&most=50")
    assert shown(applied) == [cheap] and applied.headers["hx-push-url"] == "/admin/orders?most=50.00&q=Buyer"
