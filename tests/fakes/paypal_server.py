"""PayPal's API as its documentation describes it: over HTTP, on loopback, with money that is not real."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from backend.kernel.clock import Clock
from tests.fakes.http_server import Request, Response

Hook = tuple[dict[str, str], bytes]
CLIENT_ID, SECRET, WEBHOOK_ID = (
    "AYSq3RDGsmBLJE-otTkBtM-jBRd1TCQwFf9RGfwddNXWz0uFU9ztymylOhRS",
    "EGnHDxD_qRPdaLdZz8i",
    "1JE4291016473214C",
)


@lru_cache
def key() -> rsa.RSAPrivateKey:
    """PayPal's key for signatures, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(signer: rsa.RSAPrivateKey, now: datetime, days: int = 30) -> bytes:
    """A certificate of ``signer`` as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "messageverificationcerts.paypal.com")])
    certificate = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(signer.public_key())
    certificate = certificate.serial_number(7).not_valid_before(now - timedelta(days=abs(days)))
    certificate = certificate.not_valid_after(now + timedelta(days=days))
    return certificate.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class PayPalServer:
    """One REST app. ``down`` lets it answer 503; ``searchable`` is the app's permission to search transactions."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.url = ""
        self.down = False
        self.searchable = True
        self.declines = False
        self.orders: dict[str, dict[str, Any]] = {}
        self.captures: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.calls: list[Request] = []
        self.certificates = {"CERT-360caa42-fca2a594-a5cafa77": certificate(key(), clock.now())}
        self._token = "A21AAFEpH4PsADK7qSS7pSRsgz"
        self._by_key: dict[tuple[str, str], Response] = {}
        self._ids = itertools.count(1)

    def _id(self) -> str:
        return f"5O190127TN{next(self._ids):07}"

    def _at(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def revoke(self) -> None:
        """Let all tokens end."""
        self._token = f"A21AA{next(self._ids)}"

    async def answer(self, request: Request) -> Response:
        if self.down:
            return Response(503, json={"name": "INTERNAL_SERVER_ERROR"})
        self.calls.append(request)
        if request.path.startswith("/v1/notifications/certs/"):
            certificate = self.certificates.get(request.path.rpartition("/")[2])
            return Response(404) if certificate is None else Response(body=certificate)
        if request.path == "/v1/oauth2/token":
            basic = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {basic}" or request.form() != {
                "grant_type": "client_credentials"
            }:
                return Response(401, json={"error": "invalid_client"})
            return Response(json={"access_token": self._token, "token_type": "Bearer", "expires_in": 32400})
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return Response(401, json={"error": "invalid_token"})
        name = request.headers.get("paypal-request-id", "")
        if name and (name, request.path) in self._by_key:
            return self._by_key[name, request.path]
        answer = self._answer(request)
        if name and answer.status < 300:
            self._by_key[name, request.path] = answer
        return answer

    @staticmethod
    def _problem(issue: str, status: int = 422) -> Response:
        return Response(status, json={"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}], "message": "no"})

    def _answer(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        if request.path == "/v1/reporting/transactions":
            return self._search(request.query)
        if request.path == "/v2/checkout/orders":
            return self._create(request.json())
        if parts[1] == "checkout":
            order = self.orders.get(parts[3])
            if order is None:
                return self._problem("INVALID_RESOURCE_ID", 404)
            return self._capture(order) if parts[-1] == "capture" else Response(json=order)
        if parts[2] == "refunds":
            refund = next((item for item in self.refunds if item["id"] == parts[3]), None)
            return self._problem("RESOURCE_NOT_FOUND", 404) if refund is None else Response(json=refund)
        capture = self.captures.get(parts[3])
        if capture is None:
            return self._problem("INVALID_RESOURCE_ID", 404)
        return self._refund(capture, request.json()) if parts[-1] == "refund" else Response(json=capture)

    def _create(self, asked: dict[str, Any]) -> Response:
        unit = asked["purchase_units"][0]
        whole = unit["amount"]["currency_code"] in {"JPY", "HUF", "TWD"}
        if asked["intent"] != "CAPTURE" or whole == ("." in unit["amount"]["value"]):
            return self._problem("DECIMALS_NOT_SUPPORTED" if whole else "DECIMAL_PRECISION")
        context = asked["payment_source"]["paypal"]["experience_context"]
        return Response(201, json=self.add_order(unit, context))

    def add_order(self, unit: dict[str, Any], context: dict[str, Any] | None = None) -> dict[str, Any]:
        name = self._id()
        links = [
            {"rel": "self", "href": f"{self.url}/v2/checkout/orders/{name}", "method": "GET"},
            {"rel": "payer-action", "href": f"https://www.paypal.com/checkoutnow?token={name}", "method": "GET"},
        ]
        self.orders[name] = {
            "id": name, "status": "PAYER_ACTION_REQUIRED", "intent": "CAPTURE", "create_time": self._at(),
            "purchase_units": [dict(unit)], "links": links, "payment_source": {"paypal": context or {}},
        }  # fmt: skip
        return self.orders[name]

    def _capture(self, order: dict[str, Any]) -> Response:
        if order["status"] == "COMPLETED":
            return self._problem("ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            return self._problem("ORDER_NOT_APPROVED")
        if self.declines:
            return self._problem("INSTRUMENT_DECLINED")
        self.take(order)
        return Response(201, json=order)

    def take(self, order: dict[str, Any], value: str | None = None) -> dict[str, Any]:
        """Capture an order."""
        unit, name = order["purchase_units"][0], self._id()
        amount = {**unit["amount"], **({"value": value} if value else order.get("_amount", {}))}
        capture = {
            "id": name, "status": "COMPLETED", "amount": amount, "final_capture": True, "create_time": self._at(),
            "custom_id": unit.get("custom_id", ""), "invoice_id": unit.get("invoice_id", ""),
            "supplementary_data": {"related_ids": {"order_id": order["id"]}},
            "seller_receivable_breakdown": {"gross_amount": amount},
            "links": [{"rel": "up", "href": f"{self.url}/v2/checkout/orders/{order['id']}", "method": "GET"}],
        }  # fmt: skip
        order["status"] = "COMPLETED"
        unit["payments"] = {"captures": [capture], "refunds": []}
        self.captures[name] = capture
        return capture

    def _gone(self, capture_id: str) -> int:
        return sum(_cents(item["amount"]["value"]) for item in self.refunds if item["_capture"] == capture_id)

    def _refund(self, capture: dict[str, Any], asked: dict[str, Any]) -> Response:
        left = _cents(capture["amount"]["value"]) - self._gone(capture["id"])
        if not left:
            return self._problem("CAPTURE_FULLY_REFUNDED")
        if _cents(asked["amount"]["value"]) > left:
            return self._problem("REFUND_AMOUNT_EXCEEDED")
        return Response(201, json=self.add_refund(capture, asked["amount"]["value"]))

    def add_refund(self, capture: dict[str, Any], value: str) -> dict[str, Any]:
        """Send money back."""
        currency = capture["amount"]["currency_code"]
        total = self._gone(capture["id"]) + _cents(value)
        refund = {
            "id": self._id(), "status": "COMPLETED", "amount": {"currency_code": currency, "value": value},
            "create_time": self._at(), "_capture": capture["id"], "invoice_id": capture["invoice_id"],
            "seller_payable_breakdown": {
                "gross_amount": {"currency_code": currency, "value": value},
                "total_refunded_amount": {"currency_code": currency, "value": f"{total // 100}.{total % 100:02}"},
            },
            "links": [
                {"rel": "self", "href": f"{self.url}/v2/payments/refunds/x", "method": "GET"},
                {"rel": "up", "href": f"{self.url}/v2/payments/captures/{capture['id']}", "method": "GET"},
            ],
        }  # fmt: skip
        self.refunds.append(refund)
        order = self.orders[capture["supplementary_data"]["related_ids"]["order_id"]]
        order["purchase_units"][0]["payments"]["refunds"].append(refund)
        capture["status"] = "REFUNDED" if total == _cents(capture["amount"]["value"]) else "PARTIALLY_REFUNDED"
        return refund

    def _search(self, query: dict[str, str]) -> Response:
        if not self.searchable:
            return Response(403, json={"name": "NOT_AUTHORIZED"})
        low, high = datetime.fromisoformat(query["start_date"]), datetime.fromisoformat(query["end_date"])
        assert high - low <= timedelta(days=31)
        rows = [(item, "T0006", "", "") for item in self.captures.values()]
        rows += [(item, "T1107", item["_capture"], "-") for item in self.refunds]
        items = [
            {
                "transaction_info": {
                    "transaction_id": item["id"], "transaction_event_code": code, "transaction_status": "S",
                    "transaction_initiation_date": item["create_time"], "invoice_id": item["invoice_id"],
                    "custom_field": item.get("custom_id", ""), "paypal_reference_id": reference,
                    "transaction_amount": {**item["amount"], "value": sign + item["amount"]["value"]},
                }
            }
            for item, code, reference, sign in rows
            if low <= datetime.fromisoformat(item["create_time"]) <= high
        ]  # fmt: skip
        size, page = min(int(query["page_size"]), 3), int(query["page"])  # small pages, so that there are several
        pages = max(-(-len(items) // size), 1)
        shown = items[(page - 1) * size : page * size]
        return Response(json={"transaction_details": shown, "page": page, "total_pages": pages})

    def order_of(self, custom_id: str) -> dict[str, Any]:
        return next(item for item in self.orders.values() if item["purchase_units"][0].get("custom_id") == custom_id)

    def hook(self, kind: str, resource: dict[str, Any]) -> Hook:
        """The call that PayPal makes about a resource."""
        event = {
            "id": f"WH-{self._id()}", "create_time": self._at(), "event_type": kind, "event_version": "1.0",
            "resource_version": "2.0", "summary": "A summary / with a slash", "resource": resource, "links": [],
        }  # fmt: skip
        return self.signed(json.dumps(event).replace("/", "\\/").encode())

    def signed(self, body: bytes, *, signer: rsa.RSAPrivateKey | None = None, webhook_id: str = WEBHOOK_ID) -> Hook:
        """``body`` with its signature."""
        number, at = f"69cd13f0-d67a-11e5-baa3-{next(self._ids):012}", self._at()
        message = f"{number}|{at}|{webhook_id}|{zlib.crc32(body)}".encode()
        signature = (signer or key()).sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "paypal-transmission-id": number,
            "paypal-transmission-time": at,
            "paypal-transmission-sig": base64.b64encode(signature).decode(),
            "paypal-cert-url": f"{self.url}/v1/notifications/certs/{next(iter(self.certificates))}",
            "paypal-auth-algo": "SHA256withRSA",
            "content-type": "application/json",
        }, body


def _cents(value: str) -> int:
    whole, _, fraction = value.partition(".")
    return int(whole + fraction.ljust(2, "0"))
