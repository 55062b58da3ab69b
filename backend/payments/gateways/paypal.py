"""PayPal Checkout: the payer approves an order at PayPal, then the shop captures the money.

Source: https://developer.paypal.com/docs/api/orders/v2/, payments/v2 and transaction-search/v1.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

import msgspec

from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.gateways import reading
from backend.payments.gateways.paypal_api import PayPalApi, PayPalSignature
from backend.payments.gateways.paypal_messages import Amount, Capture, Event, Info, Order, Search
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Covers,
    Created,
    IntentId,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refunded,
)

CURRENCIES: Final = reading.codes(
    "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD"
)
"""Source: https://developer.paypal.com/api/rest/reference/currency-codes/."""
_WHOLE: Final = frozenset({"HUF", "JPY", "TWD"})
_SKEW: Final = timedelta(hours=1)
_SPAN: Final = timedelta(days=31)  # the longest period that a search takes
_PAGE: Final = 500
_ORDERS_CACHED: Final = 20_000
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_TAKEN: Final = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
_SENT: Final = frozenset({"COMPLETED", "PENDING"})
_REFUSED: Final = frozenset({"DECLINED", "FAILED", "DENIED"})
_NEVER: Final = frozenset({"CANCELLED", "FAILED"})
# Event codes of a search: payments; refunds, reversals and chargebacks.
_PAYMENT: Final = "T00"
_BACK: Final = frozenset({"T1106", "T1107", "T1201"})


