"""Trusted sellers: the sheet where one is marked, the page in the app, and the page without a session."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin, make_admin, root
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive
from webapp.identity.routes.sellers import CHECK

__all__ = ["make_admin", "root"]
_TEXTS = {"on": "on", "en": "Keys <b>since</b> 2024", "ar": "مفاتيح منذ 2024", "ru": "", "position": "2"}


async def test_a_marked_person_is_shown_at_once_and_gone_at_once(
    services: Services, visitor: MakeVisitor, root: Visitor, make_admin: MakeAdmin
) -> None:
    omar, reader = visitor(91, first_name="Omar", username="omar_keys"), visitor(92)
    actor = await arrive(services, omar)
    assert 'href="/sellers"' not in (await reader.get("/me")).text
    helper = await make_admin(81, Permission.USERS)
    saved = await helper.post(f"/admin/people/{actor.id}/seller", data=_TEXTS)
    assert saved.status_code == 200
    assert 'href="/sellers"' in (await reader.get("/me")).text
    for path in ("/sellers", "/trusted"):
        page = await reader.get(path)
        assert "Keys &lt;b&gt;since&lt;/b&gt; 2024" in page.text
        assert 'href="https://t.me/omar_keys"' in page.text
    again = await helper.get(f"/admin/people/{actor.id}/seller")
    assert "مفاتيح منذ 2024" in again.text
    await services.identity.people.block(await arrive(services, root), actor.id, "spam")
    assert "omar_keys" not in (await reader.get("/sellers")).text
    assert "omar_keys" not in (await reader.get("/trusted")).text
    await helper.post(f"/admin/people/{actor.id}/seller", data={"en": "x"})
    assert await services.identity.sellers.list_public() == []


async def test_what_was_typed_stays_beside_the_errors(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    actor = await arrive(services, visitor(91))
    path = f"/admin/people/{actor.id}/seller"
    empty = await root.post(path, data={"on": "on", "position": "7"})
    assert (empty.status_code, empty.headers["hx-retarget"]) == (422, "#sheet")
    assert "Enter a text in at least one language." in empty.text
    assert 'value="7"' in empty.text
    long = await root.post(path, data={"on": "on", "en": "x" * 301, "position": "7"})
    assert long.status_code == 422
    assert "x" * 301 in long.text
    far = await root.post(path, data={"on": "on", "en": "Keys", "position": "1000"})
    assert "Enter a number from 0 to 999." in far.text
    assert await services.identity.sellers.list_public() == []


@pytest.mark.parametrize("path", ["/sellers", "/trusted"])
async def test_a_check_answers_plainly(services: Services, visitor: MakeVisitor, root: Visitor, path: str) -> None:
    actor = await arrive(services, visitor(91, first_name="Omar", username="omar_keys"))
    await services.identity.sellers.mark(await arrive(services, root), actor.id, {"en": "Keys"})
    reader = visitor(92)
    for typed, answer in {
        "@omar_keys": "Yes, this is our trusted seller",
        "91": "Yes, this is our trusted seller",
        "оmar_keys": "only looks like",
        "someone": "isn't one of our sellers",
        "<script>": "&lt;script&gt;",
        "___": "Enter a username or a Telegram ID.",
    }.items():
        page = await reader.get(path, params={"name": typed})
        assert page.status_code == 200
        assert answer in page.text.replace("&#39;", "'")
        assert "<script>alert" not in page.text


async def test_the_public_page_needs_no_session_and_checks_are_limited(
    services: Services, visitor: MakeVisitor
) -> None:
    stranger = visitor(92)
    page = await stranger.client.get("/trusted?lang=ar")
    assert page.status_code == 200
    assert 'dir="rtl"' in page.text
    assert page.headers["cache-control"] == "no-store"
    answers = [(await stranger.client.get("/trusted?name=x")).status_code for _ in range(CHECK.times + 1)]
    assert set(answers[:-1]) == {200}
    assert answers[-1] == 429
    assert (await stranger.client.get("/trusted")).status_code == 200
