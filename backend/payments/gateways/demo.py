"""The demo provider: every payment completes by itself five seconds after it was started. Not in production."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from backend.infra.settings import Settings, SettingsError
from backend.kernel.clock import Clock
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook
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

COMPLETES_AFTER: Final = timedelta(seconds=5)
SIGNATURE: Final = "x-demo-signature"


class DemoNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a demo webhook; ``received`` is the total so far, in minor units of ``currency``."""

    event_id: str
    intent_id: IntentId
    state: ProviderState
    received: int
    currency: str


class DemoProvider:
    """Simulates payments. Raises SettingsError in production."""

    name = "demo"
    capabilities = Capabilities(refundable=True, wait_seconds=5, lifetime_seconds=900, first_poll_seconds=5)

    def __init__(self, *, clock: Clock, production: bool, secret: str) -> None:
        if production:
            raise SettingsError("DEMO_PAYMENTS must be off in production: it gives money away")
        self._clock = clock
        self._key = hashlib.sha256(f"demo provider:{secret}".encode()).digest()

    async def create(self, payment: PaymentRef) -> Created:
        """Open nothing: the buyer only waits."""
        return Created(f"demo-{payment.intent_id}", PayAction(ActionKind.WAIT))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Report the payment as paid in full five seconds after it was started."""
        done = self._clock.now() - payment.created_at >= COMPLETES_AFTER
        state = ProviderState.PAID if done else ProviderState.PENDING
        return ProviderReport(
            event_id=f"{payment.intent_id}:{state}",
            state=state,
            intent_id=payment.intent_id,
            received=payment.payable if done else None,
        )

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Read a call. Raises BadWebhook.

        The signature (HMAC-SHA256 in hex, with a key derived from SECRET_KEY) covers every byte of the body, but no
        time: a repeated call is recognised by its ``event_id``.
        """
        given = next((value for name, value in headers.items() if name.lower() == SIGNATURE), "")
        if not hmac.compare_digest(given.encode(), self.sign(body).encode()):
            raise BadWebhook("demo: wrong signature")
        try:
            notice = msgspec.json.decode(body, type=DemoNotice)
            received = Money(notice.received, notice.currency) if notice.state is ProviderState.PAID else None
            return [
                ProviderReport(
                    event_id=notice.event_id, state=notice.state, intent_id=notice.intent_id, received=received
                )
            ]
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise BadWebhook(f"demo: {error}") from error

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Pretend to refund; the same key gives the same refund."""
        return Refunded(f"demo-refund-{idempotency_key}")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: there is no list."""
        return None

    def sign(self, body: bytes) -> str:
        """The signature of ``body``."""
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


def _build(settings: Settings, kit: ProviderKit) -> DemoProvider:
    return DemoProvider(clock=kit.clock, production=settings.production, secret=settings.secret_key)


SPEC: Final = ProviderSpec(
    name="demo", needs=("DEMO_PAYMENTS",), build=_build, webhook=True, covers=Covers.BODY, policy_risk=False
)
