"""The demo provider: every payment completes by itself, five seconds after it was begun. Never in production."""

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
    """The body of a demo webhook: ``received`` minor units of ``currency`` in all."""

    event_id: str
    intent_id: IntentId
    state: ProviderState
    received: int
    currency: str


class DemoProvider:
    """Money that is not real. Raises SettingsError in production."""

    name = "demo"
    capabilities = Capabilities(refundable=True, wait_seconds=5, lifetime_seconds=900, first_poll_seconds=5)

    def __init__(self, *, clock: Clock, production: bool, secret: str) -> None:
        if production:
            raise SettingsError("DEMO_PAYMENTS must be off in production: it gives money away")
        self._clock = clock
        self._key = hashlib.sha256(f"demo provider:{secret}".encode()).digest()

    async def create(self, payment: PaymentRef) -> Created:
        """Nothing to open: the person only waits."""
        return Created(f"demo-{payment.intent_id}", PayAction(ActionKind.WAIT))

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """Paid in full once five seconds have passed since the payment was begun."""
        done = self._clock.now() - payment.created_at >= COMPLETES_AFTER
        state = ProviderState.PAID if done else ProviderState.PENDING
        return ProviderReport(
            event_id=f"{payment.intent_id}:{state}",
            state=state,
            intent_id=payment.intent_id,
            received=payment.payable if done else None,
        )

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """The news in a call. Raises BadWebhook.

        The signature (HMAC-SHA256 in hex, under a key made of SECRET_KEY) covers every byte of the body, and no time.
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
        """Play a refund: the same key gives the same refund."""
        return Refunded(f"demo-refund-{idempotency_key}")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: it remembers nothing."""
        return None

    def sign(self, body: bytes) -> str:
        """The signature that the demo provider puts under ``body``."""
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()


def _build(settings: Settings, kit: ProviderKit) -> DemoProvider:
    return DemoProvider(clock=kit.clock, production=settings.production, secret=settings.secret_key)


SPEC: Final = ProviderSpec(
    name="demo", needs=("DEMO_PAYMENTS",), build=_build, webhook=True, covers=Covers.BODY, policy_risk=False
)
