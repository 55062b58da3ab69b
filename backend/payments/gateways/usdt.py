"""Shared by the USDT providers of all chains: amounts, prices, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from backend.infra.settings import Settings, SettingsError
from backend.kernel.money import Money, exponent
from backend.payments.errors import BadWebhook, RefundRefused
from backend.payments.types import Capabilities, PaymentRef, ProviderReport, ProviderState, Refunded

ASSET: Final = "USDT"
DIGITS: Final = exponent(ASSET)
"""The ledger's decimals of USDT; a token may have more of them, never fewer."""

_LARGEST: Final = 10**15
"""In millionths of a USDT (a thousand million USDT). A larger sum becomes an unmatched payment."""
BIGINT: Final = 2**63 - 1
"""The largest amount of a provider event."""
_UINT256_DIGITS: Final = 78
_LISTED: Final = 20
_LIFETIME: Final = 3600
_FOLLOWED: Final = 7 * 24 * 3600


class Coins(msgspec.Struct, frozen=True):
    """A received transfer. ``units`` are the token's smallest; ``key`` is unique on its chain."""

    key: str
    units: int
    sender: str


def units_of(money: Money, decimals: int) -> int:
    """``money`` (USDT) in the smallest units of a token with ``decimals``, exactly."""
    return int(money.amount * 10 ** (decimals - DIGITS))


def micro_of(units: int, decimals: int) -> int:
    """The token's ``units`` in millionths, the ledger's smallest unit, rounded down."""
    return int(units // 10 ** (decimals - DIGITS))


def decimal_text(units: int, decimals: int) -> str:
    """``units`` as an exact decimal number without trailing zeros, of any size."""
    whole, rest = divmod(units, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def read_units(text: object) -> int:
    """Read an amount in a token's smallest units from an API. Raises ValueError for anything but a uint256."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > _UINT256_DIGITS:
        raise ValueError("not an amount")
    return int(text)


def read_price(settings: Settings) -> Decimal:
    """What one USDT is worth in the shop's currency. Raises SettingsError."""
    if not settings.usdt_price:
        if settings.shop_currency == "USD":
            return Decimal(1)
        raise SettingsError(f"USDT_PRICE must say what one USDT is worth in {settings.shop_currency}")
    try:
        price = Decimal(settings.usdt_price)
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not Decimal("0.000001") <= price <= Decimal(1_000_000):
        raise SettingsError("USDT_PRICE must be a number above zero, such as 0.92")
    return price


def capabilities(
    price: Decimal, wait_seconds: int, explorer: str, *, lookback: timedelta = timedelta(0)
) -> Capabilities:
    """Capabilities on a chain where a payment usually takes ``wait_seconds``.

    Not refundable: the private key of the operator's address is not on this server. ``explorer`` and ``lookback``
    (``statement_lookback_seconds``): see Capabilities.
    """
    return Capabilities(
        asset=ASSET,
        unit_price=price,
        wait_seconds=wait_seconds,
        lifetime_seconds=_LIFETIME,
        first_poll_seconds=5,
        slowest_poll_seconds=15,
        follow_seconds=_FOLLOWED,
        explorer=explorer,
        statement_lookback_seconds=int(lookback.total_seconds()),
    )


def report(
    external_id: str,
    coins: Sequence[Coins],
    decimals: int,
    *,
    credited: Money | None = None,
    progress: Mapping[str, str] | None = None,
) -> ProviderReport:
    """Report a payment: ``coins`` are final transfers, ``progress`` describes more on their way.

    ``credited`` is what the ledger has already. ``received`` is given in every state, so that reconciliation sees money
    that a chain lost in a reorganisation.
    """
    units = sum(item.units for item in coins)
    micro = micro_of(units, decimals)
    if micro > _LARGEST:
        return _too_large(external_id, coins, units, decimals)
    received = Money(micro, ASSET)
    known = credited is not None and received <= credited
    if not micro or (progress is not None and known):
        return ProviderReport(
            event_id=f"{external_id}:waits",
            state=ProviderState.PENDING if progress is None else ProviderState.CONFIRMING,
            external_id=external_id,
            received=received,
            details=dict(progress or {}),
        )
    return ProviderReport(
        event_id=f"{external_id}:{micro}",
        state=ProviderState.PAID,
        external_id=external_id,
        received=received,
        charge_id=coins[-1].key,
        details=describe(coins, decimals),
    )


def describe(coins: Sequence[Coins], decimals: int) -> dict[str, str]:
    """The latest transfers, for admins, and the rest (``dust``) that is below the ledger's smallest unit."""
    dust = sum(item.units for item in coins) % 10 ** (decimals - DIGITS)
    details = {item.key: f"{decimal_text(item.units, decimals)} < {item.sender}" for item in coins[-_LISTED:]}
    return details | ({"dust": decimal_text(dust, decimals)} if dust else {})


def _too_large(external_id: str, coins: Sequence[Coins], units: int, decimals: int) -> ProviderReport:
    """Report a sum that is too large as an unmatched payment; the exact sum is in ``details``."""
    return ProviderReport(
        event_id=f"{external_id}:{coins[-1].key}:too_large",
        state=ProviderState.PAID,
        external_id=f"{external_id}:too_large",
        received=Money(min(micro_of(units, decimals), BIGINT), ASSET),
        details={"sum": decimal_text(units, decimals)} | describe(coins, decimals),
    )


class Watcher:
    """The methods that are the same on all chains: no webhooks, no refunds, no statement."""

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: a chain sends no webhooks."""
        raise BadWebhook("a chain sends no webhooks")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: the private key is not on this server."""
        raise RefundRefused("USDT is sent back by hand")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: each payment is asked about by ``status``."""
        return None
