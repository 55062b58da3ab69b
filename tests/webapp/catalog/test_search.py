"""The search of the shop, as a browser in Telegram gets it."""

from __future__ import annotations

import re

import pytest

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.infra.settings import Settings
from tests.factories.shop import Goods
from tests.webapp.admin.test_rooms import admin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import goods


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id)


_TYPING = {"HX-Target": "results"}


@pytest.fixture
async def thing(services: Services) -> Goods:
    """A VPN key that the search knows."""
    thing = await goods(services, price=720)
    await services.catalog.searches.refresh_index()
    return thing


async def test_what_is_typed_fills_the_results_and_the_address(visitor: MakeVisitor, thing: Goods) -> None:
    reader = visitor()
    response = await reader.get("/shop?q=%D0%BC%D0%B7%D1%82&category=&country=", headers=_TYPING)
    assert response.text.count('id="results"') == 1
    assert "<main" not in response.text
    assert thing.slug in response.text
    assert response.headers["hx-replace-url"] == "/shop?q=%D0%BC%D0%B7%D1%82"
    cleared = await reader.get("/shop?q=", headers=_TYPING)
    assert (cleared.headers["hx-replace-url"], "<main" in cleared.text) == ("/shop", False)
    whole = await reader.get("/shop?q=vpn&in_stock=1")
    assert '<main class="screen' in whole.text
    assert 'value="vpn"' in whole.text
    assert '<input type="hidden" name="in_stock" value="1">' in whole.text


@pytest.mark.parametrize(
    "typed", ["x" * 10_000, "%25_%5C", "'%22%3Cb%3E", "%3A*", "%26%7C!", "9" * 20, "%F0%9F%98%80", "%E2%80%AE"]
)
async def test_odd_input_is_a_page(visitor: MakeVisitor, thing: Goods, typed: str) -> None:
    response = await visitor().get(f"/shop?q={typed}", headers={"HX-Target": "app"})
    assert response.status_code == 200
    assert "<b>" not in response.text


async def test_an_empty_result_takes_a_wish_that_an_admin_sees(
    services: Services, visitor: MakeVisitor, root: Visitor, thing: Goods
) -> None:
    reader, helper = visitor(), visitor(91)
    nothing = await reader.get("/shop?q=vpn+zanzibar")
    assert 'hx-post="/wishes"' in nothing.text
    assert thing.slug in nothing.text  # what comes near
    wished = await reader.post("/wishes", data={"q": "vpn zanzibar"})
    assert (wished.status_code, "We'll message you" in wished.text.replace("&#39;", "'")) == (200, True)
    assert (await reader.post("/wishes", data={"q": "!"})).status_code == 400
    assert (await reader.get("/admin/wishes")).status_code == 403
    await admin(services, root, helper, Permission.CATALOGUE)
    listed = await helper.get("/admin/wishes")
    assert re.search(r"vpn zanzibar.*1 person", listed.text, re.DOTALL)


async def test_narrowed_results_offer_to_be_widened_and_no_wish(visitor: MakeVisitor, thing: Goods) -> None:
    page = await visitor().get("/shop?q=vpn&most=100")
    assert "Remove filters" in page.text
    assert 'href="/shop?q=vpn"' in page.text
    assert "/wishes" not in page.text


async def test_searches_are_remembered_for_their_reader_only(visitor: MakeVisitor, thing: Goods) -> None:
    reader, other = visitor(), visitor(92)
    assert (await reader.post("/searches", data={"q": "<b>vpn"})).status_code == 204
    assert "&lt;b&gt;vpn" in (await reader.get("/searches")).text
    assert (await other.get("/searches")).text.strip() == ""
    assert "vpn" not in (await reader.post("/searches/forget")).text
    assert (await reader.get("/searches")).text.strip() == ""


async def test_a_person_searches_so_often_and_another_still_can(visitor: MakeVisitor, thing: Goods) -> None:
    reader, other = visitor(), visitor(93)
    statuses = {(await reader.get("/api/v1/search?q=vpn", html=False)).status_code for _ in range(240)}
    assert statuses == {200}
    assert (await reader.get("/shop?q=vpn+once")).status_code == 429
    assert (await other.get("/shop?q=vpn+again")).status_code == 200
