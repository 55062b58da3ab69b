"""Refusals of the catalogue."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind
from backend.kernel.ids import OrderLineId


class SoldOut(AppError):
    """Fewer keys are left than were asked for; ``available`` is how many could be had."""

    code = "sold_out"
    kind = Kind.CONFLICT

    def __init__(self, line_id: OrderLineId | None = None, *, available: int) -> None:
        super().__init__(available=available)
        self.line_id = line_id
        """The order line that could not be had."""


class ReservationGone(AppError):
    """The keys that were kept for an order line are not kept any more."""

    code = "reservation_gone"
    kind = Kind.CONFLICT


class ImportUnderWay(AppError):
    """Another import of the same kind is not done yet."""

    code = "import_under_way"
    kind = Kind.CONFLICT
