"""What the ledger refuses."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind
from backend.kernel.money import Money


class InsufficientFunds(AppError):
    """The balance is too small: ``missing`` would make it enough."""

    code = "insufficient_funds"
    kind = Kind.PAYMENT_REQUIRED

    def __init__(self, missing: Money, balance: Money) -> None:
        super().__init__(f"{missing.amount} {missing.currency} missing", missing=missing, balance=balance)
        self.missing = missing
        self.balance = balance


class IdempotencyConflict(AppError):
    """The idempotency key was used before, for something else."""

    code = "idempotency_conflict"
    kind = Kind.CONFLICT


class AdjustmentClosed(AppError):
    """It was approved or refused already."""

    code = "adjustment_closed"
    kind = Kind.CONFLICT
