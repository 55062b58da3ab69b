"""USDT on TON: one address of the operator, and a comment that names the payment; read through TON Center."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from backend.infra.settings import Settings, SettingsError
from backend.kernel.ids import parse_short_number, short_number
from backend.kernel.money import Money
from backend.payments.errors import ProviderBusy, ProviderDown
from backend.payments.gateways import usdt
from backend.payments.gateways.usdt_addresses import base_url, ton_raw
from backend.payments.gateways.usdt_boc import read_comment
from backend.payments.ports import Answer, Http, ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
)

_DECIMALS: Final = 6
_PAGE: Final = 1000
_MOST_PAGES: Final = 100
# Source: docs.ton.org, "Rate limits": one call a second without a key. With one, 429 is waited out.
_APART_SECONDS: Final = 1.05
_BUSY_SECONDS: Final = 1.0
_TRIES: Final = 4
_WAIT_SECONDS: Final = 30
_OK: Final = 200
# Of the main network, which is the one with this token.
_USDT: Final = "0:B113A994B5024A16719F69139328EB759596C38A25F59028B146FECDC3621DFE"
_EXPLORER: Final = "https://tonviewer.com/transaction/{tx}"
_BEFORE: Final = timedelta(hours=1)
_LOOKBACK: Final = timedelta(hours=2)
# A statement reports totals, so it looks so far back for earlier parts of a payment.
_PARTS: Final = timedelta(days=60)
_SECOND: Final = timedelta(seconds=1)
_HALF: Final = 6
_CHECK_BITS: Final = 15
_CHECK: Final = (1 << _CHECK_BITS) - 1
_OWN: Final = (1 << 45) - 1
_MOST_WORDS: Final = 8


class Codes:
    """The comments of payments: twelve characters; 45 bits are the payment's own, 15 detect typing errors.

    They come from its random id, not from its number: a database that was restored gives numbers out again, and old
    transfers must not pay for new payments. The receiving address is in the check, so another shop's are not ours.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def of(self, intent_id: UUID) -> str:
        """The comment of a payment."""
        own = intent_id.int & _OWN
        return short_number(own >> _CHECK_BITS) + self._second(own)

    def find(self, comment: str) -> str | None:
        """Find a payment's comment in a text (any case, look-alike letters accepted); None if there is none."""
        for word in comment.split()[:_MOST_WORDS]:
            first, second = parse_short_number(word[:_HALF]), parse_short_number(word[_HALF:])
            if first is None or second is None:
                continue
            code = self._second(first << _CHECK_BITS | second >> _CHECK_BITS)
            if parse_short_number(code) == second:
                return short_number(first) + code
        return None

    def _second(self, own: int) -> str:
        """The second half: the last 15 of the payment's own bits, and the check bits."""
        digest = hashlib.sha256(f"souk:{self._address}:{own}".encode()).digest()
        check = int.from_bytes(digest[:4], "big") & _CHECK
        return short_number((own & _CHECK) << _CHECK_BITS | check)


class _Jettons(msgspec.Struct, frozen=True):
    coins: usdt.Coins
    at: int
    comment: str


