"""USDT on TRON, against a server that speaks as TronGrid's documentation says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, RefundRefused
from backend.payments.gateways import usdt_tron
from backend.payments.gateways.http import HttpClient
from backend.payments.ports import ProviderKit
from backend.payments.service.common import ref
from backend.payments.types import ActionKind, DifferenceKind, Intent, IntentStatus
from tests.backend.payments.chains.conftest import TRON_XPUB, OpenTill, Till, address_of, count_credits, usdt
from tests.fakes.chain_apis import TronGrid, serving
from tests.fakes.clock import FakeClock

S = IntentStatus


@pytest.fixture
def grid() -> Iterator[TronGrid]:
    with serving(TronGrid()) as api:
        yield api


@pytest.fixture
async def till(
    open_till: OpenTill, configured: Callable[..., Settings], grid: TronGrid, clock: FakeClock
) -> AsyncIterator[Till]:
    grid.key = "the-key"
    settings = configured(usdt_tron_xpub=TRON_XPUB, usdt_tron_url=f"{grid.url}/", usdt_tron_api_key="the-key")
    http = HttpClient()
    yield open_till(usdt_tron.SPEC.build(settings, ProviderKit(clock=clock, http=http)))
    await http.close()


@pytest.fixture
def pay(grid: TronGrid, clock: FakeClock) -> Callable[..., dict[str, Any]]:
    """A transfer to a payment's address, now: ``pay(intent, 5_000_000)``."""

    def make(intent: Intent, units: int, **other: Any) -> dict[str, Any]:
        return grid.pay(address_of(intent), units, clock.now().timestamp(), **other)

    return make


Pay = Callable[..., dict[str, Any]]


async def test_an_exact_payment(till: Till, pay: Pay, grid: TronGrid) -> None:
    intent = await till.begin(1250)
    assert intent.action is not None
    assert intent.action.kind is ActionKind.TRANSFER
    fields, address = intent.action.fields, address_of(intent)
    assert (fields["network"], fields["amount"], fields["asset"]) == ("TRON (TRC-20)", "12.5", "USDT")
    assert fields["uri"] == f"tron:{address}?amount=12.5&token={grid.contract}"
    assert address.startswith("T")
    await till.paid(intent, S.PENDING, 0)
    paid = pay(intent, 12_500_000)
    payment = await till.paid(intent, S.SUCCEEDED, 1250)
    assert (payment.charge_id or "").startswith(paid["transaction_id"])
    assert (await till.reconcile()).differences == []


async def test_parts_short_long_and_late(till: Till, pay: Pay, clock: FakeClock) -> None:
    intent = await till.begin(1000)
    pay(intent, 4_000_000)
    payment = await till.paid(intent, S.UNDERPAID, 400)
    assert payment.missing == usdt(6_000_000)
    clock.move(days=2)
    pay(intent, 6_000_000)
    await till.paid(intent, S.SUCCEEDED, 1000)
    pay(intent, 500_000)
    await till.paid(intent, S.OVERPAID, 1050)
    late = await till.begin(1000)
    clock.move(days=2)
    await till.paid(late, S.EXPIRED, 1050)
    pay(late, 10_000_000)
    await till.paid(late, S.SUCCEEDED, 2050)
    assert (await till.reconcile()).differences == []


