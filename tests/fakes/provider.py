"""A payment provider whose word the test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec

from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, ProviderDown, RefundRefused
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    IntentId,
    PayAction,
    PaymentRef,
    ProviderReport,
    ProviderState,
    Refunded,
)


class FakeProvider:
    """Says what the test set: ``says``, ``paid``; falls silent when ``down``. Counts what it is asked.

    Its answers wait while ``answering`` is cleared.

    ``action`` is what its payer has to do.
    """

    def __init__(self, name: str = "fake", capabilities: Capabilities | None = None) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities()
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.action = PayAction(ActionKind.LINK, url="https://pay.example/1")
        self.created: list[IntentId] = []
        self.asked = 0
        self.refunds: dict[str, Money] = {}
        self.refuses = False
        self.lists: list[ProviderReport] | None = None
        self._says: dict[IntentId, ProviderReport] = {}

    def says(self, intent_id: IntentId, state: ProviderState, event_id: str = "") -> ProviderReport:
        """Let the payment stand at ``state``."""
        report = ProviderReport(
            event_id=event_id or f"{intent_id}:{state}", state=state, external_id=f"fake-{intent_id}"
        )
        self._says[intent_id] = report
        return report

    def paid(self, intent_id: IntentId, received: Money, event_id: str = "") -> ProviderReport:
        """Let ``received`` be paid in all."""
        report = ProviderReport(
            event_id=event_id or f"{intent_id}:paid:{received.amount}",
            state=ProviderState.PAID,
            external_id=f"fake-{intent_id}",
            received=received,
        )
        self._says[intent_id] = report
        return report

    def reports(self, report: ProviderReport) -> None:
        """Let ``report`` be where its payment stands."""
        assert report.intent_id is not None
        self._says[report.intent_id] = report

    def _answer(self) -> None:
        if self.down:
            raise ProviderDown("the fake provider is down")

    async def create(self, payment: PaymentRef) -> Created:
        """Open the payment."""
        self._answer()
        self.created.append(payment.intent_id)
        return Created(f"fake-{payment.intent_id}", self.action)

    async def status(self, payment: PaymentRef) -> ProviderReport:
        """What the test set, or pending."""
        self.asked += 1
        await self.answering.wait()
        self._answer()
        return self._says.get(payment.intent_id) or self.says(payment.intent_id, ProviderState.PENDING)

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Reports as JSON; the signature is the word "genuine"."""
        if headers.get("signature") != "genuine":
            raise BadWebhook("forged")
        return msgspec.json.decode(body, type=list[ProviderReport])

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Send money back, once for each key."""
        self._answer()
        if self.refuses:
            raise RefundRefused("the fake provider refuses")
        self.refunds.setdefault(idempotency_key, amount)
        return Refunded(f"fake-refund-{idempotency_key}")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """What the test set."""
        self._answer()
        return self.lists
