"""Shared by the services of payments."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backend.identity import domain as identity
from backend.infra.unit_of_work import Tx
from backend.payments.ports import PaymentProvider
from backend.payments.types import Intent, PaymentRef

Providers = Mapping[str, PaymentProvider]
"""The enabled providers, by name."""
NO_PROVIDERS: Final[Providers] = MappingProxyType({})


async def ref(tx: Tx, intent: Intent) -> PaymentRef:
    """The payment, as its provider's methods get it."""
    payer = await identity.get_recipient(tx, intent.user_id)
    return PaymentRef(
        intent_id=intent.id,
        number=intent.number,
        external_id=intent.external_id,
        charge_id=intent.charge_id,
        amount=intent.amount,
        payable=intent.payable,
        received=intent.received,
        action=intent.action,
        payer_telegram_id=payer.telegram_id,
        language=payer.language.value,
        created_at=intent.created_at,
        expires_at=intent.expires_at,
        title=intent.title,
        checkpoint=intent.checkpoint,
        recurring=intent.subscription_id is not None,
        renewal_of=intent.renewal_of,
    )
