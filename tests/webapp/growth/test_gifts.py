"""Codes and gift cards, as people use them."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from backend.bootstrap import Services
from backend.growth.service import REDEEM
from backend.identity.types import Actor
from backend.infra.settings import Settings
from tests.factories.identity import contact
from tests.factories.wallet import usd
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field
from webapp.core.shell import landing

CODE = re.compile(r'data-copy="((?:[0-9A-Z]{4}-){3}[0-9A-Z]{4})"')


async def voucher(
    services: Services, visitor: MakeVisitor, settings: Settings, cents: int = 500, people: int = 1
) -> str:
    """The code of a new voucher."""
    root = await arrive(services, visitor(settings.root_admin_id))
    created = await services.growth.vouchers.make(root, usd(500), idempotency_key="test")
    return created.codes[0]


async def balance(services: Services, actor: Actor) -> int:
    """The balance in cents."""
    return (await services.wallet.statement.overview(actor)).balance.amount


def code_of(page: httpx.Response) -> str:
    """The code that a page offers to copy."""
    match = CODE.search(page.text)
    assert match is not None, page.text
    return match[1]


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_a_code_is_redeemed(services: Services, visitor: MakeVisitor, settings: Settings, language: str) -> None:
    code = await voucher(services, visitor, settings)
    one = visitor(61, language_code=language)
    actor = await arrive(services, one)
    assert "/wallet/redeem" in (await one.get("/wallet")).text
    form = await one.get("/wallet/redeem")
    assert form.status_code == 200
    answers = await asyncio.gather(*(one.post("/wallet/redeem", data={"code": code.lower()}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    sum_shown = {"en": "$5.00", "ar": "5.00", "ru": "5,00"}[language]
    assert all(sum_shown in answer.text for answer in answers)
    assert await balance(services, actor) == 500
    history = await one.get("/wallet?kind=voucher")
    assert sum_shown in history.text


async def test_a_wrong_code_stays_in_the_field_with_the_error(services: Services, visitor: MakeVisitor) -> None:
    one = visitor(62)
    await arrive(services, one)
    for typed, message in (("", "Enter or paste"), ("abc", "isn't valid"), ("<script>", "isn't valid"),
                        ("0" * 16, "isn't valid")):  # fmt: skip
        answer = await one.post("/wallet/redeem", data={"code": typed})
        assert answer.status_code == 422
        assert message in answer.text
        assert "<script>" not in answer.text
    assert 'value="abc"' in (await one.post("/wallet/redeem", data={"code": "abc"})).text
    assert (await one.post("/wallet/redeem", data={"code": "x" * 301})).status_code == 400


async def test_too_many_attempts_show_the_wait(services: Services, visitor: MakeVisitor) -> None:
    one = visitor(63)
    await arrive(services, one)
    guess = {"code": "0123456789ABCDEF"}  # a misspelt code would not count
    for _ in range(REDEEM.times):
        await one.post("/wallet/redeem", data=guess)
    answer = await one.post("/wallet/redeem", data=guess)
    assert answer.status_code == 422
    assert re.search(r"Try again in 5\smin", answer.text)


async def test_a_link_fills_in_the_code(services: Services, visitor: MakeVisitor) -> None:
    one = visitor(64)
    await arrive(services, one)
    assert landing("g_0123456789abcdef") == "/wallet/redeem?code=0123456789ABCDEF"
    assert landing("g_short") == "/shop"
    page = await one.get("/wallet/redeem?code=0123456789ABCDEF")
    assert 'value="0123456789ABCDEF"' in page.text
    # The code is worth money, so only "gift" is stored.
    actor = await services.identity.access.authenticate(contact(65, start_param="g_0123456789abcdef"))
    assert (await services.identity.people.user_detail(Actor.system(), actor.id)).start_param == "gift"


async def test_a_gift_card_is_bought_and_redeemed(services: Services, visitor: MakeVisitor) -> None:
    buyer, friend = visitor(66), visitor(67)
    payer, other = await arrive(services, buyer, cents=5000), await arrive(services, friend)
    assert "No gift cards yet" in (await buyer.get("/wallet/gifts")).text
    intent = field(await buyer.get("/wallet/gifts/new"), "intent")
    form = {"intent": intent, "amount": "20"}
    pages = await asyncio.gather(*(buyer.post("/wallet/gifts", data=form) for _ in range(4)))
    assert {page.status_code for page in pages} == {200}
    assert await balance(services, payer) == 3000
    code = code_of(pages[0])
    assert {code_of(page) for page in pages} == {code}
    where = pages[0].headers["hx-push-url"]
    assert code_of(await buyer.get(where)) == code
    assert (await friend.get(where)).status_code == 404
    assert "https://t.me/share/url?" in pages[0].text
    assert where in (await buyer.get("/wallet/gifts")).text
    done = await friend.post("/wallet/redeem", data={"code": code})
    assert "You received a gift" in done.text
    assert await balance(services, other) == 2000
    seen = await buyer.get(where)
    assert code not in seen.text
    assert "Redeemed" in seen.text
    for wallet in [(await who.get("/wallet")).text for who in (buyer, friend)]:
        assert '<span class="cell__title">Gift card' in wallet
        assert '<span class="cell__title">Voucher' not in wallet
    assert (await buyer.post(f"{where}/back")).status_code == 409


async def test_an_unredeemed_card_is_cancelled(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(68)
    payer = await arrive(services, buyer, cents=5000)
    form = {"intent": field(await buyer.get("/wallet/gifts/new"), "intent"), "preset": "25"}
    page = await buyer.post("/wallet/gifts", data=form)
    where, code = page.headers["hx-push-url"], code_of(page)
    assert await balance(services, payer) == 2500
    for _ in range(2):
        answer = await buyer.post(f"{where}/back")
        assert answer.status_code == 200
        assert "Card cancelled" in answer.text
    assert await balance(services, payer) == 5000
    assert (await buyer.post("/wallet/redeem", data={"code": code})).status_code == 422


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Enter an amount"), ({"amount": "abc"}, "Enter a number"), ({"amount": "-5"}, "The minimum is"),
        ({"amount": "0.5"}, "The minimum is"), ({"amount": "99999"}, "The maximum is"),
        ({"amount": "50"}, "You need $40.00 more"), ({"amount": "9" * 30}, "Enter a number"),
    ],
)  # fmt: skip
async def test_amounts_that_are_refused(
    services: Services, visitor: MakeVisitor, form: dict[str, str], message: str
) -> None:
    buyer = visitor(69)
    payer = await arrive(services, buyer, cents=1000)
    answer = await buyer.post("/wallet/gifts", data={"intent": "k" * 16, **form})
    assert answer.status_code == 422
    assert message in answer.text
    assert await balance(services, payer) == 1000


async def test_the_bot_leads_to_the_gift(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor(70)
    await arrive(services, buyer, cents=1000)
    page = await buyer.post("/wallet/gifts", data={"intent": "k" * 16, "amount": "10"})
    plain = code_of(page).replace("-", "")
    link = next(item for item in re.findall(r'data-copy="([^"]+)"', page.text) if "/" in item)
    assert link.endswith(f"/wallet/redeem?code={code_of(page)}") or link.endswith(f"?start=g_{plain}")