async def test_ten_looks_at_once_credit_once(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    pay(intent, 10_000_000)
    await asyncio.gather(*(till.look(intent) for _ in range(10)), till.reconcile())
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert await count_credits(till.uow) == 1


async def test_pages_are_followed_to_the_end(till: Till, pay: Pay, grid: TronGrid) -> None:
    grid.page = 3
    intent = await till.begin(1000)
    for _ in range(10):
        pay(intent, 1_000_000)
    await till.paid(intent, S.SUCCEEDED, 1000)
    assert [query.get("fingerprint") for query in grid.asked] == [None, "after3", "after6", "after9"]
    assert grid.asked[0]["limit"] == "200"


async def test_the_same_transfer_on_two_pages_counts_once_and_two_on_one_page_count_twice(
    till: Till, pay: Pay, grid: TronGrid
) -> None:
    intent = await till.begin(1000)
    row = pay(intent, 2_000_000)
    grid.rows.append(dict(row))
    payment = await till.paid(intent, S.UNDERPAID, 400)
    assert payment.received == usdt(4_000_000)
    grid.page = 2
    grid.rows.append(dict(row))  # a page that begins where the last one did not end
    await till.paid(intent, S.UNDERPAID, 400)


async def test_only_the_one_token_only_to_us_and_only_what_is_new(
    till: Till, pay: Pay, grid: TronGrid, clock: FakeClock
) -> None:
    intent = await till.begin(1000)
    token = {"symbol": "USDT", "address": "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj", "decimals": 6, "name": "Tether USD"}
    pay(intent, 10_000_000, token_info=token)
    pay(intent, 10_000_000, type="Approval")
    pay(intent, 10_000_000, to="TJmmqjb1DK9TTZbQXzRQ2AuA94z4gKAPFh", **{"from": address_of(intent)})
    pay(intent, 0)
    grid.pay(address_of(intent), 10_000_000, clock.now().timestamp() - 7200)
    for grid.careless in (False, True):
        await till.paid(intent, S.PENDING, 0)
    grid.rows[-1]["block_timestamp"] = int(clock.now().timestamp() * 1000)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_a_sum_beyond_all_reason_waits_for_an_admin(till: Till, pay: Pay) -> None:
    intent = await till.begin(1000)
    pay(intent, 2**255)
    for _ in range(2):
        await till.paid(intent, S.PENDING, 0)
    (row,) = await till.unmatched()
    assert row.amount == Money(2**63 - 1, "USDT")


SENSELESS = [
    b"<html>",
    [],
    {"data": None, "success": True},
    {"data": [], "success": False},
    {"data": ["text"], "success": True, "meta": {}},
    {"data": [{}], "success": True, "meta": {}},
]


async def test_senseless_answers_change_nothing(till: Till, pay: Pay, grid: TronGrid) -> None:
    intent = await till.begin(1000)
    pay(intent, 10_000_000)
    for grid.spoil in SENSELESS:
        assert (await till.look(intent)).status is S.PENDING
        assert (await till.reconcile()).error
    grid.spoil = None
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_an_amount_that_is_none_is_not_believed(till: Till, pay: Pay, grid: TronGrid) -> None:
    intent = await till.begin(1000)
    for value in ("-5000000", "5.0", "٥", "1e7", "", "9" * 79, 5_000_000, None):
        pay(intent, 10_000_000, value=value)
        assert (await till.look(intent)).status is S.PENDING
        grid.rows.pop()
    pay(intent, 10_000_000)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_an_outage_and_a_wrong_key_are_waited_out(till: Till, pay: Pay, grid: TronGrid) -> None:
    intent = await till.begin(1000)
    pay(intent, 10_000_000)
    for status in (500, 503, 429, 403, 400):
        grid.status = status
        await till.paid(intent, S.PENDING, 0)
    grid.status, grid.key = 200, "another"
    await till.paid(intent, S.PENDING, 0)
    grid.key = "the-key"
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_money_that_is_gone_is_told_by_the_comparison(till: Till, pay: Pay, grid: TronGrid) -> None:
    intent = await till.begin(1000)
    pay(intent, 10_000_000)
    await till.paid(intent, S.SUCCEEDED, 1000)
    grid.rows.clear()
    (difference,) = (await till.reconcile()).differences
    assert (difference.kind, difference.ours, difference.theirs) == (DifferenceKind.AMOUNT, 10_000_000, 0)
    await till.paid(intent, S.SUCCEEDED, 1000)


async def test_a_fingerprint_that_leads_in_a_circle_ends(till: Till, grid: TronGrid) -> None:
    intent = await till.begin(1000)
    grid.spoil = {"data": [], "success": True, "meta": {"fingerprint": "again"}}
    await till.paid(intent, S.PENDING, 0)
    assert len(grid.asked) == 2


async def test_nobody_calls_and_nothing_is_sent_back(till: Till) -> None:
    intent = await till.begin(1000)
    async with till.uow.read() as tx:
        reference = await ref(tx, intent)
    with pytest.raises(BadWebhook):
        await till.provider.webhook({}, b"{}")
    with pytest.raises(RefundRefused):
        await till.provider.refund(reference, usdt(1), "key")
    assert await till.unmatched() == []
