"""Use cases of payments: one service for each concern, grouped in ``PaymentServices``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.storage import PrivateFiles
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.payments.service.chat import ChatPaymentsService
from backend.payments.service.common import Providers
from backend.payments.service.deposits import DepositsService
from backend.payments.service.exports import ExportsService
from backend.payments.service.inbox import InboxService
from backend.payments.service.intents import POLL, IntentsService
from backend.payments.service.methods import MethodsService
from backend.payments.service.reconciliation import RECONCILE, ReconciliationService
from backend.payments.service.refunds import RefundsService
from backend.payments.service.renewals import RenewalsService
from backend.payments.service.setup import configure
from backend.payments.types import ProviderSetup, TopUpLimits


@dataclass(frozen=True, kw_only=True)
class PaymentServices:
    """The services of payments, as the composition root puts them together."""

    methods: MethodsService
    """Enabled payment methods, their limits and their configuration."""
    intents: IntentsService
    """Payments: start them, check them, apply what providers report."""
    chat: ChatPaymentsService
    """Invoices and charges in Telegram's chat."""
    refunds: RefundsService
    renewals: RenewalsService
    """Subscriptions at their providers."""
    inbox: InboxService
    """Payments and provider events for admins, the unmatched ones above all."""
    exports: ExportsService
    deposits: DepositsService
    """Bank transfers, which admins confirm."""
    reconciliation: ReconciliationService

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        files: PrivateFiles,
        providers: Providers,
        setups: Sequence[ProviderSetup],
        limits: Live[TopUpLimits],
        single_admin_limit: Live[Money],
        shop: str,
        telegram_provider_token: str,
    ) -> Self:
        """Put the services together; ``providers`` are the enabled ones in the order in which buyers see them."""
        methods = MethodsService(providers=providers.values(), limits=limits, setups=setups)
        intents = IntentsService(uow=uow, providers=providers.values(), limits=limits)
        return cls(
            methods=methods,
            intents=intents,
            chat=ChatPaymentsService(
                intents=intents, methods=methods, shop=shop, provider_token=telegram_provider_token
            ),
            refunds=RefundsService(uow=uow, providers=providers),
            renewals=RenewalsService(uow=uow, providers=providers),
            inbox=InboxService(uow=uow, single_admin_limit=single_admin_limit, providers=providers),
            exports=ExportsService(uow=uow),
            deposits=DepositsService(uow=uow, ring=ring, files=files, single_admin_limit=single_admin_limit),
            reconciliation=ReconciliationService(uow=uow, providers=providers),
        )


__all__ = [
    "POLL",
    "RECONCILE",
    "ChatPaymentsService",
    "DepositsService",
    "ExportsService",
    "InboxService",
    "IntentsService",
    "MethodsService",
    "PaymentServices",
    "ReconciliationService",
    "RefundsService",
    "RenewalsService",
    "configure",
]
