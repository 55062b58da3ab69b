"""Balance, history, statement, top-ups."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from backend.bootstrap import Services
from backend.growth.types import NewBonusRule
from backend.infra.settings import Settings
from backend.wallet import domain as ledger
from backend.wallet.types import AccountRef, Memo, TransferKind
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, field, fund, goods, links, number_of, plain


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_the_wallet_lists_every_change(services: Services, visitor: MakeVisitor, language: str) -> None:
    thing, buyer = await goods(services, price=720), visitor(language_code=language)
    empty = await buyer.get("/wallet")
    assert empty.status_code == 200
    assert "statement.csv" not in empty.text
    await arrive(services, buyer, cents=2000)
    number = number_of(await buy(buyer, thing))
    page = await buyer.get("/wallet")
    assert page.status_code == 200
    assert f'href="/orders/{number}"' in page.text
    name = {"en": "Private VPN key", "ar": "مفتاح شبكة خاصة", "ru": "Ключ VPN"}[language]
    assert name in page.text
    assert len(gzip.compress(page.content)) < 6 * 1024
    if language != "en":
        assert "Top-up" not in page.text
        assert "Balance" not in page.text


async def test_the_history_narrows_and_goes_on(services: Services, visitor: MakeVisitor, clock: FakeClock) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    for _ in range(33):
        await fund(services, actor.id, 100)
    month = clock.now().strftime("%Y-%m")
    page = await buyer.get(f"/wallet?kind=top_up&month={month}", headers={"HX-Target": "app"})
    assert page.text.count("+$1.00") == 30
    assert "+$33.00" in page.text
    more = await buyer.get(links(page, f"/wallet?kind=top_up&month={month}&cursor=")[0])
    assert more.text.count("+$1.00") == 3
    assert "<main" not in more.text
    assert "+$1.00" not in (await buyer.get("/wallet?kind=purchase")).text
    for bad in ("kind=theft", "month=2026-13", "cursor=nonsense"):
        assert (await buyer.get(f"/wallet?{bad}")).status_code == 400


async def test_every_kind_of_change_has_its_words(services: Services, visitor: MakeVisitor) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer, cents=10_000)
    mine, accounts = AccountRef.user(actor.id), AccountRef.shop("test")
    changes = {
        TransferKind.REFUND: ("Refund to balance", "house"),
        TransferKind.BONUS: ("Top-up bonus", "house"),
        TransferKind.VOUCHER: ("Voucher", "mine"),
        TransferKind.ADJUSTMENT: ("Balance adjustment", "mine"),
        TransferKind.PURCHASE: ("Purchase", "mine"),
        TransferKind.READING: ("Reading", "mine"),
    }
    async with services.uow() as tx:
        for kind, (_, source) in changes.items():
            debit, credit = (mine, accounts) if source == "mine" else (accounts, mine)
            await ledger.transfer(tx, kind, f"test:{kind}", debit, credit, usd(100))
        await ledger.hold(tx, "order:1", actor.id, usd(200), "S-AAAAAA")
        await ledger.release(tx, "order:1", "S-AAAAAA")
        back, memo = AccountRef.shop("refunds"), Memo(method="stars")
        await ledger.transfer(tx, TransferKind.REFUND, "test:sent", mine, back, usd(300), "no-payment", memo)
    words = {kind: word for kind, (word, _) in changes.items()}
    words |= {TransferKind.HOLD: "On hold", TransferKind.RELEASE: "Hold released"}
    everything = plain((await buyer.get("/wallet")).text)
    assert "Refund to payment method" in everything
    for kind, word in words.items():
        assert word in everything
        page = await buyer.get(f"/wallet?kind={kind}")
        assert page.text.count('class="cell__media"') >= 1
        rows = (await buyer.client.get(links(page, "/wallet/statement.csv")[0])).text.splitlines()
        assert len(rows) == (3 if kind is TransferKind.REFUND else 2)
        assert word in rows[-1]


async def test_the_statement_is_a_file_for_its_owner(
    services: Services, visitor: MakeVisitor, clock: FakeClock
) -> None:
    buyer = visitor(language_code="ru")
    actor = await arrive(services, buyer, cents=1234)
    page = await buyer.get("/wallet?kind=top_up")
    address = links(page, "/wallet/statement.csv")[0]
    file = await buyer.client.get(address)
    assert file.status_code == 200
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in file.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert [row[2] for row in rows[1:]] == ["12.34"]
    assert (await buyer.client.get(address.replace("kind=top_up", "kind=purchase"))).status_code == 403
    clock.move(hours=1, seconds=1)
    assert (await buyer.client.get(address)).status_code == 403
    assert (await services.wallet.statement.history(actor, TransferKind.TOP_UP)).items


async def test_a_top_up_is_followed_to_the_balance(services: Services, visitor: MakeVisitor, clock: FakeClock) -> None:
    buyer = visitor()
    actor = await arrive(services, buyer)
    form = await buyer.get("/wallet/topup")
    assert form.status_code == 200
    data = {"intent": field(form, "intent"), "preset": "25.00", "amount": "", "method": "demo"}
    started = await buyer.post("/wallet/topup", data=data)
    assert started.status_code == 200
    path = started.headers["hx-push-url"]
    assert path.startswith("/wallet/payments/")
    assert (await buyer.post("/wallet/topup", data=data)).headers["hx-push-url"] == path
    assert links(started, "/live")
    clock.move(seconds=6)
    arrived = await buyer.get(path)
    assert "$25.00 is in your balance" in arrived.text
    assert 'data-haptic="success"' in arrived.text
    assert (await services.wallet.statement.overview(actor)).balance.amount == 2500
    assert (await visitor(43).get(path)).status_code == 404


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0.5", "The minimum is $1."),
        ("-5", "The minimum is $1."),
        ("1000000", "The maximum is $1,000."),
        ("much", "Enter a number"),
        ("", "Enter a number"),
        ("1.234", "Enter a number"),
    ],
)
async def test_what_is_wrong_stands_beside_the_amount(visitor: MakeVisitor, typed: str, words: str) -> None:
    data = {"intent": "an-intent-of-mine", "amount": typed, "method": "demo"}
    posted = await visitor().post("/wallet/topup", data=data)
    assert posted.status_code == 422
    assert words in posted.text
    assert 'aria-invalid="true"' in posted.text
    quoted = await visitor().get("/wallet/topup/quote", params=data)
    assert quoted.status_code == 200
    assert words in quoted.text
    assert "disabled" in quoted.text


async def test_the_amount_is_read_as_people_type_it(visitor: MakeVisitor) -> None:
    for typed in ("12,50", "١٢٫٥٠", " 12.5 "):
        data = {"intent": "an-intent-of-mine", "amount": typed, "method": "demo"}
        assert "$12.50" in (await visitor().get("/wallet/topup/quote", params=data)).text


async def test_the_bonus_is_told_beforehand(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    chief, buyer = await arrive(services, visitor(settings.root_admin_id)), visitor()
    await arrive(services, buyer)
    await services.growth.bonuses.add_rule(chief, NewBonusRule(minimum=usd(2000), basis_points=500))
    assert "+ $2.50 bonus" in plain((await buyer.get("/wallet/topup")).text)
    for typed, bonus in (("25", "+ $1.25 bonus"), ("19", ""), ("much", "")):
        quoted = plain((await buyer.get("/wallet/topup/quote", params={"amount": typed, "method": "demo"})).text)
        assert bonus in quoted
        assert bool(bonus) == ("bonus" in plain(quoted))


async def test_an_unknown_method_is_refused(visitor: MakeVisitor) -> None:
    data = {"intent": "an-intent-of-mine", "amount": "5", "method": "gold"}
    assert (await visitor().post("/wallet/topup", data=data)).status_code == 400
