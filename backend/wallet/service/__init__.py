"""Use cases of the wallet: what a person sees of it, the house's proof, and admins' adjustments."""

from __future__ import annotations

from backend.wallet.service.adjustments import AdjustmentsService
from backend.wallet.service.wallet import CSV_COLUMNS, PAGE_SIZE, WalletService

__all__ = ["CSV_COLUMNS", "PAGE_SIZE", "AdjustmentsService", "WalletService"]
