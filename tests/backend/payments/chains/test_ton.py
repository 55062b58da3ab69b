"""USDT on TON, against a server that speaks as TON Center's documentation says."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.gateways import usdt_ton
from backend.payments.gateways.http import HttpClient
from backend.payments.gateways.usdt_addresses import ton_raw
from backend.payments.gateways.usdt_boc import read_comment
from backend.payments.gateways.usdt_ton import Codes
from backend.payments.ports import ProviderKit
from backend.payments.types import ActionKind, DifferenceKind, Intent, IntentStatus
from tests.backend.payments.chains.conftest import OpenTill, Till, count_credits, usdt
from tests.factories.wallet import usd
from tests.fakes.chain_apis import TonCenter, serving
from tests.fakes.clock import FakeClock

S = IntentStatus
ADMIN = Actor.system()
ADDRESS = "UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p"
RAW = ton_raw(ADDRESS)
MASTER = "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"
Pay = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are hundredths."""
    monkeypatch.setattr(usdt_ton, "_APART_SECONDS", 0.02)
    monkeypatch.setattr(usdt_ton, "_BUSY_SECONDS", 0.01)


@pytest.fixture
def center() -> Iterator[TonCenter]:
    with serving(TonCenter()) as api:
        yield api


@pytest.fixture
async def till(
    open_till: OpenTill, configured: Callable[..., Settings], center: TonCenter, clock: FakeClock
) -> AsyncIterator[Till]:
    center.key = "the-key"
    settings = configured(usdt_ton_address=ADDRESS, usdt_ton_url=center.url, usdt_ton_api_key="the-key")
    http = HttpClient()
    yield open_till(usdt_ton.SPEC.build(settings, ProviderKit(clock=clock, http=http)))
    await http.close()


@pytest.fixture
def pay(center: TonCenter, clock: FakeClock) -> Pay:
    """A transfer to the shop, now: ``pay(5_000_000, "the comment")``."""

    def make(units: int, comment: str | None, **other: Any) -> dict[str, Any]:
        return center.pay(RAW, units, clock.now().timestamp(), comment, **other)

    return make


def test_the_hostile_bags_below_would_be_read_were_they_not_spoiled() -> None:
    assert read_comment(bag("010a0000000041" + "01", "000242")) == "AB"


def comment_of(intent: Intent) -> str:
    assert intent.action is not None
    return intent.action.fields["comment"]


async def test_an_exact_payment(till: Till, pay: Pay, center: TonCenter) -> None:
    await till.begin(700)
    intent = await till.begin(1250)
    assert intent.action is not None
    assert intent.action.kind is ActionKind.TRANSFER
    comment = comment_of(intent)
    assert intent.action.fields == {
        "network": "TON",
        "address": ADDRESS,
        "amount": "12.5",
        "asset": "USDT",
        "comment": comment,
        "uri": f"ton://transfer/{ADDRESS}?jetton={MASTER}&amount=12500000&text={comment}",
    }
    assert len(comment) == 12
    await till.paid(intent, S.PENDING, 0)
    paid = pay(12_500_000, comment)
    payment = await till.paid(intent, S.SUCCEEDED, 1250)
    assert payment.charge_id == base64.b64decode(paid["transaction_hash"]).hex()
    assert till.methods.explorer_url(payment) == f"https://tonviewer.com/transaction/{payment.charge_id}"
    asked = len(center.asked)
    assert (await till.reconcile()).differences == []
    # What only waits is not asked for one by one; earlier days are read for the parts of what came now.
    assert len(center.asked) == asked + 2


async def test_payments_are_told_apart_by_comments_in_parts_and_late(till: Till, pay: Pay, clock: FakeClock) -> None:
    one, other = await till.begin(1000), await till.begin(1000)
    pay(4_000_000, comment_of(one))
    pay(10_000_000, comment_of(other).lower())
    await till.paid(one, S.UNDERPAID, 400)
    await till.paid(other, S.SUCCEEDED, 1400)
    clock.move(days=2)
    pay(7_000_000, f" {comment_of(one)} thanks!")
    await till.paid(one, S.OVERPAID, 2100)
    late = await till.begin(500)
    clock.move(days=1)
    await till.paid(late, S.EXPIRED, 2100)
    pay(5_000_000, comment_of(late))
    await till.paid(late, S.SUCCEEDED, 2600)
    assert (await till.reconcile()).differences == []