class TonProvider(usdt.Watcher):
    """Assigns transfers of one jetton to one address to payments, by their comments."""

    name = "usdt_ton"

    def __init__(self, *, http: Http, url: str, api_key: str, address: str, master: str, can: Capabilities) -> None:
        self.capabilities = can
        self._http = http
        self._url = url
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._apart = 0.0 if api_key else _APART_SECONDS
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self._address = address
        self._raw_address = ton_raw(address)
        self._master = master
        self._raw_master = ton_raw(master)
        self.codes = Codes(self._raw_address)

    async def create(self, payment: PaymentRef) -> Created:
        """Make the payment's comment, without a call."""
        comment = self.codes.of(payment.intent_id)
        units = usdt.units_of(payment.payable, _DECIMALS)
        fields = {
            "network": "TON",
            "address": self._address,
            "amount": usdt.decimal_text(units, _DECIMALS),
            "asset": usdt.ASSET,
            "comment": comment,
            "uri": f"ton://transfer/{self._address}?jetton={self._master}&amount={units}&text={comment}",
        }
        return Created(comment, PayAction(ActionKind.TRANSFER, fields=fields))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Report the transfers with the payment's comment. Raises ProviderDown."""
        since = payment.created_at - _BEFORE
        transfers = [item async for item in self._transfers(since, None)]
        code = payment.external_id or ""
        return usdt.report(code, [item.coins for item in transfers if self.codes.find(item.comment) == code], _DECIMALS)

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """The transfers of the period: totals by payment, and each transfer that names no payment."""
        recent: dict[str, list[usdt.Coins]] = {}
        strays: list[ProviderReport] = []
        async for item in self._transfers(since, until):
            code = self.codes.find(item.comment)
            if code is None:
                strays.append(_stray(item))
            else:
                recent.setdefault(code, []).append(item.coins)
        earlier: dict[str, list[usdt.Coins]] = {}
        if recent:
            async for item in self._transfers(since - _PARTS, since - _SECOND):
                earlier.setdefault(self.codes.find(item.comment) or "", []).append(item.coins)
        return [usdt.report(code, earlier.get(code, []) + coins, _DECIMALS) for code, coins in recent.items()] + strays

    async def _transfers(self, since: datetime, until: datetime | None) -> AsyncIterator[_Jettons]:
        """The received transfers, the oldest first, each once. Raises ProviderDown."""
        params = {
            "owner_address": self._raw_address,
            "jetton_master": self._raw_master,
            "direction": "in",
            "start_utime": str(int(since.timestamp())),
            "sort": "asc",
            "limit": str(_PAGE),
        }
        if until is not None:
            params["end_utime"] = str(int(until.timestamp()))
        known: set[str] = set()
        for page in range(_MOST_PAGES):
            rows = await self._page(params | {"offset": str(page * _PAGE)})
            for row in rows:
                item = self._read(row)
                if item is not None and item.coins.key not in known:
                    known.add(item.coins.key)
                    yield item
            if len(rows) < _PAGE:
                return
        raise ProviderDown("TON's API has more transfers than can be read at once")

    async def _page(self, params: dict[str, str]) -> list[Any]:
        answer = await self._ask(params)
        body = answer.json()
        rows = body.get("jetton_transfers") if isinstance(body, dict) else None
        if answer.status != _OK or not isinstance(rows, list):
            raise ProviderDown(f"TON's API answered {answer.status} without transfers")
        return rows

    async def _ask(self, params: dict[str, str]) -> Answer:
        """Call the API within its rate limit, again after a 429. Raises ProviderDown."""
        async with self._turn:
            for _ in range(_TRIES - 1):
                try:
                    return await self._ask_once(params)
                except ProviderBusy:
                    await asyncio.sleep(_BUSY_SECONDS)
            return await self._ask_once(params)

    async def _ask_once(self, params: dict[str, str]) -> Answer:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(self._free_at - clock(), 0))
        try:
            url = f"{self._url}/api/v3/jetton/transfers"
            return await self._http.call("GET", url, headers=self._headers, params=params)
        finally:
            self._free_at = clock() + self._apart

    def _read(self, row: Any) -> _Jettons | None:
        """Read a successful transfer of the jetton to the operator's address; None for anything else.

        Raises ProviderDown for what makes no sense.
        """
        try:
            if row["transaction_aborted"] is not False:
                return None
            if ton_raw(row["jetton_master"]) != self._raw_master or ton_raw(row["destination"]) != self._raw_address:
                return None
            units = usdt.read_units(row["amount"])
            # In hex, as people and explorers know it.
            coins = usdt.Coins(
                base64.b64decode(row["transaction_hash"], validate=True).hex(), units, str(row["source"])
            )
            transfer = _Jettons(coins, int(row["transaction_now"]), read_comment(row.get("forward_payload")))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProviderDown("TON's API gave a transfer without sense") from error
        return transfer if units else None


def _stray(item: _Jettons) -> ProviderReport:
    """Report a transfer that names no payment: it becomes an unmatched payment."""
    details = {"comment": item.comment} | usdt.describe([item.coins], _DECIMALS)
    return ProviderReport(
        event_id=f"transfer:{item.coins.key}",
        state=ProviderState.PAID,
        external_id=f"transfer:{item.coins.key}",
        received=Money(min(item.coins.units, usdt.BIGINT), usdt.ASSET),
        charge_id=item.coins.key,
        details=details,
    )


def _build(settings: Settings, kit: ProviderKit) -> TonProvider:
    for variable, text in (
        ("USDT_TON_ADDRESS", settings.usdt_ton_address),
        ("USDT_TON_MASTER", settings.usdt_ton_master),
    ):
        try:
            ton_raw(text)
        except ValueError:
            raise SettingsError(f"{variable} is not a TON address, or has a mistake in it") from None
    explorer = _EXPLORER if ton_raw(settings.usdt_ton_master) == _USDT else ""
    return TonProvider(
        http=kit.http,
        url=base_url(settings.usdt_ton_url, "USDT_TON_URL"),
        api_key=settings.usdt_ton_api_key,
        address=settings.usdt_ton_address,
        master=settings.usdt_ton_master,
        can=usdt.capabilities(usdt.read_price(settings), _WAIT_SECONDS, explorer, lookback=_LOOKBACK),
    )


SPEC: Final = ProviderSpec(name="usdt_ton", needs=("USDT_TON_ADDRESS",), build=_build)
