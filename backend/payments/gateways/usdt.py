"""What paying in USDT has in common on every chain: amounts, prices, reports."""

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
"""In millionths of a USDT. No payment brings a thousand million of them: a sum beyond is for an admin to see."""
BIGINT: Final = 2**63 - 1
"""The most that a message about money can tell."""
_UINT256_DIGITS: Final = 78
_LISTED: Final = 20
_LIFETIME: Final = 3600
_FOLLOWED: Final = 7 * 24 * 3600


class Coins(msgspec.Struct, frozen=True):
    """A transfer that reached us. ``units`` are the token's smallest; ``key`` is unique on its chain."""

    key: str
    units: int
    sender: str


def units_of(money: Money, decimals: int) -> int:
    """``money`` (USDT) in the smallest units of a token with ``decimals``, exactly."""
    return int(money.amount * 10 ** (decimals - DIGITS))


def micro_of(units: int, decimals: int) -> int:
    """The token's ``units`` in millionths, rounded down: what is less than that cannot be booked."""
    return int(units // 10 ** (decimals - DIGITS))


def decimal_text(units: int, decimals: int) -> str:
    """``units`` as a plain decimal number without idle zeros, exactly, however large."""
    whole, rest = divmod(units, 10**decimals)
    fraction = str(rest).rjust(decimals, "0").rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def read_units(text: object) -> int:
    """An amount in a token's smallest units, as an API writes it. Raises ValueError for anything but a uint256."""
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
    """Of a chain on which a payment usually takes ``wait_seconds``. The money lies at an address of the operator's,
    whose private key is not here: nothing can be sent back. ``explorer``, ``lookback``: see Capabilities."""
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
    """What the chain says of a payment: ``coins`` have come for good, ``progress`` tells of more on its way.

    ``credited`` is what the books know of already. The report tells ``received`` in every state, so that money which a
    chain took back is seen when the books are compared.
    """
    units = sum(item.units for item in coins)
    micro = micro_of(units, decimals)
    if micro > _LARGEST:
        return _too_large(external_id, coins, units, decimals)
    received = Money(micro, ASSET)
    told_before = credited is not None and received <= credited
    if not micro or (progress is not None and told_before):
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
    """The latest transfers for an admin, and what of their sum is too small to be booked."""
    dust = sum(item.units for item in coins) % 10 ** (decimals - DIGITS)
    told = {item.key: f"{decimal_text(item.units, decimals)} < {item.sender}" for item in coins[-_LISTED:]}
    return told | ({"dust": decimal_text(dust, decimals)} if dust else {})


def _too_large(external_id: str, coins: Sequence[Coins], units: int, decimals: int) -> ProviderReport:
    """For no payment, so that it waits among the unmatched; the exact sum is in the details."""
    return ProviderReport(
        event_id=f"{external_id}:{coins[-1].key}:too_large",
        state=ProviderState.PAID,
        external_id=f"{external_id}:too_large",
        received=Money(min(micro_of(units, decimals), BIGINT), ASSET),
        details={"sum": decimal_text(units, decimals)} | describe(coins, decimals),
    )


class Watcher:
    """A chain calls nobody, has no list of our payments, and money leaves it by the operator's own wallet only."""

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: a chain calls nobody."""
        raise BadWebhook("no chain calls here")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: there is no private key on this server."""
        raise RefundRefused("USDT is sent back by hand")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: each payment is looked at by itself."""
        return None
