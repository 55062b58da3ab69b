"""Crypto Pay's API as its documentation describes it: over HTTP, on loopback, with coins that are not real."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from backend.kernel.clock import Clock
from tests.fakes.http_server import Request, Response

Hook = tuple[dict[str, str], bytes]
TOKEN = "12345:AAzQcZWQqQAbsfgPnOLr4FHC8Doa4L7KryC"
RATE = Decimal("1.0007")
"""Coins for one unit of fiat."""


class CryptoPayServer:
    """One app. ``down`` lets it answer 503; ``transfers_allowed`` is the switch in the app's security settings."""

    def __init__(self, clock: Clock, token: str = TOKEN) -> None:
        self.clock = clock
        self.token = token
        self.down = False
        self.transfers_allowed = True
        self.forgets_spend_ids = False
        self.invoices: list[dict[str, Any]] = []
        self.transfers: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._ids = itertools.count(528890)

    async def answer(self, request: Request) -> Response:
        if self.down:
            return Response(503, body=b"<html>Bad gateway</html>")
        if request.headers.get("crypto-pay-api-token") != self.token:
            return self._error(401, "UNAUTHORIZED")
        method, asked = request.path.removeprefix("/api/"), request.json()
        self.calls.append((method, asked))
        handler = getattr(self, f"_{method}", None)
        return self._error(405, "METHOD_NOT_FOUND") if handler is None else handler(asked)

    @staticmethod
    def _error(code: int, name: str) -> Response:
        return Response(code, json={"ok": False, "error": {"code": code, "name": name}})

    @staticmethod
    def _ok(result: Any) -> Response:
        return Response(json={"ok": True, "result": result})

    def _createInvoice(self, asked: dict[str, Any]) -> Response:
        if asked.get("currency_type") != "fiat" or not isinstance(asked.get("amount"), str):
            return self._error(400, "AMOUNT_INVALID")
        if not 1 <= asked["expires_in"] <= 2678400 or len(asked["payload"].encode()) > 4096:
            return self._error(400, "EXPIRES_IN_INVALID")
        return self._ok(self.add_invoice(asked["payload"], asked["amount"], asked["fiat"], asked["expires_in"]))

    def add_invoice(self, payload: str, amount: str, fiat: str = "USD", expires_in: int = 1800) -> dict[str, Any]:
        now, number = self.clock.now(), next(self._ids)
        invoice = {
            "invoice_id": number, "hash": f"IV{number}", "currency_type": "fiat", "fiat": fiat, "amount": amount,
            "accepted_assets": ["USDT", "TON", "BTC"], "status": "active", "payload": payload,
            "bot_invoice_url": f"https://t.me/CryptoBot?start=IV{number}",
            "mini_app_invoice_url": f"https://t.me/CryptoBot/app?startapp=invoice-IV{number}",
            "web_app_invoice_url": f"https://app.cr.bot/invoices/IV{number}",
            "created_at": now.isoformat(timespec="milliseconds"), "allow_comments": False, "allow_anonymous": True,
            "expiration_date": (now + timedelta(seconds=expires_in)).isoformat(timespec="milliseconds"),
        }  # fmt: skip
        self.invoices.insert(0, invoice)
        return invoice

    def _getInvoices(self, asked: dict[str, Any]) -> Response:
        invoices = self.invoices
        if asked.get("invoice_ids"):
            ids = str(asked["invoice_ids"]).split(",")
            invoices = [item for item in invoices if str(item["invoice_id"]) in ids]
        if asked.get("status"):
            invoices = [item for item in invoices if item["status"] == asked["status"]]
        return self._page(invoices, asked)

    def _page(self, items: list[dict[str, Any]], asked: dict[str, Any]) -> Response:
        count, offset = asked.get("count", 100), asked.get("offset", 0)
        if not 1 <= count <= 1000:
            return self._error(400, "COUNT_INVALID")
        return self._ok({"items": items[offset : offset + count]})

    def _getCurrencies(self, asked: dict[str, Any]) -> Response:
        return self._ok([
            {"is_blockchain": False, "is_stablecoin": True, "is_fiat": False, "code": "USDT", "decimals": 6},
            {"is_blockchain": False, "is_stablecoin": False, "is_fiat": True, "code": "USD", "decimals": 8},
        ])  # fmt: skip

    def _transfer(self, asked: dict[str, Any]) -> Response:
        if not self.transfers_allowed:
            return self._error(403, "METHOD_DISABLED")
        used = any(item["spend_id"] == asked["spend_id"] for item in self.transfers)
        if len(asked["spend_id"]) > 64 or (used and not self.forgets_spend_ids):
            return self._error(400, "SPEND_ID_ALREADY_USED")
        if Decimal(asked["amount"]) <= 0:
            return self._error(400, "AMOUNT_TOO_SMALL")
        transfer = {
            "transfer_id": next(self._ids), "user_id": asked["user_id"], "asset": asked["asset"],
            "amount": asked["amount"], "status": "completed", "spend_id": asked["spend_id"],
            "completed_at": self.clock.now().isoformat(timespec="milliseconds"),
        }  # fmt: skip
        self.transfers.insert(0, transfer)
        return self._ok(transfer)

    def _getTransfers(self, asked: dict[str, Any]) -> Response:
        transfers = self.transfers
        if asked.get("spend_id"):
            transfers = [item for item in transfers if item["spend_id"] == asked["spend_id"]]
        return self._page(transfers, asked)

    def pay(self, payload: str, amount: str | None = None) -> dict[str, Any]:
        """Let the payer pay the invoice (which then is over ``amount``, where one is given)."""
        invoice = next(item for item in self.invoices if item["payload"] == payload)
        invoice["amount"] = amount or invoice["amount"]
        coins = (Decimal(invoice["amount"]) * RATE).quantize(Decimal("0.000001"), ROUND_UP)
        invoice |= {
            "status": "paid", "paid_asset": "USDT", "paid_amount": f"{coins:f}", "paid_fiat_rate": "0.9993",
            "fee_asset": "USDT", "fee_amount": 0.05, "paid_anonymously": False,
            "paid_at": self.clock.now().isoformat(timespec="milliseconds"),
        }  # fmt: skip
        return invoice

    def hook(self, invoice: dict[str, Any], update_type: str = "invoice_paid") -> Hook:
        """The call that Crypto Pay makes about an invoice."""
        at = self.clock.now().isoformat(timespec="milliseconds")
        update = {"update_id": next(self._ids), "update_type": update_type, "request_date": at, "payload": invoice}
        return self.signed(json.dumps(update).encode())

    def signed(self, body: bytes, token: str | None = None) -> Hook:
        """``body`` with its signature."""
        secret = hashlib.sha256((token or self.token).encode()).digest()
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "crypto-pay-api-signature": signature}, body
