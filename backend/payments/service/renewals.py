"""Subscriptions at their providers: what these report of them, and whether they shall renew themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from backend.infra.failpoints import failpoint
from backend.infra.jobs import RetryLater
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import NotFound
from backend.payments import telegram
from backend.payments.errors import RenewalRefused
from backend.payments.ports import PaymentProvider, Renewing
from backend.payments.repository import intents
from backend.payments.service.common import Providers, ref
from backend.payments.types import RenewalChanged, RenewalNotChanged, RenewalState, SendRenewal

_DISABLED_SECONDS: Final = 600.0
log = structlog.get_logger(__name__)


class RenewalsService:
    """Tells the providers which subscriptions go on, and hears from them which do."""

    def __init__(self, *, uow: UnitOfWork, providers: Providers) -> None:
        self._uow = uow
        self._providers: Mapping[str, PaymentProvider] = providers

    async def send(self, asked: SendRenewal) -> None:
        """Task: tell the provider whether a subscription renews itself, as the shop wants it at this moment.

        It may be repeated, and run beside another one: the later one sees that the wish has changed since. Raises
        ProviderDown, RetryLater: the task is then retried.
        """
        async with self._uow.read() as tx:
            intent = await intents.get_intent(tx, asked.intent_id)
            reference = await ref(tx, intent)
        if intent.charge_id is None:
            return  # it was never paid: there is nothing that renews
        provider = self._providers.get(intent.method)
        if not isinstance(provider, Renewing):
            raise RetryLater(_DISABLED_SECONDS, f"{intent.method} is disabled")
        failpoint("renewals.before_sending")
        try:
            await provider.set_renewal(reference, on=intent.renews)
        except RenewalRefused as error:
            log.warning("payments.renewal_refused", intent=str(intent.id), on=intent.renews, error=str(error))
            async with self._uow() as tx:
                assert intent.subscription_id is not None
                tx.emit(
                    RenewalNotChanged(subscription_id=intent.subscription_id, user_id=intent.user_id, on=intent.renews)
                )
            return
        failpoint("renewals.sent")
        async with self._uow.read() as tx:
            if (await intents.get_intent(tx, intent.id)).renews is not intent.renews:
                raise RetryLater(0, "another wish since")

    @retry_conflicts
    async def note_state(self, payload: str, state: str, payer_telegram_id: int) -> bool:
        """Note what Telegram reports of the subscription whose invoice had ``payload``; False if it is none of ours."""
        intent_id = telegram.intent_of(payload)
        if intent_id is None or state not in RenewalState.__members__.values():
            log.warning("payments.renewal_unknown", state=state[:40])
            return False
        async with self._uow() as tx:
            try:
                intent = await intents.get_intent(tx, intent_id)
            except NotFound:
                return False
            theirs = (await ref(tx, intent)).payer_telegram_id == payer_telegram_id
            if intent.subscription_id is None or not theirs:
                return False
            tx.emit(
                RenewalChanged(
                    subscription_id=intent.subscription_id,
                    first_id=intent.renewal_of or intent.id,
                    state=RenewalState(state),
                )
            )
        return True
