"""One search for everything."""

from __future__ import annotations

import re

import pytest

from backend.bootstrap import Services
from backend.catalog.domain import search_index
from backend.identity.types import Permission
from backend.support.types import ChatPost
from tests.factories.wallet import usd
from tests.webapp.back_office import MakeAdmin, TopUp
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, number_of

EMMA = 991_234_567


async def hrefs(reader: Visitor, query: str, group: str = "all") -> set[str]:
    """Where the results of a search lead, without the groups themselves."""
    answer = await reader.get("/admin/search", params={"q": query, "group": group}, headers={"hx-target": "results"})
    assert answer.status_code == 200, answer.text[:500]
    assert "<main" not in answer.text
    targets = re.findall(r'(?:href|hx-get)="(/[^"]+)"', answer.text)
    return {target for target in targets if not target.startswith(("/admin/search", "/static/"))}


async def test_everything_is_one_tap_away(
    services: Services, root: Visitor, visitor: MakeVisitor, top_up: TopUp
) -> None:
    buyer = visitor(EMMA, first_name="Emma", username="emma_c")
    emma = await arrive(services, buyer, cents=5000)
    thing = await goods(services, price=720, keys=3)
    number = number_of(await buy(buyer, thing))
    payment = await top_up(emma, 1234)
    await services.support.chat.receive(EMMA, ChatPost(message_id=1, text="hello"))
    chief = await services.identity.access.actor_by_telegram_id(services.settings.root_admin_id)
    assert chief is not None
    (code,) = (await services.growth.vouchers.make(chief, usd(500), idempotency_key="voucher-0001")).codes
    (ticket,) = await services.support.tickets.list_of(chief, emma.id)
    order, person = f"/admin/orders/{number}", f"/admin/people/{emma.id}"
    asked = f"/admin/tickets/{ticket.ticket.id}"
    for query, expected in {
        number: {order},
        number[3:7].lower(): {order},
        "Emma": {order, person, asked, f"/admin/payments/{payment.id}"},
        "@emma_c": {person},
        str(EMMA): {person},
        payment.reference: {f"/admin/payments/{payment.id}"},
        "12.34": {f"/admin/payments/{payment.id}"},
        ticket.ticket.number: {asked},
        thing.keys[0]: {order},
        thing.keys[2]: {"/admin/stock"},
    }.items():
        assert expected <= await hrefs(root, query), query
    assert any(target.startswith("/admin/vouchers/") for target in await hrefs(root, code))
    page = await root.get("/admin/search", params={"q": "Emm"})
    assert "<mark>Emm</mark>a" in page.text
    assert thing.keys[0] not in (await root.get("/admin/search", params={"q": thing.keys[0]})).text.replace(
        f'value="{thing.keys[0]}"', ""
    ).replace(f"q={thing.keys[0]}", "")


async def test_products_lead_to_their_editor_or_to_stock(
    services: Services, root: Visitor, make_admin: MakeAdmin
) -> None:
    thing = await goods(services, price=720)
    async with services.uow() as tx:
        await search_index.refresh(tx, [thing.product_id])
    assert f"/admin/catalogue/products/{thing.product_id}" in await hrefs(root, "vpn")
    clerk = await make_admin(81, Permission.STOCK)
    assert await hrefs(clerk, "vpn") == {"/admin/stock"}
    for target in await hrefs(root, "vpn"):
        assert (await root.get(target)).status_code == 200, target


async def test_groups_are_counted_and_chosen(services: Services, root: Visitor, visitor: MakeVisitor) -> None:
    for number in range(7):
        await arrive(services, visitor(7000 + number, first_name=f"Samira {number}"))
    everything = await root.get("/admin/search", params={"q": "Samira"})
    assert re.search(r">\s*All 7<", everything.text)
    assert re.search(r">\s*People 7<", everything.text)
    assert len(await hrefs(root, "Samira")) == 5
    assert len(await hrefs(root, "Samira", "people")) == 7
    assert "Nothing in this group" in (await root.get("/admin/search?q=Samira&group=keys")).text
    assert "Nothing found" in (await root.get("/admin/search?q=nobodyatall")).text


@pytest.mark.parametrize("held", list(Permission))
async def test_each_admin_finds_only_what_they_may_see(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin, top_up: TopUp, held: Permission
) -> None:
    buyer = visitor(EMMA, first_name="Emma")
    emma = await arrive(services, buyer, cents=5000)
    thing = await goods(services, price=720)
    await buy(buyer, thing)
    await top_up(emma)
    await services.support.chat.receive(EMMA, ChatPost(message_id=1, text="hello"))
    helper = await make_admin(81, held)
    reached = {target.split("/")[2] for target in await hrefs(helper, "Emma")}
    assert reached == {
        Permission.ORDERS: {"orders"},
        Permission.TICKETS: {"tickets"},
        Permission.USERS: {"people"},
        Permission.MONEY: {"payments"},
    }.get(held, set())
    for target in await hrefs(helper, "Emma"):
        assert (await helper.get(target)).status_code == 200, target
    assert bool(await hrefs(helper, thing.keys[0])) == (held in {Permission.ORDERS, Permission.STOCK})


ODD = [
    "9" * 20, "-" + "9" * 40, "%", "_", "%%%", "\\", "'\"", "\0", "a\0b", "\u200f\u202e\u200f", "😀😀", "x" * 1000,
    "x" * 1001, "S-", "D-", "T-", "@", "$", "\u0663\u066b\u0665", "0x10", "1e9", "NaN", "{name}", "<script>",
    "a b c d e f g h i j", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("query", ODD)
async def test_odd_queries_do_no_harm(root: Visitor, query: str) -> None:
    answer = await root.get("/admin/search", params={"q": query.encode("utf-8", "replace").decode()})
    assert answer.status_code in {200, 400}
    assert "<script>" not in answer.text.replace("<script>window", "")
    assert (answer.status_code == 400) == ("\0" in query)


async def test_buyers_do_not_search(visitor: MakeVisitor) -> None:
    assert (await visitor().get("/admin/search?q=Emma")).status_code == 403
