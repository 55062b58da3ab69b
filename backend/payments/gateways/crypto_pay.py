"""Crypto Pay: an invoice in the shop's currency, paid in coins inside of Telegram (@CryptoBot).

Source: https://help.send.tg/en/articles/10279948-crypto-pay-api (API 1.5).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final, TypeVar

import msgspec

from backend.infra.settings import Settings
from backend.kernel.clock import Clock
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.gateways import reading
from backend.payments.ports import Http, ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Covers,
    Created,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refunded,
)

SIGNATURE: Final = "crypto-pay-api-signature"
FIAT: Final = reading.codes("USD EUR RUB BYN UAH GBP CNY KZT UZS GEL TRY AMD THB INR BRL IDR AZN AED PLN ILS")
"""The fiat currencies that an invoice can be in; all of them have two decimals there and here."""
_PAGE: Final = 1000
_SKEW: Final = timedelta(hours=1)
_LONGEST_SPEND_ID: Final = 64
_SPENT: Final = "SPEND_ID"
_UNAUTHORIZED: Final = 401
T = TypeVar("T")


class _Invoice(msgspec.Struct, kw_only=True):
    """The fields of an invoice that are read; the API writes amounts as text."""

    invoice_id: int
    status: str
    amount: str
    created_at: datetime
    currency_type: str = "crypto"
    fiat: str = ""
    asset: str = ""
    payload: str = ""
    paid_asset: str = ""
    paid_amount: str = ""
    mini_app_invoice_url: str = ""
    bot_invoice_url: str = ""


class _Transfer(msgspec.Struct, kw_only=True):
    transfer_id: int
    completed_at: datetime
    spend_id: str = ""


class _Currency(msgspec.Struct):
    code: str
    decimals: int = 8


class _Update(msgspec.Struct):
    update_type: str
    payload: msgspec.Raw


class _Items(msgspec.Struct):
    items: list[msgspec.Raw]


class _Error(msgspec.Struct):
    name: str = ""


class _Envelope(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error = msgspec.field(default_factory=_Error)


class CryptoPayProvider:
    """Invoices of one Crypto Pay app.

    Refunds are transfers of the paid coins to the payer's Telegram account: transfers must be allowed in the app's
    settings (Security, Transfers), and the app's balance must hold the coins.
    """

    name = "crypto_pay"
    capabilities = Capabilities(currencies=FIAT, refundable=True, first_poll_seconds=10)

    def __init__(self, *, http: Http, clock: Clock, token: str, url: str, public_url: str) -> None:
        self._http = http
        self._clock = clock
        self._token = token
        self._url = url.rstrip("/")
        self._public_url = public_url.rstrip("/")
        self._key = hashlib.sha256(token.encode()).digest()

    async def create(self, payment: PaymentRef) -> Created:
        """Create an invoice; the API has no idempotency key, so look for an earlier one first."""
        invoice = await self._find_earlier(payment)
        if invoice is None:
            left = int((payment.expires_at - self._clock.now()).total_seconds())
            asked = {
                "currency_type": "fiat",
                "fiat": payment.payable.currency,
                "amount": f"{payment.payable.decimal():f}",
                "payload": str(payment.intent_id),
                "expires_in": max(left, 60),
                "paid_btn_name": "callback",
                "paid_btn_url": f"{self._public_url}/wallet/payments/{payment.intent_id}",
                "allow_comments": False,
            }
            invoice = _as(await self._call("createInvoice", asked), _Invoice)
        url = invoice.mini_app_invoice_url or invoice.bot_invoice_url
        return Created(str(invoice.invoice_id), PayAction(ActionKind.LINK, url=url))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """The state of the invoice; None if the operator deleted it."""
        invoice = await self._find(payment)
        return _report(invoice, ProviderDown) if invoice else None

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Read a paid invoice.

        The signature (HMAC-SHA256 in hex, with the token's SHA-256 as the key) covers every byte of the body, but no
        time: a captured call can be repeated. That changes nothing, since ``event_id`` is the invoice and its amount.
        """
        if not hmac.compare_digest(reading.header(headers, SIGNATURE), self.sign(body)):
            raise BadWebhook("crypto_pay: wrong signature")
        update = reading.notice(body, _Update)
        if update.update_type != "invoice_paid":
            return []
        invoice = reading.notice(bytes(update.payload), _Invoice)
        if invoice.status != "paid":
            raise BadWebhook("crypto_pay: an invoice_paid update of an unpaid invoice")
        return [_report(invoice, BadWebhook)]

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Send the share of the paid coins for ``amount`` to the payer, rounded down to the coin's decimals."""
        if payment.external_id is None:
            raise RefundRefused("crypto_pay: the payment has no invoice")
        spend_id = _spend_id(payment.external_id, amount, idempotency_key)
        # First: an earlier call may have sent it, even if the invoice is gone since.
        sent = await self._find_transfer(spend_id) or await self._send(payment, amount, spend_id)
        return Refunded(str(sent.transfer_id))

    async def _send(self, payment: PaymentRef, amount: Money, spend_id: str) -> _Transfer:
        invoice = await self._find(payment)
        if invoice is None or invoice.status != "paid" or invoice.fiat != amount.currency:
            raise RefundRefused("crypto_pay: no such paid invoice")
        asked = {
            "user_id": payment.payer_telegram_id,
            "asset": invoice.paid_asset,
            "amount": await self._coins(invoice, amount),
            "spend_id": spend_id,
        }
        try:
            return _as(await self._call("transfer", asked), _Transfer)
        except reading.Refused as error:
            # Each spend_id is accepted once: a parallel call may have been first.
            sent = await self._find_transfer(spend_id)
            if sent is not None:
                return sent
            if _SPENT in str(error):
                raise ProviderDown("crypto_pay knows the transfer and does not list it yet") from error
            raise RefundRefused(f"crypto_pay: {error}") from error

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """The paid invoices of a period, and the refund totals of those that were refunded in it."""
        reports = []
        async for item in self._pages("getInvoices", status="paid"):
            invoice = _as(item, _Invoice)
            if invoice.created_at < since - _SKEW:
                break
            if invoice.created_at < until + _SKEW:
                reports.append(_report(invoice, ProviderDown))
        return reports + await self._refunds(since)

    def sign(self, body: bytes) -> str:
        """The signature of ``body``."""
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    async def _call(self, method: str, asked: dict[str, Any]) -> msgspec.Raw:
        """Call the API. Raises ProviderDown, reading.Refused."""
        said = await self._http.call(
            "POST", f"{self._url}/api/{method}", headers={"Crypto-Pay-API-Token": self._token}, json=asked
        )
        envelope = reading.answer(said, _Envelope)
        if said.status == _UNAUTHORIZED:
            raise ProviderDown("crypto_pay does not accept CRYPTO_PAY_TOKEN")
        if not envelope.ok:
            raise reading.Refused(f"crypto_pay refused {method}: {envelope.error.name}")
        return envelope.result

    async def _pages(self, method: str, **asked: str) -> AsyncIterator[msgspec.Raw]:
        """All items of a list, the latest first."""
        offset = 0
        while True:
            items = _as(await self._call(method, {**asked, "offset": offset, "count": _PAGE}), _Items).items
            for item in items:
                yield item
            if len(items) < _PAGE:
                return
            offset += _PAGE

    async def _find(self, payment: PaymentRef) -> _Invoice | None:
        if payment.external_id is None:  # an assigned unmatched payment; without ids the API would list all
            return None
        items = _as(await self._call("getInvoices", {"invoice_ids": payment.external_id}), _Items).items
        invoices = [_as(item, _Invoice) for item in items]
        return next((item for item in invoices if str(item.invoice_id) == payment.external_id), None)

    async def _find_earlier(self, payment: PaymentRef) -> _Invoice | None:
        async for item in self._pages("getInvoices"):
            invoice = _as(item, _Invoice)
            if invoice.payload == str(payment.intent_id):
                return invoice
            if invoice.created_at < payment.created_at - _SKEW:
                return None
        return None

    async def _find_transfer(self, spend_id: str) -> _Transfer | None:
        items = _as(await self._call("getTransfers", {"spend_id": spend_id}), _Items).items
        transfers = [_as(item, _Transfer) for item in items]
        return next((transfer for transfer in transfers if transfer.spend_id == spend_id), None)

    async def _coins(self, invoice: _Invoice, amount: Money) -> str:
        currencies = _as(await self._call("getCurrencies", {}), list[_Currency])
        places = next((item.decimals for item in currencies if item.code == invoice.paid_asset), 8)
        paid = _report(invoice, ProviderDown).received
        if paid is None or amount > paid:
            raise RefundRefused("crypto_pay: more than was paid")
        try:
            coins = Fraction(invoice.paid_amount) * amount.amount / paid.amount
        except ValueError as error:
            raise ProviderDown("crypto_pay did not say what was paid") from error
        return reading.to_text(int(coins * 10**places), places)

    async def _refunds(self, since: datetime) -> list[ProviderReport]:
        """The refund total of each invoice that was refunded in the period, in part or in full."""
        totals: dict[str, Money] = {}
        async for item in self._pages("getTransfers"):
            transfer = _as(item, _Transfer)
            late = transfer.completed_at >= since - _SKEW
            if not late and not totals:
                break
            refund = _read_spend_id(transfer.spend_id)
            if refund is not None and (late or refund[0] in totals):
                invoice, amount = refund
                totals[invoice] = totals.get(invoice, Money.zero(amount.currency)) + amount
        return [
            ProviderReport(
                event_id=f"refunded:{invoice}:{total.amount}",
                state=ProviderState.REFUNDED,
                external_id=invoice,
                refunded=total,
            )
            for invoice, total in totals.items()
        ]


