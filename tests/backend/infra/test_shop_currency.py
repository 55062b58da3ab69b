"""SHOP_CURRENCY stays what it was once prices or money exist: every process and every command holds to it."""

from __future__ import annotations

import asyncio
import os
import signal

import asyncpg
import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.infra import shop_currency
from backend.infra.environment import load_settings
from backend.infra.roots import run_process
from backend.infra.settings import Settings
from backend.infra.shop_currency import PRICES, other_currency
from backend.infra.unit_of_work import Tx
from backend.kernel.money import Money
from backend.metadata import metadata
from tests.factories.catalog import add_variant
from tests.factories.wallet import add_person, give
from tests.processes import environment

# Amounts of these are in the ledger too, or are of what has been: no price, and no money that is not there as well.
_FOLLOW = {
    "stock_batches", "orders", "payment_intents", "payment_events", "payment_refunds", "top_up_bonuses",
    "value_made", "wallet_holds", "wallet_adjustments", "cart_lines", "favourites", "subscriptions",
    "subscription_charges", "course_grants", "order_bulks",
}  # fmt: skip
REFUSAL = (
    "SHOP_CURRENCY is EUR, but the shop has prices or money in USD, and amounts are not converted: "
    "set SHOP_CURRENCY=USD, or start with an empty database"
)


def test_no_table_with_prices_is_forgotten() -> None:
    assert {table.name for table in metadata.sorted_tables if "currency" in table.columns} == {*PRICES, *_FOLLOW}


async def test_what_fixes_the_currency(services: Services, settings: Settings) -> None:
    async def other(currency: str) -> str:
        changed = load_settings(environment(settings) | {"SHOP_CURRENCY": currency})
        return await other_currency(changed)

    assert await other("EUR") == ""
    async with services.uow() as tx:
        await give(tx, await add_person(tx), Money(500, "USD"))
    assert (await other("EUR"), await other("USD")) == ("USD", "")
    await _forget_money(services)
    assert await other("EUR") == ""
    await add_variant(services.catalog)
    assert (await other("EUR"), await other("USD")) == ("USD", "")


async def _forget_money(services: Services) -> None:
    async with services.uow() as tx:
        await _delete(tx, "ledger_legs", "ledger_transfers", "ledger_accounts")


async def _delete(tx: Tx, *tables: str) -> None:
    deletes = [f"DELETE FROM {table}" for table in tables]
    for sql in ("SET session_replication_role = replica", *deletes, "SET session_replication_role = origin"):
        await tx.execute(text(sql))


async def test_no_process_starts_with_another_one(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await add_variant(services.catalog)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SHOP_CURRENCY", "EUR")

    def never(_: Settings) -> int:
        raise AssertionError("it served")

    assert await asyncio.to_thread(run_process, "web", never) == 2
    assert capsys.readouterr().err == f"souk: {REFUSAL}\n"


def test_a_database_that_was_away_is_asked_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[Exception | str] = [OSError("away"), asyncpg.CannotConnectNowError("starting"), "EUR"]
    killed: list[tuple[int, int]] = []

    async def ask(_: Settings) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(shop_currency, "other_currency", ask)
    monkeypatch.setattr(shop_currency, "_AGAIN_SECONDS", 0)
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    shop_currency._ask_on(settings)
    assert killed == [(os.getpid(), signal.SIGTERM)]
    said = capsys.readouterr().err
    assert said.startswith("souk: SHOP_CURRENCY is USD, but the shop has prices or money in EUR") and not answers