class PayPalProvider:
    """Orders of one REST app."""

    name = "paypal"

    def __init__(self, *, api: PayPalApi, signature: PayPalSignature, public_url: str) -> None:
        self._api = api
        self._signature = signature
        self._public_url = public_url.rstrip("/")
        self._orders: dict[str, str] = {}  # by capture
        # In every order: orders of another shop with the same account must not be captured here.
        self._shop = f"souk-{hashlib.sha256(self._public_url.encode()).hexdigest()[:16]}"
        self.capabilities = Capabilities(
            currencies=CURRENCIES, refundable=True, wait_seconds=60, lifetime_seconds=3600, first_poll_seconds=10
        )

    async def create(self, payment: PaymentRef) -> Created:
        """Create an order for the payer to approve.

        PayPal's orders last three hours: an approval after the payment's lifetime is late money.
        """
        back = f"{self._public_url}/wallet/payments/{payment.intent_id}"
        unit = {
            "reference_id": self._shop,
            "custom_id": str(payment.intent_id),
            # PayPal accepts one payment for each invoice_id.
            "invoice_id": str(payment.intent_id),
            "amount": _amount(payment.payable),
        }
        context = {
            "return_url": back,
            "cancel_url": back,
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
        }
        body = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": context}},
        }
        order = await self._api.call("POST", "/v2/checkout/orders", Order, body=body, key=str(payment.intent_id))
        url = next((link.href for link in order.links if link.rel in {"payer-action", "approve"}), "")
        if not url:
            raise ProviderDown("paypal gave no payment URL")
        return Created(order.id, PayAction(ActionKind.LINK, url=url))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """The state of the order; an approved one is captured now. None if PayPal no longer has it.

        PayPal deletes orders earlier than captures: then the capture is asked.
        """
        try:
            order = await self._order(payment.external_id or "")
        except reading.Refused:
            return await self._of_charge(payment)
        if order.status == "APPROVED":
            order = await self._capture(order.id)
        reports = _of_order(order, ProviderDown)
        known = [report for report in reports if report.received is None or report.received > payment.received]
        return (known or reports)[0]

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Read what a call is about, and fetch it from PayPal; an approved order is captured.

        The signature covers a CRC32 of the body, which any body can be made to have. So only ids are taken from the
        body, and the order, capture or refund with that id is fetched. A call is accepted for three days, with the body
        that it had first (``ProviderReport.call``).
        """
        call = await self._signature.verify(headers, body)
        event = reading.notice(body, Event)
        try:
            reports = await self._fetch(event.event_type, bytes(event.resource))
        except reading.Refused as error:
            raise BadWebhook("paypal: a call about an unknown resource") from error
        return [msgspec.structs.replace(report, call=call) for report in reports]

    async def _fetch(self, kind: str, data: bytes) -> list[ProviderReport]:
        """Fetch the resource that a call names from PayPal's API. Raises reading.Refused for an unknown one."""
        if kind == "CHECKOUT.ORDER.APPROVED":
            named = reading.notice(data, Order)
            if not self._is_ours(named):  # a forged call wins nothing by this: polling captures it
                return []
            order = await self._order(named.id)
            if not self._is_ours(order):
                return []
            return _of_order(await self._capture(order.id) if order.status == "APPROVED" else order, ProviderDown)
        if kind in {"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"}:
            return [await self._of_refund(reading.notice(data, Capture))]
        if kind.startswith("PAYMENT.CAPTURE."):
            named_capture = reading.notice(data, Capture)
            capture = await self._captured(named_capture.id)
            claimed, actual = named_capture.amount, capture.amount
            if claimed and actual and _money(claimed, BadWebhook) != _money(actual, ProviderDown):
                raise BadWebhook("paypal: a call that contradicts PayPal's API")
            return [_of_capture(capture, capture.order_id, None, ProviderDown)]
        return []

    def _is_ours(self, order: Order) -> bool:
        return any(unit.reference_id == self._shop for unit in order.purchase_units)

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Refund a capture, in part or in full; PayPal keeps idempotency keys for 45 days."""
        if not payment.charge_id or reading.exact_units(amount, _places(amount.currency)) is None:
            raise RefundRefused("paypal: no charge, or an amount that PayPal cannot refund")
        path = f"/v2/payments/captures/{quote(payment.charge_id, safe='')}/refund"
        try:
            refund = await self._api.call("POST", path, Capture, body={"amount": _amount(amount)}, key=idempotency_key)
        except reading.Refused as error:
            raise RefundRefused(f"paypal: {error}") from error
        if refund.status in _NEVER:
            raise RefundRefused(f"paypal: the refund is {refund.status}")
        if refund.status not in _SENT:
            raise ProviderDown("paypal did not say how the refund ended")
        return Refunded(refund.id)

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """The shop's payments and refunds of a period; None if the app has no permission to search transactions.

        The account's other business is left out. PayPal lists a payment after up to three hours.
        """
        reports: list[ProviderReport] = []
        back: dict[tuple[str, str], Money] = {}
        try:
            async for info in self._transactions(since - _SKEW, until):
                code, reference = info.transaction_event_code, info.paypal_reference_id
                if code in _BACK and reference:
                    money = _money(info.transaction_amount, ProviderDown, signed=True)
                    name = (reference, money.currency)
                    back[name] = back.get(name, Money.zero(money.currency)) + money
                elif code.startswith(_PAYMENT) and reading.intent_id(info.custom_field):
                    reports += await self._of_payment(info)
        except reading.Refused:
            return None
        for (capture_id, _), least in back.items():
            report = await self._returned(capture_id, least)
            reports += [report] if report else []
        return reports

    async def _transactions(self, since: datetime, until: datetime) -> AsyncIterator[Info]:
        start = since
        while start < until:
            end, page, pages = min(start + _SPAN, until), 1, 1
            while page <= pages:
                params = {
                    "start_date": start.strftime(_TIME),
                    "end_date": end.strftime(_TIME),
                    "fields": "transaction_info",
                    "transaction_status": "S",
                    "page_size": str(_PAGE),
                    "page": str(page),
                }
                search = await self._api.call("GET", "/v1/reporting/transactions", Search, params=params)
                for item in search.transaction_details:
                    yield item.transaction_info
                page, pages = page + 1, search.total_pages
            start = end

    async def _order(self, order_id: str) -> Order:
        return await self._api.call("GET", f"/v2/checkout/orders/{quote(order_id, safe='')}", Order)

    async def _capture(self, order_id: str) -> Order:
        """Capture an approved order, which works once: a second call finds it captured."""
        try:
            path = f"/v2/checkout/orders/{quote(order_id, safe='')}/capture"
            await self._api.call("POST", path, Order, body={})
        except reading.Refused:
            pass  # captured before, or the payer must choose another card: the order says which
        return await self._order(order_id)

    async def _of_charge(self, payment: PaymentRef) -> ProviderReport | None:
        """Report a payment's capture; None if there is none, or PayPal does not have it."""
        if not payment.charge_id:
            return None
        try:
            capture = await self._captured(payment.charge_id)
        except reading.Refused:
            return None
        report = _of_capture(capture, capture.order_id, None, ProviderDown)
        if report.received is not None and report.received <= payment.received:
            return await self._returned(capture.id, None) or report
        return report

    async def _of_refund(self, named: Capture) -> ProviderReport:
        """The refund total of a capture, after a call about a refund or a reversal of it.

        A reversal is not a refund for PayPal's API: it shows in the state of the capture and the order.
        """
        try:
            path = f"/v2/payments/refunds/{quote(named.id, safe='')}"
            refund = await self._api.call("GET", path, Capture)
        except reading.Refused:
            refund = Capture(id=named.id, links=named.links)
        above = [link.href for link in refund.links if link.rel == "up" and "/captures/" in link.href]
        if not above:
            raise BadWebhook("paypal: a refund of no capture")
        capture_id = above[0].rpartition("/")[2]
        amount = refund.seller_payable_breakdown.total_refunded_amount or refund.amount
        total = _money(amount, ProviderDown) if amount and refund.status in _SENT else None
        report = await self._returned(capture_id, total)
        if report is None and total is not None:  # other business, or an assigned unmatched payment
            report = _back(capture_id, "", None, total)
        if report is None:
            raise BadWebhook("paypal: an unknown refund")
        return report

    async def _of_payment(self, info: Info) -> list[ProviderReport]:
        """Report a payment in the transaction search that names a payment of the shop.

        The search has no order id, and a buyer may have written that name: the capture is fetched, once.
        """
        capture_id = info.transaction_id
        if capture_id not in self._orders:
            try:
                capture = await self._captured(capture_id)
            except reading.Refused:
                return []
            while len(self._orders) >= _ORDERS_CACHED:
                del self._orders[next(iter(self._orders))]
            self._orders[capture_id] = capture.order_id
        amount, custom_id = info.transaction_amount, info.custom_field
        capture = Capture(id=capture_id, status="COMPLETED", amount=amount, custom_id=custom_id)
        return [_of_capture(capture, self._orders[capture_id], None, ProviderDown)]

    async def _captured(self, capture_id: str) -> Capture:
        return await self._api.call("GET", f"/v2/payments/captures/{quote(capture_id, safe='')}", Capture)

    async def _returned(self, capture_id: str, least: Money | None) -> ProviderReport | None:
        """The refund total of a capture: by its order, its own state, or ``least``, whichever is the largest.

        None for a capture of other business, and without refunds.
        """
        try:
            capture = await self._captured(capture_id)
        except reading.Refused:
            return None
        intent_id = reading.intent_id(capture.custom_id)
        if intent_id is None:
            return None
        order_id, totals = capture.order_id, [least] if least else []
        if capture.status == "REFUNDED" and capture.amount is not None:
            totals.append(_money(capture.amount, ProviderDown))
        try:
            reports = _of_order(await self._order(order_id), ProviderDown) if order_id else []
        except reading.Refused:
            reports = []  # PayPal deletes orders, not captures
        totals += [report.refunded for report in reports if report.refunded is not None]
        alike = [money for money in totals if money.currency == totals[0].currency]
        return _back(capture_id, order_id, intent_id, max(alike, key=lambda money: money.amount)) if alike else None


