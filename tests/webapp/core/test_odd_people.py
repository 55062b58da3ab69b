"""People with odd names, whom Telegram does let in: they register, buy and are shown, and break no page."""

from __future__ import annotations

import pytest

from backend.bootstrap import Services
from backend.infra.settings import Settings
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, number_of

NAMES = {
    "markup": "<script>alert(1)</script>",
    "template": "{{ 7*7 }}{% raw %} %s %(name)s {0} {name}",
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "nul": "a\x00b",
    "lines": "Omar\r\nX-Evil: 1\nTotal: $0.00",
    "override": "\u202egnp.exe\u2066\u2067",
    "blank": " \u3164\u200b\u2800",
    "emoji": "👩‍👩‍👧‍👦" * 9,
    "long": "ن" * 5_0,
    "surrogates": "\U0001f600\U00010000",
    "formula": '=HYPERLINK("http://x")',
}


@pytest.mark.parametrize("kind", NAMES)
async def test_an_odd_name_breaks_no_page(
    kind: str, services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    name = NAMES[kind]
    odd = visitor(51, first_name=name, last_name=name, username=name, language_code=name[:40])
    thing = await goods(services, price=100)
    actor = await arrive(services, odd, cents=1000)
    assert "\n" not in actor.first_name and "\0" not in actor.first_name
    number = number_of(await buy(odd, thing))
    root = visitor(settings.root_admin_id)
    for path in ("/admin", "/admin/people", f"/admin/people/{actor.id}", "/admin/orders", f"/admin/orders/{number}"):
        answer = await root.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text
    assert (await root.get("/admin/people", params={"q": name})).status_code in {200, 400}
    mine = await odd.get("/me")
    assert mine.status_code == 200
    assert "<script>alert" not in mine.text and "<img src=x" not in mine.text


@pytest.mark.parametrize(
    "user",
    [
        '{"id":51,"id":52,"first_name":"A"}',
        '{"id":51,"first_name":"A","photo_url":"javascript:alert(1)"}',
        '{"id":51,"first_name":"A","photo_url":"https://t.me/\\u0000\\"><script>"}',
        '{"id":51,"first_name":"A","language_code":"\\u0000","unknown":{"deep":[[[[1]]]]}}',
        '{"id":51.0,"first_name":"A"}',
        '{"id":51,"first_name":"A","last_name":null,"username":null,"language_code":null,"photo_url":null}',
        '{"id":51}',
        '{"id":"51","first_name":"A"}',
        '{"id":9223372036854775808,"first_name":"A"}',
        '{"id":-51,"first_name":"A"}',
        '{"id":0,"first_name":"A"}',
        '{"id":51,"first_name":"A","is_bot":true}',
        '{"id":51,"first_name":null}',
        '{"id":51,"first_name":"\\ud800"}',
        '{"id":1e2,"first_name":"A"}',
        "[]", "null", "51", '"51"', "", "{", "[" * 900,
    ],
)  # fmt: skip
async def test_an_odd_user_is_a_person_or_nobody(user: str, visitor: MakeVisitor, services: Services) -> None:
    answer = await visitor(user=user).get("/api/v1/me", html=False)
    assert answer.status_code in {200, 401}, answer.text
    if answer.status_code == 401:
        assert answer.json()["error"]["code"] == "unauthenticated"
    page = await visitor(user=user).get("/me")
    assert page.status_code == answer.status_code
    assert "javascript:" not in page.text and "<script" not in page.text
