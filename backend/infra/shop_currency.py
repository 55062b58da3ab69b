"""SHOP_CURRENCY against what the shop holds: amounts are not converted, so it stays once prices or money exist."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import Final

import asyncpg

from backend.infra.dsn import connect_arguments
from backend.infra.settings import Settings, SettingsError

_AGAIN_SECONDS: Final = 2.0
PRICES: Final = ("variants", "voucher_batches", "gift_cards", "bonus_rules", "promos")
"""Tables whose ``currency`` is the shop's. All other amounts stand in the ledger as well."""

# As text, because a process asks before it has loaded anything of the slices.
_OTHER: Final = " UNION ALL ".join(
    [
        *(f"(SELECT currency FROM {table} WHERE currency <> $1 LIMIT 1)" for table in PRICES),  # noqa: S608 - ours
        "(SELECT asset FROM ledger_accounts WHERE user_id IS NOT NULL AND asset NOT IN ($1, 'CREDIT') LIMIT 1)",
    ]
)
AWAY: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What asking raises while the database is away or has no tables yet."""


async def other_currency(settings: Settings) -> str:
    """A currency other than SHOP_CURRENCY in which the shop has prices or money; empty when there is none.

    Raises an error of ``AWAY`` when the database cannot be asked.
    """
    connection = await asyncpg.connect(**connect_arguments(settings.database_url))
    try:
        return str(await connection.fetchval(f"{_OTHER} LIMIT 1", settings.shop_currency) or "")
    finally:
        await connection.close(timeout=2)


def refusal(settings: Settings, other: str) -> str:
    """Why SHOP_CURRENCY cannot be what it is, in one line that says what to do."""
    return (
        f"SHOP_CURRENCY is {settings.shop_currency}, but the shop has prices or money in {other}, and amounts are not "
        f"converted: set SHOP_CURRENCY={other}, or start with an empty database"
    )


async def check_currency(settings: Settings) -> None:
    """See that SHOP_CURRENCY is the shop's; a database that is away is let pass. Raises SettingsError."""
    try:
        other = await other_currency(settings)
    except AWAY:
        return
    if other:
        raise SettingsError(refusal(settings, other))


def require_currency(settings: Settings) -> None:
    """Ask before a process starts; where the database is away, ask on beside it and end the process if need be.

    Raises SettingsError.
    """
    try:
        other = asyncio.run(other_currency(settings))
    except AWAY:
        threading.Thread(target=_ask_on, args=(settings,), name="currency", daemon=True).start()
        return
    if other:
        raise SettingsError(refusal(settings, other))


def _ask_on(settings: Settings) -> None:
    while True:
        time.sleep(_AGAIN_SECONDS)
        try:
            other = asyncio.run(other_currency(settings))
        except AWAY:
            continue
        if other:
            sys.stderr.write(f"souk: {refusal(settings, other)}\n")
            os.kill(os.getpid(), signal.SIGTERM)
        return
