"""The one port of all providers. A provider is one file in ``gateways/`` and one line in bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from backend.kernel.money import Money
from backend.payments.types import Capabilities, Created, PaymentRef, Refunded, Report


class PaymentProvider(Protocol):
    """A way for money to come in. Every method may raise ProviderDown; none is called inside a transaction."""

    @property
    def name(self) -> str:
        """The way's name: lower case, used in addresses and in the ledger (``provider:<name>``)."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    async def create(self, payment: PaymentRef) -> Created:
        """Open the payment at the provider; the same ``intent_id`` again gives the same payment."""
        ...

    async def status(self, payment: PaymentRef) -> Report:
        """Where the payment stands now."""
        ...

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[Report]:
        """The news in a call to our address. Raises BadWebhook unless it is the provider's own."""
        ...

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Send ``amount`` back to the payer; the same key again sends nothing more."""
        ...
