"""Use cases of payments, a module for each of their concerns."""

from backend.payments.service.chat import ChatPaymentsService
from backend.payments.service.deposits import DepositsService
from backend.payments.service.inbox import InboxService
from backend.payments.service.payments import POLL, PaymentsService
from backend.payments.service.reconciliation import COMPARE, ReconciliationService
from backend.payments.service.refunds import RefundsService
from backend.payments.service.setup import configure

__all__ = [
    "COMPARE",
    "POLL",
    "ChatPaymentsService",
    "DepositsService",
    "InboxService",
    "PaymentsService",
    "ReconciliationService",
    "RefundsService",
    "configure",
]