def _places(currency: str) -> int:
    return 0 if currency in _WHOLE else 2


def _amount(money: Money) -> dict[str, str]:
    """``money`` in PayPal's format: text with the currency's decimals, rounded up to a whole unit without any."""
    places = _places(money.currency)
    return {"currency_code": money.currency, "value": reading.to_text(reading.to_units(money, places), places)}


def _money(amount: Amount, refusal: reading.Refusal, *, signed: bool = False) -> Money:
    """Read an amount of PayPal's. ``signed``: from a search, where outgoing money has a minus, which is dropped."""
    text = amount.value.removeprefix("-") if signed else amount.value
    return reading.parse(text, reading.currency_code(amount.currency_code, refusal), refusal)


def _back(capture_id: str, order_id: str, intent_id: IntentId | None, total: Money) -> ProviderReport:
    return ProviderReport(
        event_id=f"refunded:{capture_id}:{total.amount}",
        state=ProviderState.REFUNDED,
        # A capture without an order is not of this shop, even if it names a payment.
        intent_id=intent_id if order_id else None,
        external_id=order_id or None,
        refunded=total,
        charge_id=capture_id,
        sole_charge=True,
    )


def _of_capture(
    capture: Capture, order_id: str, intent_id: IntentId | None, refusal: reading.Refusal
) -> ProviderReport:
    """Report a capture. Anyone can write a payment's id into it, so its order must be the payment's too."""
    named = (reading.intent_id(capture.custom_id) or intent_id) if order_id else None
    external_id, state = order_id or capture.id, ProviderState.CONFIRMING
    if capture.status in _REFUSED:
        state = ProviderState.FAILED
    if capture.status not in _TAKEN:
        return ProviderReport(event_id=f"{state}:{capture.id}", state=state, intent_id=named, external_id=external_id)
    if capture.amount is None:
        raise refusal("paypal: a capture without its amount")
    received = _money(capture.amount, refusal)
    if not received:
        raise refusal("paypal: a capture of nothing")
    return ProviderReport(
        event_id=f"paid:{capture.id}:{received.amount}",
        state=ProviderState.PAID,
        intent_id=named,
        external_id=external_id,
        received=received,
        charge_id=capture.id,
        sole_charge=True,
        details={"order": order_id[:64], "capture": capture.id[:64]},
    )


