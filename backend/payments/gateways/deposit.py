"""Bank transfers: buyers follow instructions and upload a receipt; an admin confirms what arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from backend.infra.settings import Settings
from backend.kernel.money import Money
from backend.payments.errors import BadWebhook, RefundRefused
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.types import (
    ActionKind,
    Capabilities,
    Created,
    PayAction,
    PaymentRef,
    ProviderReport,
    Refunded,
    reference_of,
)

_DAY: Final = 24 * 3600
_PLACE: Final = "{reference}"


class DepositProvider:
    """Gives the instructions; admins report the money (DepositsService)."""

    name = "deposit"
    # There is nobody to poll: polls only expire payments, so they are rare.
    capabilities = Capabilities(
        reconcilable=False,
        wait_seconds=_DAY,
        lifetime_seconds=7 * _DAY,
        first_poll_seconds=6 * 3600,
        slowest_poll_seconds=_DAY,
    )

    def __init__(self, instructions: str) -> None:
        self._instructions = instructions.replace("\\n", "\n").strip()

    async def create(self, payment: PaymentRef) -> Created:
        """Give the instructions, and the reference to write on the transfer."""
        reference = reference_of(payment.number)
        text = self._instructions.replace(_PLACE, reference)
        fields = {"instructions": text, "reference": reference}
        return Created(f"deposit-{payment.intent_id}", PayAction(ActionKind.DEPOSIT, fields=fields))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """None: only admins know."""
        return None

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: there are no webhooks."""
        raise BadWebhook("deposit: there are no webhooks")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: an admin refunds it by a bank transfer."""
        raise RefundRefused("a bank transfer is refunded by hand")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: there is no list."""
        return None


def _build(settings: Settings, _kit: ProviderKit) -> DepositProvider:
    return DepositProvider(settings.deposit_instructions)


SPEC: Final = ProviderSpec(name="deposit", needs=("DEPOSIT_INSTRUCTIONS",), build=_build)
