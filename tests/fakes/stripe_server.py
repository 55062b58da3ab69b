"""Stripe's API as its documentation describes it: over HTTP, on loopback, with money that is not real."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

from backend.kernel.clock import Clock
from tests.fakes.http_server import Request, Response

Hook = tuple[dict[str, str], bytes]
SECRET_KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
WEBHOOK_SECRET = "whsec_test_d1b7f7a1c5c84f2a"


class StripeServer:
    """One account. ``down`` lets it answer 503."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.down = False
        self.sessions: list[dict[str, Any]] = []
        self.charges: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self.disputes: list[dict[str, Any]] = []
        self.calls: list[Request] = []
        self._by_key: dict[str, tuple[str, Response]] = {}
        self._ids = itertools.count(1)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def forget_keys(self) -> None:
        """A day has passed: idempotency keys are gone."""
        self._by_key.clear()

    async def answer(self, request: Request) -> Response:
        if self.down:
            return Response(503, json={"error": {"type": "api_error", "message": "down"}})
        self.calls.append(request)
        if request.headers.get("authorization") != f"Bearer {SECRET_KEY}":
            return self._error("Invalid API Key provided", status=401)
        if request.method != "POST":
            return self._get(request)
        key = request.headers.get("idempotency-key", "")
        known = self._by_key.get(key)
        if known is not None:
            same = known[0] == request.body.decode()
            return known[1] if same else self._error("other parameters", kind="idempotency_error")
        answer = self._post(request)
        self._by_key[key] = (request.body.decode(), answer)
        return answer

    @staticmethod
    def _error(message: str, code: str = "", kind: str = "invalid_request_error", status: int = 400) -> Response:
        return Response(status, json={"error": {"type": kind, "code": code or None, "message": message}})

    def _post(self, request: Request) -> Response:
        form = request.form()
        if request.path == "/v1/checkout/sessions":
            return self._create_session(form)
        if request.path == "/v1/refunds":
            return self._create_refund(form)
        return self._error("unknown path", status=404)

    def _create_session(self, form: dict[str, str]) -> Response:
        item = "line_items[0][price_data]"
        currency, units = form[f"{item}[currency]"], int(form[f"{item}[unit_amount]"])
        if currency != currency.lower() or (currency in {"kwd", "bhd"} and units % 10):
            return self._error("invalid amount", "amount_invalid")
        if not 1800 <= int(form["expires_at"]) - self._now() <= 86400:
            return self._error("expires_at must be between 30 minutes and 24 hours from now")
        if form["mode"] != "payment" or not form[f"{item}[product_data][name]"]:
            return self._error("missing")
        session = self.add_session(form["client_reference_id"], units, currency, int(form["expires_at"]))
        session["success_url"], session["cancel_url"] = form["success_url"], form["cancel_url"]
        session["metadata"] = {"souk_payment": form["metadata[souk_payment]"]}
        session["_mark"] = {"souk_payment": form["payment_intent_data[metadata][souk_payment]"]}
        return Response(json=self._show(session))

    def add_session(self, reference: str | None, units: int, currency: str = "usd", expires: int = 0) -> dict[str, Any]:
        name = f"cs_test_{next(self._ids):08}"
        session = {
            "id": name, "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "amount_total": units, "currency": currency, "client_reference_id": reference, "payment_intent": None,
            "url": f"https://checkout.stripe.com/c/pay/{name}", "created": self._now(), "expires_at": expires,
            "metadata": {"souk_payment": reference} if reference else {}, "mode": "payment", "livemode": False,
        }  # fmt: skip
        self.sessions.insert(0, session)
        return session

    @staticmethod
    def _show(item: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in item.items() if not name.startswith("_")}

    def charge_of(self, payment_intent: str) -> dict[str, Any]:
        return next(item for item in self.charges if item["payment_intent"] == payment_intent)

    def _create_refund(self, form: dict[str, str]) -> Response:
        charge, units = self.charge_of(form["payment_intent"]), int(form["amount"])
        if charge["amount"] == charge["amount_refunded"]:
            return self._error("already refunded", "charge_already_refunded")
        if units > charge["amount"] - charge["amount_refunded"]:
            return self._error("greater than unrefunded amount")
        metadata = {key[9:-1]: value for key, value in form.items() if key.startswith("metadata[")}
        return Response(json=self._show(self.add_refund(charge, units, metadata)))

    def add_refund(self, charge: dict[str, Any], units: int, metadata: dict[str, str]) -> dict[str, Any]:
        charge["amount_refunded"] += units
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = {
            "id": f"re_{next(self._ids):08}", "object": "refund", "amount": units, "currency": charge["currency"],
            "charge": charge["id"], "payment_intent": charge["payment_intent"], "status": "succeeded",
            "metadata": metadata, "created": self._now(),
        }  # fmt: skip
        self.refunds.insert(0, refund)
        return refund

    def _get(self, request: Request) -> Response:
        parts = request.path.removeprefix("/v1/").split("/")
        if parts[:2] == ["checkout", "sessions"]:
            if len(parts) == 2:
                return self._list(self.sessions, request.query)
            objects = [item for item in self.sessions if item["id"] == parts[2]]
            return Response(json=self._expanded(objects[0])) if objects else self._error("No such session", status=404)
        if parts[0] == "charges":
            objects = [item for item in self.charges if item["id"] == parts[1]]
            return Response(json=objects[0]) if objects else self._error("No such charge", status=404)
        return self._list(self.refunds if parts[0] == "refunds" else self.disputes, request.query)

    def _expanded(self, session: dict[str, Any]) -> dict[str, Any]:
        shown = self._show(session)
        if session["payment_intent"]:
            charge = self.charge_of(session["payment_intent"])
            state = session.get("_state", "succeeded")
            shown["payment_intent"] = {"id": session["payment_intent"], "status": state, "latest_charge": charge}
        return shown

    def _list(self, items: list[dict[str, Any]], query: dict[str, str]) -> Response:
        low, high = int(query.get("created[gte]", 0)), int(query.get("created[lt]", 2**40))
        listed = [item for item in items if low <= item["created"] < high]
        for name in ("payment_intent", "charge"):
            listed = [item for item in listed if name not in query or item[name] == query[name]]
        if "starting_after" in query:
            after = [item["id"] for item in listed].index(query["starting_after"])
            listed = listed[after + 1 :]
        limit = int(query.get("limit", 10))
        page = [self._show(item) for item in listed[:limit]]
        if query.get("expand[0]") == "data.charge":
            page = [{**item, "charge": next(c for c in self.charges if c["id"] == item["charge"])} for item in page]
        return Response(json={"object": "list", "data": page, "has_more": len(listed) > limit, "url": "/v1/x"})

    def session_of(self, reference: str) -> dict[str, Any]:
        return next(item for item in self.sessions if item["client_reference_id"] == reference)

    def pay(self, session: dict[str, Any], units: int | None = None) -> dict[str, Any]:
        """Let the payer pay the session (which then is over ``units``, where they are given)."""
        name = f"pi_{next(self._ids):08}"
        session["amount_total"] = session["amount_total"] if units is None else units
        session |= {"payment_intent": name, "status": "complete", "payment_status": "paid"}
        self.charges.insert(0, {
            "id": f"ch_{next(self._ids):08}", "object": "charge", "amount": session["amount_total"],
            "amount_refunded": 0, "refunded": False, "disputed": False, "currency": session["currency"],
            "payment_intent": name, "metadata": session.get("_mark", {}), "created": self._now(), "paid": True,
        })  # fmt: skip
        return session

    def dispute(self, charge: dict[str, Any], units: int) -> dict[str, Any]:
        """Let the payer's bank take money back."""
        charge["disputed"] = True
        dispute = {
            "id": f"dp_{next(self._ids):08}", "object": "dispute", "amount": units, "charge": charge["id"],
            "currency": charge["currency"], "payment_intent": charge["payment_intent"], "status": "needs_response",
            "created": self._now(), "metadata": {},
        }  # fmt: skip
        self.disputes.insert(0, dispute)
        return dispute

    def hook(self, kind: str, item: dict[str, Any]) -> Hook:
        """The event that Stripe sends about an object."""
        event = {
            "id": f"evt_{next(self._ids):08}", "object": "event", "api_version": "2026-10-28.endive",
            "created": self._now(), "livemode": False, "pending_webhooks": 1, "type": kind,
            "data": {"object": self._show(item)}, "request": {"id": None, "idempotency_key": None},
        }  # fmt: skip
        return self.signed(json.dumps(event, indent=2).encode())

    def signed(self, body: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> Hook:
        """``body`` with its signature."""
        stamp = int(time.time() if at is None else at)
        signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "stripe-signature": f"t={stamp},v1={signature},v0=6ffbb59b"}, body
