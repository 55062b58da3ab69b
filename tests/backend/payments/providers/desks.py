"""The providers that the contract is tried on. Another one is added by a function like these, and a line in DESKS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final, cast
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.gateways import crypto_pay, paypal, stripe_checkout
from backend.payments.ports import PaymentProvider, ProviderKit, ProviderSpec
from backend.payments.types import Intent
from tests.backend.payments.providers.desk import Desk, Hook, OpenDesk
from tests.fakes import crypto_pay as crypto_pay_server
from tests.fakes import paypal_server, stripe_server
from tests.fakes.http_server import serving


def built(spec: ProviderSpec, settings: Settings, kit: ProviderKit, **given: str) -> PaymentProvider:
    """The provider, as bootstrap builds it."""
    return spec.build(msgspec.structs.replace(settings, **cast(Any, given)), kit)


def _altered(hook: Hook) -> list[tuple[str, Hook]]:
    """What a stranger can do to a genuine call, whatever the provider."""
    headers, body = hook
    return [
        ("a changed amount", (headers, body.replace(b"5", b"6"))),
        ("truncated", (headers, body[:-1])),
        ("more behind it", (headers, body + b" ")),
        ("empty", (headers, b"")),
        ("not UTF-8", (headers, b"\xff\xfe" + body)),
        ("no headers", ({}, body)),
        ("empty headers", (dict.fromkeys(headers, ""), body)),
        ("not ASCII", ({name: value + "é" for name, value in headers.items()}, body)),
        ("endless", ({name: value * 2000 for name, value in headers.items()}, body)),
        ("twice", ({**headers, **{name.upper(): "x" for name in headers}}, body)),
    ]


class CryptoPayDesk:
    """Crypto Pay."""

    refunds_by_charge = False

    def __init__(
        self, server: crypto_pay_server.CryptoPayServer, settings: dict[str, str], provider: PaymentProvider
    ) -> None:
        self.server, self.settings, self.provider = server, settings, provider

    def go_down(self, down: bool) -> None:
        self.server.down = down

    def pay(self, intent: Intent, units: int) -> Hook:
        return self.server.hook(self.server.pay(str(intent.id), _text(units)))

    def refund_behind(self, intent: Intent, units: int) -> Hook | None:
        invoice = self._invoice(intent)
        coins = Decimal(invoice["paid_amount"]) * units / Money.parse(invoice["amount"], "USD").amount
        self.server._transfer({
            "user_id": 1, "asset": "USDT", "amount": f"{coins:.6f}",
            "spend_id": f"{invoice['invoice_id']}:{units}USD:another-program-of-the-owner",
        })  # fmt: skip
        return None

    def understate(self, intent: Intent, units: int) -> None:
        self._invoice(intent)["amount"] = _text(units)

    def _invoice(self, intent: Intent) -> dict[str, Any]:
        return next(item for item in self.server.invoices if item["payload"] == str(intent.id))

    def forget(self, intent: Intent) -> None:
        self.server.invoices.remove(self._invoice(intent))

    def opened(self, intent: Intent) -> int:
        return sum(item["payload"] == str(intent.id) for item in self.server.invoices)

    def _transfers(self, intent: Intent) -> list[dict[str, Any]]:
        number = f"{self._invoice(intent)['invoice_id']}:"
        return [item for item in self.server.transfers if item["spend_id"].startswith(number)]

    def sent_back(self, intent: Intent) -> int:
        # The payer gets coins, converted at the rate of the payment; each refund loses up to a millionth of a coin.
        invoice = self._invoice(intent)
        coins = sum((Decimal(item["amount"]) for item in self._transfers(intent)), Decimal(0))
        return int((coins / Decimal(invoice["paid_amount"]) * Decimal(invoice["amount"]) * 100).quantize(Decimal(1)))

    def refunds(self, intent: Intent) -> int:
        return len(self._transfers(intent))

    def foreign(self, units: int, currency: str) -> Hook:
        payload = str(uuid4())
        self.server.add_invoice(payload, _text(units), currency)
        return self.server.hook(self.server.pay(payload))

    def mislabelled(self, intent: Intent, units: int, currency: str) -> Hook:
        return self.server.hook({**self.server.pay(str(intent.id), _text(units)), "fiat": currency})

    def signed(self, body: bytes) -> Hook:
        return self.server.signed(body)

    def forgeries(self, hook: Hook) -> list[tuple[str, Hook]]:
        return [("another shop's token", self.server.signed(hook[1], "999:another-app")), *_altered(hook)]


class StripeDesk:
    """Stripe."""

    refunds_by_charge = True

    def __init__(self, server: stripe_server.StripeServer, settings: dict[str, str], provider: PaymentProvider) -> None:
        self.server, self.settings, self.provider = server, settings, provider

    def go_down(self, down: bool) -> None:
        self.server.down = down

    def pay(self, intent: Intent, units: int) -> Hook:
        session = self.server.pay(self.server.session_of(str(intent.id)), units)
        return self.server.hook("checkout.session.completed", session)

    def _charge(self, intent: Intent) -> dict[str, Any]:
        return self.server.charge_of(self.server.session_of(str(intent.id))["payment_intent"])

    def refund_behind(self, intent: Intent, units: int) -> Hook | None:
        charge = self._charge(intent)
        self.server.add_refund(charge, units, {})
        return self.server.hook("charge.refunded", charge)

    def understate(self, intent: Intent, units: int) -> None:
        self.server.session_of(str(intent.id))["amount_total"] = units

    def forget(self, intent: Intent) -> None:
        self.server.sessions.remove(self.server.session_of(str(intent.id)))

    def opened(self, intent: Intent) -> int:
        return sum(item["client_reference_id"] == str(intent.id) for item in self.server.sessions)

    def sent_back(self, intent: Intent) -> int:
        return int(self._charge(intent)["amount_refunded"])

    def refunds(self, intent: Intent) -> int:
        return sum(item["charge"] == self._charge(intent)["id"] for item in self.server.refunds)

    def foreign(self, units: int, currency: str) -> Hook:
        session = self.server.add_session(str(uuid4()), units, currency.lower())
        return self.server.hook("checkout.session.completed", self.server.pay(session))

    def mislabelled(self, intent: Intent, units: int, currency: str) -> Hook:
        session = self.server.pay(self.server.session_of(str(intent.id)), units)
        return self.server.hook("checkout.session.completed", {**session, "currency": currency.lower()})

    def signed(self, body: bytes) -> Hook:
        return self.server.signed(body)

    def forgeries(self, hook: Hook) -> list[tuple[str, Hook]]:
        signature = hook[0]["stripe-signature"]
        own = {
            "no time": signature.partition(",")[2],
            "no signature": signature.partition(",")[0],
            "another scheme": signature.replace("v1=", "v2="),
            "a time of words": signature.replace("t=", "t=x"),
            "a huge time": "t=" + "9" * 400 + signature.partition(",")[2],
        }
        return [
            ("another account's secret", self.server.signed(hook[1], "whsec_of_another")),
            ("from last week", self.server.signed(hook[1], at=1_700_000_000)),
            *((name, ({**hook[0], "stripe-signature": value}, hook[1])) for name, value in own.items()),
            *_altered(hook),
        ]


class PayPalDesk:
    """PayPal."""

    refunds_by_charge = True

    def __init__(
        self,
        server: paypal_server.PayPalServer,
        settings: dict[str, str],
        provider: PaymentProvider,
        other: rsa.RSAPrivateKey,
    ) -> None:
        self.server, self.settings, self.provider, self._other = server, settings, provider, other

    def go_down(self, down: bool) -> None:
        self.server.down = down

    def pay(self, intent: Intent, units: int) -> Hook:
        order = self._order(intent)
        order |= {"status": "APPROVED", "_amount": {"value": _text(units)}}
        return self.server.hook("CHECKOUT.ORDER.APPROVED", order)

    def _order(self, intent: Intent) -> dict[str, Any]:
        return self.server.order_of(str(intent.id))

    def _capture(self, intent: Intent) -> dict[str, Any]:
        order = self._order(intent)
        if order["status"] == "APPROVED":
            self.server.take(order)
        return cast(dict[str, Any], order["purchase_units"][0]["payments"]["captures"][0])

    def refund_behind(self, intent: Intent, units: int) -> Hook | None:
        refund = self.server.add_refund(self._capture(intent), _text(units))
        return self.server.hook("PAYMENT.CAPTURE.REFUNDED", refund)

    def understate(self, intent: Intent, units: int) -> None:
        self._capture(intent)["amount"]["value"] = _text(units)

    def forget(self, intent: Intent) -> None:
        del self.server.captures[self._capture(intent)["id"]], self.server.orders[self._order(intent)["id"]]

    def opened(self, intent: Intent) -> int:
        return sum(item["purchase_units"][0].get("custom_id") == str(intent.id) for item in self.server.orders.values())

    def sent_back(self, intent: Intent) -> int:
        return self.server._gone(self._capture(intent)["id"])

    def refunds(self, intent: Intent) -> int:
        return sum(item["_capture"] == self._capture(intent)["id"] for item in self.server.refunds)

    def foreign(self, units: int, currency: str) -> Hook:
        amount = {"currency_code": currency, "value": _text(units)}
        order = self.server.add_order({"reference_id": "default", "custom_id": str(uuid4()), "amount": amount})
        return self.server.hook("PAYMENT.CAPTURE.COMPLETED", self.server.take(order))

    def mislabelled(self, intent: Intent, units: int, currency: str) -> Hook:
        self.pay(intent, units)
        capture = self._capture(intent)
        capture["amount"] = {**capture["amount"], "currency_code": currency}
        return self.server.hook("PAYMENT.CAPTURE.COMPLETED", capture)

    def signed(self, body: bytes) -> Hook:
        return self.server.signed(body)

    def forgeries(self, hook: Hook) -> list[tuple[str, Hook]]:
        headers, body = hook
        base = f"{self.server.url}/v1/notifications/certs/"
        addresses = {
            "a certificate of nowhere": f"{base}CERT-unknown",
            "another host": "https://evil.example/v1/notifications/certs/CERT-1",
            "a host that begins like PayPal's": f"{self.server.url}.evil.example/v1/notifications/certs/CERT-1",
            "a way out of the folder": f"{base}../../../v1/oauth2/token",
            "a question behind it": f"{base}CERT-1?x=http://evil.example",
        }
        return [
            ("another's key", self.server.signed(body, signer=self._other)),
            ("for another webhook", self.server.signed(body, webhook_id="8PT597110X687430L")),
            ("another algorithm", ({**headers, "paypal-auth-algo": "none"}, body)),
            ("no base64", ({**headers, "paypal-transmission-sig": "%%%"}, body)),
            ("another time", ({**headers, "paypal-transmission-time": "2020-01-01T00:00:00Z"}, body)),
            *((name, ({**headers, "paypal-cert-url": value}, body)) for name, value in addresses.items()),
            *_altered(hook),
        ]


def _text(units: int) -> str:
    return f"{units // 100}.{units % 100:02}"


@asynccontextmanager
async def open_crypto_pay(settings: Settings, kit: ProviderKit) -> AsyncIterator[Desk]:
    """Crypto Pay on its local server."""
    server = crypto_pay_server.CryptoPayServer(kit.clock)
    async with serving(server.answer) as url:
        given = {"crypto_pay_token": crypto_pay_server.TOKEN, "crypto_pay_url": url}
        yield CryptoPayDesk(server, given, built(crypto_pay.SPEC, settings, kit, **given))


@asynccontextmanager
async def open_stripe(settings: Settings, kit: ProviderKit) -> AsyncIterator[Desk]:
    """Stripe on its local server."""
    server = stripe_server.StripeServer(kit.clock)
    secrets = {"stripe_secret_key": stripe_server.SECRET_KEY, "stripe_webhook_secret": stripe_server.WEBHOOK_SECRET}
    async with serving(server.answer) as url:
        given = {"stripe_api_url": url, **secrets}
        yield StripeDesk(server, given, built(stripe_checkout.SPEC, settings, kit, **given))


_OTHER_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@asynccontextmanager
async def open_paypal(settings: Settings, kit: ProviderKit) -> AsyncIterator[Desk]:
    """PayPal on its local server."""
    server = paypal_server.PayPalServer(kit.clock)
    secrets = {
        "paypal_client_id": paypal_server.CLIENT_ID,
        "paypal_secret": paypal_server.SECRET,
        "paypal_webhook_id": paypal_server.WEBHOOK_ID,
    }
    async with serving(server.answer) as server.url:
        given = {"paypal_url": server.url, **secrets}
        yield PayPalDesk(server, given, built(paypal.SPEC, settings, kit, **given), _OTHER_KEY)


DESKS: Final[dict[str, OpenDesk]] = {
    "crypto_pay": open_crypto_pay,
    "stripe": open_stripe,
    "paypal": open_paypal,
}
