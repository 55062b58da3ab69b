"""Stripe Checkout: cards and more on Stripe's own page.

Source: https://docs.stripe.com/api (checkout sessions, refunds, charges, disputes) and https://docs.stripe.com/webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from backend.infra.settings import Settings, SettingsError
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.gateways import reading
from backend.payments.gateways.stripe_amounts import CURRENCIES, exactly, from_stripe, minimum, most, to_stripe
from backend.payments.ports import ProviderKit, ProviderSpec
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

if TYPE_CHECKING:  # the stripe library is slow to load
    from backend.payments.gateways.stripe_api import StripeApi

SIGNATURE: Final = "stripe-signature"
_LIFETIME_SECONDS: Final = 3600
_SHORTEST_SECONDS: Final = 31 * 60  # sessions last at least 30 minutes; one more for the request
_SKEW: Final = timedelta(hours=1)
# A dispute in one of these has taken the money from the account.
_WITHDRAWN: Final = frozenset({"needs_response", "under_review", "lost"})
_FAILED: Final = frozenset({"failed", "canceled"})
_UNPAID: Final = frozenset({"requires_payment_method", "canceled"})
_PAYMENT_KEY: Final = "souk_payment"
_REFUND_KEY: Final = "souk_refund"


class _Charge(msgspec.Struct, kw_only=True):
    id: str
    currency: str
    amount_refunded: int = 0
    disputed: bool = False
    payment_intent: str | None = None
    metadata: dict[str, str] = {}


class _PaymentIntent(msgspec.Struct, kw_only=True):
    id: str
    status: str = ""
    latest_charge: _Charge | str | None = None


class _Session(msgspec.Struct, kw_only=True):
    id: str
    status: str | None = None
    payment_status: str = "unpaid"
    amount_total: int | None = None
    currency: str | None = None
    metadata: dict[str, str] | None = None
    payment_intent: _PaymentIntent | str | None = None
    url: str | None = None


class _Refund(msgspec.Struct, kw_only=True):
    id: str
    status: str | None = None
    charge: _Charge | str | None = None
    metadata: dict[str, str] | None = None


class _Dispute(msgspec.Struct, kw_only=True):
    id: str
    amount: int
    status: str
    charge: _Charge | str


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    type: str
    data: _Data


class StripeProvider:
    """Checkout sessions of one Stripe account."""

    name = "stripe"

    def __init__(self, *, api: StripeApi, public_url: str, currency: str) -> None:
        self._api = api
        self._public_url = public_url.rstrip("/")
        self.capabilities = Capabilities(
            currencies=CURRENCIES,
            minimum=minimum(currency),
            maximum=most(currency),
            refundable=True,
            wait_seconds=30,
            lifetime_seconds=_LIFETIME_SECONDS,
            shortest_seconds=_SHORTEST_SECONDS,
            first_poll_seconds=10,
        )

    async def create(self, payment: PaymentRef) -> Created:
        """Open a session, made of the payment only, so that the same key gives the same session."""
        back = f"{self._public_url}/wallet/payments/{payment.intent_id}"
        metadata = {_PAYMENT_KEY: str(payment.intent_id)}
        price = {
            "currency": payment.payable.currency.lower(),
            "unit_amount": to_stripe(payment.payable),
            "product_data": {"name": payment.title or f"#{payment.number}"},
        }
        session = await self._api.call(
            "post",
            "/v1/checkout/sessions",
            _Session,
            key=f"create:{payment.intent_id}",
            mode="payment",
            client_reference_id=str(payment.intent_id),
            line_items=[{"quantity": 1, "price_data": price}],
            metadata=metadata,
            payment_intent_data={"metadata": metadata},
            success_url=back,
            cancel_url=back,
            expires_at=int(payment.expires_at.timestamp()),
        )
        if not session.url:
            raise ProviderDown("stripe gave no payment URL")
        return Created(session.id, PayAction(ActionKind.LINK, url=session.url))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """The state of the session; once it is credited, its refunds. None for an unknown session."""
        path = f"/v1/checkout/sessions/{payment.external_id}"
        try:
            session = await self._api.call("get", path, _Session, expand=["payment_intent.latest_charge"])
        except reading.Refused:
            return None
        report = _of_session(session, ProviderDown)
        if report.received is not None and report.received <= payment.received:
            charge = getattr(session.payment_intent, "latest_charge", None)
            if isinstance(charge, _Charge):
                return await self._returned(charge, ProviderDown) or report
        return report

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Read an event that Stripe signed within the last five minutes.

        The signature (HMAC-SHA256 with the endpoint's secret) covers the time and every byte of the body, so the
        session and the charge in it are not fetched again; the charge of a dispute is, since the event does not have
        it. A repeated event changes nothing: ``event_id`` is the payment and its total.
        """
        signature = reading.header(headers, SIGNATURE)
        self._api.verify(body, signature)
        event = reading.notice(body, _Event)
        data = bytes(event.data.object)
        report: ProviderReport | None = None
        if event.type.startswith("checkout.session."):
            report = _of_session(reading.notice(data, _Session), BadWebhook, failed=event.type.endswith("_failed"))
        elif event.type == "charge.refunded":
            report = await self._returned(reading.notice(data, _Charge), BadWebhook)
        elif event.type in {"charge.dispute.created", "charge.dispute.funds_withdrawn"}:
            charge = await self._charge(reading.notice(data, _Dispute).charge)
            report = await self._returned(charge, ProviderDown)
        return [report] if report else []

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Refund a payment, in part or in full.

        Stripe drops idempotency keys after a day, so the key is also in the refund's metadata, and is looked for first.
        """
        units = exactly(amount)
        if not payment.charge_id or units is None:
            raise RefundRefused("stripe: no charge, or an amount that Stripe cannot refund")
        async for item in self._api.pages("/v1/refunds", _Refund, payment_intent=payment.charge_id):
            if (item.metadata or {}).get(_REFUND_KEY) == idempotency_key and item.status not in _FAILED:
                return Refunded(item.id)
        try:
            refund = await self._api.call(
                "post",
                "/v1/refunds",
                _Refund,
                key=f"refund:{idempotency_key}",
                payment_intent=payment.charge_id,
                amount=units,
                metadata={_REFUND_KEY: idempotency_key, _PAYMENT_KEY: str(payment.intent_id)},
            )
        except reading.Refused as error:
            raise RefundRefused(str(error)) from error
        if refund.status in _FAILED:
            raise RefundRefused(f"stripe: the refund {refund.status}")
        return Refunded(refund.id)

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """The paid sessions of a period, and the refunds and disputes in it."""
        period = {"created": {"gte": int((since - _SKEW).timestamp()), "lt": int((until + _SKEW).timestamp())}}
        reports: list[ProviderReport] = []
        async for session in self._api.pages("/v1/checkout/sessions", _Session, **period):
            report = _of_session(session, ProviderDown)
            if report.state is ProviderState.PAID:
                reports.append(report)
        charges: dict[str, _Charge] = {}
        async for refund in self._api.pages("/v1/refunds", _Refund, expand=["data.charge"], **period):
            if isinstance(refund.charge, _Charge):
                charges[refund.charge.id] = refund.charge
        async for dispute in self._api.pages("/v1/disputes", _Dispute, expand=["data.charge"], **period):
            if isinstance(dispute.charge, _Charge):
                charges[dispute.charge.id] = dispute.charge
        returned = [await self._returned(charge, ProviderDown) for charge in charges.values()]
        return reports + [report for report in returned if report]

    async def _returned(self, charge: _Charge, refusal: reading.Refusal) -> ProviderReport | None:
        """The refund total of a charge: by refunds, and by disputes that withdrew the money."""
        units = charge.amount_refunded
        if charge.disputed:
            async for dispute in self._api.pages("/v1/disputes", _Dispute, charge=charge.id):
                units += dispute.amount if dispute.status in _WITHDRAWN else 0
        refunded = _money(units, charge.currency, refusal)
        if refunded.amount <= 0:
            return None
        name = charge.payment_intent or charge.id
        return ProviderReport(
            event_id=f"refunded:{name}:{refunded.amount}",
            state=ProviderState.REFUNDED,
            intent_id=reading.intent_id(charge.metadata.get(_PAYMENT_KEY)),
            refunded=refunded,
            charge_id=name,
            sole_charge=True,
        )

    async def _charge(self, charge: _Charge | str) -> _Charge:
        if isinstance(charge, _Charge):
            return charge
        return await self._api.call("get", f"/v1/charges/{charge}", _Charge)


def _money(units: int, currency: str, refusal: reading.Refusal) -> Money:
    code = reading.currency_code(currency, refusal)
    try:
        return from_stripe(units, code)
    except OverflowError as error:
        raise refusal("stripe: too large an amount") from error


def _state(session: _Session) -> ProviderState:
    if session.payment_status == "paid":
        return ProviderState.PAID
    if session.status == "expired":
        return ProviderState.EXPIRED
    if session.status != "complete":
        return ProviderState.PENDING
    # The form is complete and the bank has not answered yet, or has refused.
    refused = isinstance(session.payment_intent, _PaymentIntent) and session.payment_intent.status in _UNPAID
    return ProviderState.FAILED if refused else ProviderState.CONFIRMING


def _of_session(session: _Session, refusal: reading.Refusal, *, failed: bool = False) -> ProviderReport:
    """Report a session."""
    state = ProviderState.FAILED if failed else _state(session)
    # From the metadata: a payer can put any client_reference_id into a Payment Link's URL.
    intent_id = reading.intent_id((session.metadata or {}).get(_PAYMENT_KEY))
    if state is not ProviderState.PAID:
        event_id = f"{state}:{session.id}"
        return ProviderReport(event_id=event_id, state=state, intent_id=intent_id, external_id=session.id)
    received = _money(session.amount_total or 0, session.currency or "", refusal)
    if received.amount <= 0:
        raise refusal("stripe: a payment without an amount")
    charge = session.payment_intent
    name = charge.id if isinstance(charge, _PaymentIntent) else charge or session.id
    return ProviderReport(
        event_id=f"paid:{name}:{received.amount}",
        state=state,
        intent_id=intent_id,
        external_id=session.id,
        received=received,
        charge_id=name,
        sole_charge=True,
        details={"session": session.id[:100], "payment": name[:100]},
    )


def _build(settings: Settings, kit: ProviderKit) -> StripeProvider:
    from backend.payments.gateways.stripe_api import StripeApi  # noqa: PLC0415 - slow to load

    if not settings.stripe_secret_key.startswith(("sk_", "rk_")):
        raise SettingsError("STRIPE_SECRET_KEY must be a secret key, sk_… or rk_…, not the publishable one")
    if not settings.stripe_webhook_secret.startswith("whsec_"):
        raise SettingsError("STRIPE_WEBHOOK_SECRET must be the endpoint's signing secret, whsec_…")
    api = StripeApi(
        http=kit.http,
        secret_key=settings.stripe_secret_key,
        webhook_secret=settings.stripe_webhook_secret,
        url=settings.stripe_api_url,
    )
    return StripeProvider(api=api, public_url=settings.public_url, currency=settings.shop_currency)


SPEC: Final = ProviderSpec(
    name="stripe", needs=("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"), build=_build, webhook=True, covers=Covers.BODY
)