def _as(raw: msgspec.Raw, kind: type[T]) -> T:
    return reading.decode(bytes(raw), kind, ProviderDown)


def _spend_id(invoice_id: str, amount: Money, key: str) -> str:
    """An idempotency key that holds what is refunded, so that ``statement`` can read it."""
    spend_id = f"{invoice_id}:{amount.amount}{amount.currency}:{key.replace('-', '')}"
    if len(spend_id) <= _LONGEST_SPEND_ID:
        return spend_id
    return f"{spend_id.rpartition(':')[0]}:{hashlib.sha256(key.encode()).hexdigest()[:24]}"


_SPEND_ID: Final = re.compile("([0-9]{1,19}):([0-9]{1,15})([A-Z]{3}):.+")


def _read_spend_id(text: str) -> tuple[str, Money] | None:
    match = _SPEND_ID.fullmatch(text)
    return (match[1], Money(int(match[2]), match[3])) if match else None


def _report(invoice: _Invoice, refusal: reading.Refusal) -> ProviderReport:
    """Report an invoice. It is paid in full or not at all; its fiat amount is credited, not its coins."""
    external_id, state = str(invoice.invoice_id), ProviderState.PENDING
    intent_id = reading.intent_id(invoice.payload)
    if invoice.status == "expired":
        state = ProviderState.EXPIRED
    if invoice.status != "paid":
        event_id = f"{state}:{external_id}"
        return ProviderReport(event_id=event_id, state=state, intent_id=intent_id, external_id=external_id)
    code = reading.currency_code(invoice.fiat if invoice.currency_type == "fiat" else invoice.asset, refusal)
    received = reading.parse(invoice.amount, code, refusal)
    if not received:
        raise refusal("crypto_pay: an invoice over nothing")
    return ProviderReport(
        event_id=f"paid:{external_id}:{received.amount}",
        state=ProviderState.PAID,
        intent_id=intent_id,
        external_id=external_id,
        received=received,
        charge_id=external_id,
        details={"paid": f"{invoice.paid_amount[:40]} {invoice.paid_asset[:12]}", "payload": invoice.payload[:64]},
    )


def _build(settings: Settings, kit: ProviderKit) -> CryptoPayProvider:
    return CryptoPayProvider(
        http=kit.http,
        clock=kit.clock,
        token=settings.crypto_pay_token,
        url=settings.crypto_pay_url,
        public_url=settings.public_url,
    )


SPEC: Final = ProviderSpec(
    name="crypto_pay", needs=("CRYPTO_PAY_TOKEN",), build=_build, webhook=True, covers=Covers.BODY
)