def _of_order(order: Order, refusal: reading.Refusal) -> list[ProviderReport]:
    """Report an order: its captures, then its refunds; without captures its state."""
    reports: list[ProviderReport] = []
    for unit in order.purchase_units:
        intent_id = reading.intent_id(unit.custom_id)
        for capture in unit.payments.captures:
            report = _of_capture(capture, order.id, intent_id, refusal)
            reports.append(report)
        refunds = [
            _money(item.amount, refusal) for item in unit.payments.refunds if item.status in _SENT and item.amount
        ]
        if refunds and unit.payments.captures:
            total = Money(sum(money.amount for money in refunds), refunds[0].currency)
            reports.append(_back(unit.payments.captures[0].id, order.id, intent_id, total))
    if reports:
        return reports
    state = ProviderState.EXPIRED if order.status == "VOIDED" else ProviderState.PENDING
    return [ProviderReport(event_id=f"{state}:{order.id}", state=state, external_id=order.id)]


def _build(settings: Settings, kit: ProviderKit) -> PayPalProvider:
    url = settings.paypal_url
    client_id, secret = settings.paypal_client_id, settings.paypal_secret
    return PayPalProvider(
        api=PayPalApi(http=kit.http, clock=kit.clock, client_id=client_id, secret=secret, url=url),
        signature=PayPalSignature(
            http=kit.http, clock=kit.clock, memory=kit.memory, url=url, webhook_id=settings.paypal_webhook_id
        ),
        public_url=settings.public_url,
    )


SPEC: Final = ProviderSpec(
    name="paypal",
    needs=("PAYPAL_CLIENT_ID", "PAYPAL_SECRET", "PAYPAL_WEBHOOK_ID"),
    build=_build,
    webhook=True,
    covers=Covers.CHECKSUM,
)