async def test_ten_looks_at_once_credit_once(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    pay(10_000_000, comment_of(intent))
    await asyncio.gather(*(till.look(intent) for _ in range(10)), till.reconcile())
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert await count_credits(till.uow) == 1
    assert await till.unmatched() == []


async def test_the_statement_brings_what_nobody_asked_about(till: Till, pay: Pay, clock: FakeClock) -> None:
    intent = await till.begin(1000)
    pay(4_000_000, comment_of(intent))
    await till.paid(intent, S.UNDERPAID, 400)
    # Past every question, and past the statement's own days: the parts are still summed.
    clock.move(days=20)
    pay(6_000_000, comment_of(intent))
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.MISSING_HERE, 4_000_000, 10_000_000)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert (await till.reconcile()).differences == []


async def test_money_without_our_comment_waits_for_an_admin_who_gives_it_its_owner(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    comment = comment_of(intent)
    slip = ("X" if comment[0] != "X" else "Y") + comment[1:]
    for given in (None, "", "thanks", slip, comment[:11], comment + "0"):
        pay(5_000_000, given)
    assert len((await till.reconcile()).differences) == 6
    await till.paid(intent, S.PENDING, 0)
    rows = await till.unmatched()
    assert {row.details["comment"] for row in rows} == {"", "thanks", slip, comment[:11], comment + "0"}
    assert {row.amount for row in rows} == {usdt(5_000_000)}
    # The same report on the next day credits nothing twice.
    await till.reconcile()
    assert len(await till.unmatched()) == 6
    assert till.buyer.user_id is not None
    given_to = await till.inbox.assign(ADMIN, rows[0].id, till.buyer.user_id, usd(500))
    await till.paid(given_to, S.SUCCEEDED, 500)
    await till.reconcile()
    assert len(await till.unmatched()) == 5


async def test_only_the_one_token_only_to_us_and_only_what_went_through(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    comment = comment_of(intent)
    elsewhere = "0:" + "AB" * 32
    pay(10_000_000, comment, transaction_aborted=True)
    pay(10_000_000, comment, transaction_aborted=None)
    pay(10_000_000, comment, jetton_master=elsewhere)
    pay(10_000_000, comment, destination=elsewhere)
    pay(0, comment)
    await till.paid(intent, S.PENDING, 0)
    assert (await till.reconcile()).differences == []
    # The same addresses in another form are the same.
    pay(10_000_000, comment, jetton_master=MASTER, destination=ADDRESS)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_pages_are_followed_and_a_row_on_two_of_them_counts_once(
    till: Till, pay: Pay, center: TonCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usdt_ton, "_PAGE", 3)
    intent = await till.begin(1000)
    for _ in range(4):
        pay(1_000_000, "of somebody else")
    row = pay(6_000_000, comment_of(intent))
    center.rows.append(dict(row))
    pay(4_000_000, comment_of(intent))
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert [query["offset"] for query in center.asked] == ["0", "3", "6"]


async def test_sums_beyond_all_reason_wait_for_an_admin(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    pay(2**120, comment_of(intent))
    pay(2**255, "mine")
    await till.reconcile()
    await till.paid(intent, S.PENDING, 0)
    assert [row.amount for row in await till.unmatched()] == [Money(2**63 - 1, "USDT")] * 2


def bag(*cells: str) -> str:
    """A bag of cells, each given in hex, with what a bag begins with."""
    data = bytes.fromhex("".join(cells))
    return base64.b64encode(bytes.fromhex(f"b5ee9c720101{len(cells):02x}0100{len(data):02x}00") + data).decode()


HOSTILE = [
    "",
    "not base64!",
    "A" * 100_000,
    base64.b64encode(b"\xb5\xee\x9c\x72").decode(),
    base64.b64encode(b"\xb5\xee\x9c\x72" + b"\xff" * 200).decode(),
    # One cell that is followed by itself, and two that follow each other; a cell that is not there; text that is none.
    bag("010a0000000041" + "00"),
    bag("010a0000000041" + "01", "010242" + "00"),
    bag("010a0000000041" + "07"),
    bag("000a00000000ff"),
    12,
    {"cells": []},
    [],
]


async def test_a_hostile_payload_is_no_comment(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    for payload in HOSTILE:
        pay(1_000_000, None, forward_payload=payload)
    pay(10_000_000, comment_of(intent))
    await till.paid(intent, S.SUCCEEDED, 1000)
    await till.reconcile()
    assert [row.details["comment"] for row in await till.unmatched()] == [""] * len(HOSTILE)


async def test_signs_that_no_database_takes_are_left_out(till: Till, pay: Pay) -> None:
    pay(1_000_000, "a\0b\u202ec" + "\U0001f600" * 500)
    await till.reconcile()
    (row,) = await till.unmatched()
    assert row.details["comment"].startswith("a b c")
    assert len(row.details["comment"]) <= 120


async def test_earlier_days_are_read_only_where_there_may_be_parts(till: Till, pay: Pay, center: TonCenter) -> None:
    pay(5_000_000, "thanks")
    assert len((await till.reconcile()).differences) == 1
    assert len(center.asked) == 1


@pytest.mark.parametrize("with_key", [True, False])
async def test_calls_keep_the_apis_distance_and_what_came_too_early_comes_again(
    open_till: OpenTill, configured: Callable[..., Settings], center: TonCenter, clock: FakeClock, pay: Pay,
    monkeypatch: pytest.MonkeyPatch, with_key: bool,
) -> None:  # fmt: skip
    """Without a key it takes a call a second: the many pages of a busy shop are read all the same."""
    monkeypatch.setattr(usdt_ton, "_PAGE", 3)
    center.key = key = "the-key" if with_key else ""
    settings = configured(usdt_ton_address=ADDRESS, usdt_ton_url=center.url, usdt_ton_api_key=key)
    http = HttpClient()
    till = open_till(usdt_ton.SPEC.build(settings, ProviderKit(clock=clock, http=http)))
    center.apart = 0.0 if with_key else 0.015
    for _ in range(20):
        pay(1_000_000, "of somebody else")
    intent = await till.begin(1000)
    pay(10_000_000, comment_of(intent))
    assert (await till.reconcile()).error == ""
    await till.paid(intent, S.SUCCEEDED, 1000)
    asked = len(center.asked)
    center.busy = 3
    await till.look(intent)
    assert len(center.asked) == asked + 3 + 8
    center.busy = 100
    assert "429" in (await till.reconcile()).error
    await http.close()


async def test_a_wrong_comment_is_seen_without_waiting_for_the_night(till: Till, pay: Pay, center: TonCenter) -> None:
    intent = await till.begin(1000)
    pay(10_000_000, "no comment of ours")
    for _ in range(2):
        await till.reconciliation.poll_statements()
    (row,) = await till.unmatched()
    assert (row.reason, row.details["comment"]) == ("unknown_payment", "no comment of ours")
    pay(10_000_000, comment_of(intent))
    await till.reconciliation.poll_statements()
    await till.paid(intent, S.SUCCEEDED, 1000)
    await till.inbox.dismiss(ADMIN, row.id, "sent back")
    assert (await till.reconcile()).differences == []
    center.status = 500
    await till.reconciliation.poll_statements()  # asked again soon


async def test_senseless_answers_change_nothing(till: Till, pay: Pay, center: TonCenter) -> None:
    intent = await till.begin(1000)
    pay(10_000_000, comment_of(intent))
    for center.spoil in (b"<html>", [], {"jetton_transfers": None}, {"jetton_transfers": ["text"]}, {"a": [{}]}):
        assert (await till.look(intent)).status is S.PENDING
        assert (await till.reconcile()).error
    center.spoil = None
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_an_outage_and_a_wrong_key_are_waited_out(till: Till, pay: Pay, center: TonCenter) -> None:
    intent = await till.begin(1000)
    pay(10_000_000, comment_of(intent))
    for status in (500, 429, 422):
        center.status = status
        await till.paid(intent, S.PENDING, 0)
    center.status, center.key = 200, "another"
    await till.paid(intent, S.PENDING, 0)
    center.key = "the-key"
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_money_that_is_gone_is_told_by_the_comparison(till: Till, pay: Pay, center: TonCenter) -> None:
    intent = await till.begin(1000)
    pay(10_000_000, comment_of(intent))
    await till.paid(intent, S.SUCCEEDED, 1000)
    center.rows.clear()
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 10_000_000, 0)


def test_a_comment_is_found_however_it_is_written_and_a_slip_is_not() -> None:
    codes = Codes(RAW)
    # Always the same ones: of 32,768 random ones one fits another shop's check.
    for intent_id in (UUID(int=0), UUID(int=2**128 - 1), *(UUID(int=3**power) for power in range(30, 80))):
        code = codes.of(intent_id)
        assert len(code) == 12
        for written in (code, code.lower(), f" {code}\n", f"order {code} ok", code.replace("1", "I").replace("0", "O")):
            assert codes.find(written) == code
        assert Codes("0:" + "00" * 32).find(code) is None
    code = codes.of(UUID("01a1fe83-0117-75e9-b859-448c9600bd84"))
    slips = [f"{code[:place]}{sign}{code[place + 1 :]}" for place in range(12) for sign in "0123456789ABCDEFGH"]
    assert {codes.find(slip) for slip in slips} <= {code, None}
    for written in ("", " ", "x" * 1000, "THANKS", "\u0661" * 12, code[:11], code + "A"):
        assert codes.find(written) is None
