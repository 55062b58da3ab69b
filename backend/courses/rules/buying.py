"""Which run of a course a tariff gives somebody, and whether they can have it. See decisions/0073."""

from __future__ import annotations

from collections.abc import Sequence

from backend.courses.errors import CourseNotOnSale, TariffOwned
from backend.courses.types import RunId
from backend.courses.types.sale import Place, SoldTariff, Standing


def place_for(
    tariff: SoldTariff, standings: Sequence[Standing], newest: tuple[RunId, int] | None
) -> Place | TariffOwned | CourseNotOnSale:
    """Where a person who has ``standings`` in the course's runs would be with the tariff, or why not.

    ``newest`` is the latest run that starts at once and is open, with its number. A cohort's tariff is a place in that
    cohort. Any other is an upgrade where it is higher than what the person has now; else a start in a newer run; for
    those who have nothing now the run that they have not finished, or the newest.
    """
    if tariff.run_id is not None:
        here = next((one for one in standings if one.run_id == tariff.run_id), None)
        return _upgrade(tariff, here) if here is not None and here.live else Place(tariff.run_id)
    current = max((one for one in standings if one.live), key=lambda one: one.run_number, default=None)
    if current is None:
        left = [(one.run_number, one.run_id) for one in standings if not one.cohort and not one.completed]
        run_id = max(left)[1] if left else newest[0] if newest else None
        return Place(run_id) if run_id is not None else CourseNotOnSale()
    if tariff.rank <= current.rank and newest is not None and newest[1] > current.run_number:
        return Place(newest[0])
    return _upgrade(tariff, current)


def _upgrade(tariff: SoldTariff, current: Standing) -> Place | TariffOwned:
    if tariff.rank <= current.rank:
        return TariffOwned()
    return Place(current.run_id, current.paid, upgrade=True)
