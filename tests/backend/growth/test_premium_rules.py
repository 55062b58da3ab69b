"""How long premium lasts: months are added to what is left, taken back as far as they reach, and counted together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.types import MOST_PREMIUM_MONTHS
from backend.growth.rules.premium import add_months, extended, is_running, membership, part_of, shortened
from backend.growth.types.premium import PremiumState
from backend.identity.rules import is_premium
from backend.identity.types import PremiumPeriod

GRACE = timedelta(days=3)
moments = st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2035, 1, 1), timezones=st.just(UTC))
few = st.integers(1, 12)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def extend(period: PremiumPeriod | None, months: int, now: datetime) -> PremiumPeriod:
    """The longer period, which is allowed."""
    longer = extended(period, months, now, GRACE)
    assert longer is not None
    return longer


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31T10:00", 1, "2026-02-28T10:00"),
        ("2028-01-31T10:00", 1, "2028-02-29T10:00"),
        ("2026-01-31T10:00", 2, "2026-03-31T10:00"),
        ("2026-11-29T23:59", 12, "2027-11-29T23:59"),
        ("2026-12-31T00:00", 2, "2027-02-28T00:00"),
        ("2028-02-29T08:00", 12, "2029-02-28T08:00"),
    ],
)
def test_a_month_is_a_calendar_month(start: str, months: int, end: str) -> None:
    assert add_months(at(start), months) == at(end)


@given(moments, st.lists(few, min_size=1, max_size=6), st.randoms())
def test_the_order_of_purchases_changes_nothing(now: datetime, months: list[int], chance: Random) -> None:
    shuffled = list(months)
    chance.shuffle(shuffled)
    ends = []
    for purchases in (months, shuffled):
        period = None
        for number in purchases:
            period = extend(period, number, now)
        assert period is not None
        ends.append(period)
    assert ends[0] == ends[1] == PremiumPeriod(now, sum(months), add_months(now, sum(months)))


@given(moments, few, few, st.integers(0, 400 * 24))
def test_months_are_never_lost(now: datetime, first: int, second: int, hours: int) -> None:
    before = extend(None, first, now)
    later = now + timedelta(hours=hours)
    after = extend(before, second, later)
    if is_running(before, later, GRACE):
        # To what is left, and in the days of grace to the old end.
        assert after == PremiumPeriod(now, first + second, add_months(now, first + second))
    else:
        assert after == PremiumPeriod(later, second, add_months(later, second))
    assert after.until > max(later, before.until)
    assert after.until >= add_months(later, second) - GRACE - timedelta(days=3)  # months differ by three days


@given(moments, few, few, st.integers(0, 200))
def test_what_is_refunded_leaves_what_was_there(now: datetime, first: int, second: int, days: int) -> None:
    before = extend(None, first, now)
    later = min(now + timedelta(days=days), before.until)
    left = shortened(extend(before, second, later), second, later)
    assert left == (before if before.until > later else None)


@given(moments, few, st.integers(1, 20), st.integers(0, 400))
def test_it_never_ends_before_now(now: datetime, months: int, taken: int, days: int) -> None:
    later = now + timedelta(days=days)
    left = shortened(extend(None, months, now), taken, later)
    assert left is None or (left.until > later and left.months == months - taken)
    assert (left is None) == (taken >= months or add_months(now, months - taken) <= later)


@given(moments, st.integers(1, 1000 * 120))
def test_it_is_never_too_long(now: datetime, months: int) -> None:
    longer = extended(None, months, now, GRACE)
    assert (longer is None) == (months > MOST_PREMIUM_MONTHS)
    old = PremiumPeriod(now, 12, add_months(now, 12))
    later = add_months(now, 6)
    longer = extended(old, months, later, GRACE)
    assert longer is None or longer.until <= add_months(later, MOST_PREMIUM_MONTHS)
    assert (longer is None) == (add_months(now, min(12 + months, 2000)) > add_months(later, MOST_PREMIUM_MONTHS))


@given(st.integers(1, 12), st.lists(st.integers(1, 4), max_size=8))
def test_a_line_gives_back_what_it_gave(each: int, refunds: list[int]) -> None:
    quantity, taken = 8, 0
    for number in refunds:
        taken += part_of(each * quantity, taken, number, quantity)
    assert taken == min(sum(refunds), quantity) * each


@pytest.mark.parametrize(
    ("now", "state", "member"),
    [
        ("2027-03-11T23:59:59", PremiumState.ACTIVE, True),
        ("2027-03-12T00:00:00", PremiumState.GRACE, True),
        ("2027-03-14T23:59:59", PremiumState.GRACE, True),
        ("2027-03-15T00:00:00", PremiumState.ENDED, False),
    ],
)
def test_the_edges_of_the_days_of_grace(now: str, state: PremiumState, member: bool) -> None:
    until = at("2027-03-12T00:00:00")
    own = membership(until, at(now), GRACE, endless=False)
    assert (own.state, own.until, own.open_until) == (state, until, at("2027-03-15T00:00:00"))
    assert is_premium(at(now), until, GRACE, endless=False) is member
    assert is_running(PremiumPeriod(at("2027-02-12"), 1, until), at(now), GRACE) is member


def test_without_an_end_and_without_premium() -> None:
    now = at("2027-03-12")
    assert membership(None, now, GRACE, endless=True).state is PremiumState.ENDLESS
    assert membership(None, now, GRACE, endless=False).state is PremiumState.NONE
    assert membership(now, now, timedelta(0), endless=False).state is PremiumState.ENDED
