"""TronGrid and TON Center as their documentation describes them, on loopback, with transfers that the test makes.

Sources: developers.tron.network, "Get TRC-20 transaction history"; toncenter.com/api/v3, /jetton/transfers.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pytoniq_core import begin_cell

_MOST_TRON = 200
_MOST_TON = 1000


def _hash(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


class _Api:
    """What both have in common: transfers, a key, a switch, and how often they were asked."""

    header = ""

    def __init__(self) -> None:
        self.url = ""
        self.rows: list[dict[str, Any]] = []
        self.key = ""
        self.status = 200
        self.busy = 0
        """So many calls are told that they came too early."""
        self.apart = 0.0
        """The seconds that have to lie between two calls."""
        self._last = 0.0
        self.spoil: Any = None
        """An answer to give instead."""
        self.asked: list[dict[str, str]] = []
        self.page = 0
        """The longest page that it gives; 0 for the API's own limit."""
        self._numbers = itertools.count(1)

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        """Status and body of a call."""
        self.asked.append(query)
        early, self._last = time.monotonic() - self._last < self.apart, time.monotonic()
        if self.busy or early:
            self.busy = max(self.busy - 1, 0)
            return 429, {"error": "Ratelimit exceed"}
        if self.status != 200:
            return self.status, {"error": "down"}
        if self.key and headers.get(self.header.lower()) != self.key:
            return 401, {"error": "no key"}
        return 200, self.spoil if self.spoil is not None else self.list(path, query)

    def list(self, path: str, query: dict[str, str]) -> Any:
        """The transfers that are asked for."""
        raise NotImplementedError


class TronGrid(_Api):
    """``pay`` makes a transfer; a page is followed by the fingerprint that it ends with."""

    header = "TRON-PRO-API-KEY"
    contract = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    careless = False
    """Whether it forgets to filter by time."""

    def pay(self, address: str, units: int, at: float, **other: Any) -> dict[str, Any]:
        """A transfer at a time (seconds), with anything else about it."""
        row: dict[str, Any] = {
            "transaction_id": _hash(next(self._numbers)).hex(),
            "token_info": {"symbol": "USDT", "address": self.contract, "decimals": 6, "name": "Tether USD"},
            "block_timestamp": int(at * 1000),
            "from": "TJmmqjb1DK9TTZbQXzRQ2AuA94z4gKAPFh",
            "to": address,
            "type": "Transfer",
            "value": str(units),
        }
        self.rows.append(row | other)
        return self.rows[-1]

    def list(self, path: str, query: dict[str, str]) -> Any:
        """A page of /v1/accounts/{address}/transactions/trc20. It filters by the account and the time only."""
        address = path.split("/")[3]
        assert path == f"/v1/accounts/{address}/transactions/trc20"
        assert (query["only_confirmed"], query["contract_address"]) == ("true", self.contract)
        assert query["order_by"] == "block_timestamp,asc"
        limit = min(int(query["limit"]), self.page or _MOST_TRON)
        since = 0 if self.careless else int(query["min_timestamp"])
        rows = [row for row in self.rows if address in {row["to"], row["from"]} and row["block_timestamp"] >= since]
        rows.sort(key=lambda row: row["block_timestamp"])
        start = int(query["fingerprint"].removeprefix("after")) if "fingerprint" in query else 0
        part = rows[start : start + limit]
        meta: dict[str, Any] = {"at": 1, "page_size": len(part)}
        if start + limit < len(rows):
            meta["fingerprint"] = f"after{start + limit}"
        return {"data": part, "success": True, "meta": meta}


def comment_boc(comment: str) -> str:
    """A text comment as wallets make it, by a library that is not ours."""
    return base64.b64encode(begin_cell().store_uint(0, 32).store_snake_string(comment).end_cell().to_boc()).decode()


class TonCenter(_Api):
    """``pay`` makes a transfer; pages are by offset."""

    header = "X-API-Key"
    master = "0:B113A994B5024A16719F69139328EB759596C38A25F59028B146FECDC3621DFE"

    def pay(self, raw_address: str, units: int, at: float, comment: str | None, **other: Any) -> dict[str, Any]:
        """A transfer to an address of the form ``0:HEX`` at a time (seconds)."""
        sender = "0:" + _hash(0).hex().upper()
        row: dict[str, Any] = {
            "query_id": "0",
            "source": sender,
            "destination": raw_address,
            "amount": str(units),
            "source_wallet": sender,
            "jetton_master": self.master,
            "transaction_hash": base64.b64encode(_hash(next(self._numbers))).decode(),
            "transaction_lt": "1",
            "transaction_now": int(at),
            "transaction_aborted": False,
            "response_destination": sender,
            "custom_payload": None,
            "forward_ton_amount": "1",
            "forward_payload": None if comment is None else comment_boc(comment),
            "trace_id": "x",
        }
        self.rows.append(row | other)
        return self.rows[-1]

    def list(self, path: str, query: dict[str, str]) -> Any:
        """A page of /api/v3/jetton/transfers. It filters by the time only."""
        assert path == "/api/v3/jetton/transfers"
        assert query["jetton_master"] == self.master
        assert query["owner_address"].startswith("0:")
        assert (query["direction"], query["sort"]) == ("in", "asc")
        since, until = int(query["start_utime"]), int(query.get("end_utime", 2**62))
        rows = [row for row in self.rows if since <= row["transaction_now"] <= until]
        rows.sort(key=lambda row: row["transaction_now"])
        limit = min(int(query["limit"]), _MOST_TON)
        return {"jetton_transfers": rows[int(query["offset"]) :][:limit], "address_book": {}, "metadata": {}}


_AnyApi = TypeVar("_AnyApi", bound=_Api)


@contextmanager
def serving(api: _AnyApi) -> Iterator[_AnyApi]:
    """Serve the API on loopback while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = api.answer(parts.path, query, headers)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield api
        server.shutdown()
        thread.join()
