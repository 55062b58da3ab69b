"""USDT on TRON: an address for each payment, watched through TronGrid's API."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from typing import Any, Final

from backend.infra.settings import Settings
from backend.payments.errors import ProviderDown
from backend.payments.gateways import usdt
from backend.payments.gateways.usdt_addresses import Addresses, base_url, tron_address
from backend.payments.ports import Http, ProviderKit, ProviderSpec
from backend.payments.types import ActionKind, Capabilities, Created, PayAction, PaymentRef, ProviderReport

_DECIMALS: Final = 6
_PAGE: Final = 200
_MOST_PAGES: Final = 50
_WAIT_SECONDS: Final = 120
_OK: Final = 200
# Of the main network, which is the one with this contract.
_USDT: Final = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
_EXPLORER: Final = "https://tronscan.org/#/transaction/{tx}"
# Clocks differ: transfers are read from so long before the address was issued.
_BEFORE: Final = timedelta(hours=1)


class TronProvider(usdt.Watcher):
    """Reports confirmed transfers of one contract to the payment's own address."""

    name = "usdt_tron"

    def __init__(
        self, *, addresses: Addresses, http: Http, url: str, api_key: str, contract: str, can: Capabilities
    ) -> None:
        self.capabilities = can
        self._addresses = addresses
        self._http = http
        self._url = url
        self._headers = {"TRON-PRO-API-KEY": api_key} if api_key else {}
        self._contract = contract

    async def create(self, payment: PaymentRef) -> Created:
        """Derive an address for the payment, without a call."""
        address = self._addresses.at(payment.number)
        amount = usdt.decimal_text(usdt.units_of(payment.payable, _DECIMALS), _DECIMALS)
        fields = {
            "network": "TRON (TRC-20)",
            "address": address,
            "amount": amount,
            "asset": usdt.ASSET,
            "uri": f"tron:{address}?amount={amount}&token={self._contract}",
        }
        return Created(address, PayAction(ActionKind.TRANSFER, fields=fields))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Report the confirmed transfers. Raises ProviderDown."""
        address = payment.external_id or ""
        since = int((payment.created_at.astimezone(UTC) - _BEFORE).timestamp() * 1000)
        seen: Counter[tuple[str, str, int]] = Counter()
        fingerprint = ""
        for _ in range(_MOST_PAGES):
            rows, fingerprint = await self._page(address, since, fingerprint)
            here = Counter(item for item in (self._read(row, address, since) for row in rows) if item is not None)
            # One transaction may hold the same transfer twice, and rows have no number: what two pages show is the
            # same, what one page shows twice is two.
            seen |= here
            if not fingerprint:
                break
        coins = [
            usdt.Coins(f"{tx}:{units}:{number}", units, sender)
            for (tx, sender, units), times in seen.items()
            for number in range(times)
        ]
        return usdt.report(address, coins, _DECIMALS)

    async def _page(self, address: str, since: int, fingerprint: str) -> tuple[list[Any], str]:
        params = {
            "only_confirmed": "true",
            "contract_address": self._contract,
            "limit": str(_PAGE),
            "min_timestamp": str(since),
            "order_by": "block_timestamp,asc",
        }
        if fingerprint:
            params["fingerprint"] = fingerprint
        url = f"{self._url}/v1/accounts/{address}/transactions/trc20"
        answer = await self._http.call("GET", url, headers=self._headers, params=params)
        body = answer.json()
        rows = body.get("data") if isinstance(body, dict) else None
        if answer.status != _OK or not isinstance(rows, list) or body.get("success") is not True:
            raise ProviderDown(f"TRON's API answered {answer.status} without transfers")
        meta = body.get("meta")
        following = meta.get("fingerprint", "") if isinstance(meta, dict) else ""
        return rows, following if isinstance(following, str) and following != fingerprint else ""

    def _read(self, row: Any, address: str, since: int) -> tuple[str, str, int] | None:
        """Transaction, sender and units of a transfer of the token to the address; None for anything else.

        Raises ProviderDown for what makes no sense.
        """
        try:
            ours = row["token_info"]["address"] == self._contract and row["type"] == "Transfer"
            if not ours or row["to"] != address or int(row["block_timestamp"]) < since:
                return None
            units = usdt.read_units(row["value"])
            return (str(row["transaction_id"]), str(row["from"]), units) if units else None
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderDown("TRON's API gave a transfer without sense") from error


def _build(settings: Settings, kit: ProviderKit) -> TronProvider:
    explorer = _EXPLORER if settings.usdt_tron_contract == _USDT else ""
    return TronProvider(
        addresses=Addresses(settings.usdt_tron_xpub, "TRON", "USDT_TRON_XPUB"),
        http=kit.http,
        url=base_url(settings.usdt_tron_url, "USDT_TRON_URL"),
        api_key=settings.usdt_tron_api_key,
        contract=tron_address(settings.usdt_tron_contract, "USDT_TRON_CONTRACT"),
        can=usdt.capabilities(usdt.read_price(settings), _WAIT_SECONDS, explorer),
    )


SPEC: Final = ProviderSpec(name="usdt_tron", needs=("USDT_TRON_XPUB",), build=_build)
