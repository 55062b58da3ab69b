"""Deposits by hand: people send money outside and upload a proof; an admin says what arrived."""

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
    """Says what to do, and nothing more: the news come from admins (DepositsService)."""

    name = "deposit"
    # Nobody can be asked: the questions only end what was given up, so they come seldom.
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
        """The instructions, and the reference that the person is asked to name with his money."""
        reference = reference_of(payment.number)
        text = self._instructions.replace(_PLACE, reference)
        fields = {"instructions": text, "reference": reference}
        return Created(f"deposit-{payment.intent_id}", PayAction(ActionKind.DEPOSIT, fields=fields))

    async def status(self, payment: PaymentRef) -> ProviderReport | None:
        """None: only an admin knows."""
        return None

    async def webhook(self, headers: Mapping[str, str], body: bytes) -> list[ProviderReport]:
        """Raises BadWebhook: nobody calls."""
        raise BadWebhook("deposit: nobody calls")

    async def refund(self, payment: PaymentRef, amount: Money, idempotency_key: str) -> Refunded:
        """Raises RefundRefused: an admin sends money back by hand."""
        raise RefundRefused("a deposit goes back by hand")

    async def statement(self, since: datetime, until: datetime) -> list[ProviderReport] | None:
        """None: there is no list."""
        return None


def _build(settings: Settings, _kit: ProviderKit) -> DepositProvider:
    return DepositProvider(settings.deposit_instructions)


SPEC: Final = ProviderSpec(name="deposit", needs=("DEPOSIT_INSTRUCTIONS",), build=_build)
