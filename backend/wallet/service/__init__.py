"""Use cases of the wallet, grouped: statements for people, the ledger's proof, admins' adjustments."""

from __future__ import annotations

from dataclasses import dataclass

from backend.wallet.service.adjustments import AdjustmentsService
from backend.wallet.service.ledger import LedgerService
from backend.wallet.service.statement import CSV_COLUMNS, StatementService

__all__ = ["CSV_COLUMNS", "AdjustmentsService", "LedgerService", "StatementService", "WalletServices"]


@dataclass(frozen=True, kw_only=True)
class WalletServices:
    """The services of this slice, one for each concern."""

    statement: StatementService
    """Balances and history, and their export."""
    ledger: LedgerService
    """The proof of all money, and the shop's own accounts."""
    adjustments: AdjustmentsService
    """Admins credit and debit wallets."""
