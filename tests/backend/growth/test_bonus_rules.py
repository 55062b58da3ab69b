"""The arithmetic of bonuses: exact, rounded down, at most the maximum, by the best rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.growth import rules
from backend.growth.types import BonusRule, BonusRuleId, NewBonusRule
from backend.kernel.errors import Invalid
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from tests.factories.wallet import USD, usd

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AMOUNTS = st.integers(1, 10**12)


def rule(**how: object) -> BonusRule:
    """A rule of 10 % from $1, with the given changes."""
    given = {
        "id": BonusRuleId(new_id()), "minimum": usd(100), "basis_points": 1000, "fixed": None, "maximum": None,
        "starts_at": None, "ends_at": None, "first_only": False, "method": "", "stopped_at": None, "created_at": NOW,
    }  # fmt: skip
    return BonusRule(**{**given, **how})


@st.composite
def some_rule(draw: st.DrawFn) -> BonusRule:
    """Any rule."""
    fixed = draw(st.none() | AMOUNTS)
    most = draw(st.none() | AMOUNTS)
    return rule(
        minimum=usd(draw(AMOUNTS)),
        basis_points=None if fixed else draw(st.integers(1, 10_000)),
        fixed=usd(fixed) if fixed else None,
        maximum=usd(most) if most else None,
        first_only=draw(st.booleans()),
        method=draw(st.sampled_from(["", "stars", "demo"])),
        starts_at=draw(st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])),
        ends_at=draw(st.sampled_from([None, NOW, NOW + timedelta(seconds=1)])),
    )


@given(some_rule(), AMOUNTS)
def test_exact_rounded_down_and_capped(one: BonusRule, total: int) -> None:
    got = rules.bonus(one, usd(total)).amount
    if total < one.minimum.amount:
        assert got == 0
        return
    exact = Fraction(one.fixed.amount) if one.fixed else Fraction(total * one.basis_points, 10_000)
    if one.maximum:
        exact = min(exact, Fraction(one.maximum.amount))
    assert 0 <= exact - got < 1


@given(some_rule(), AMOUNTS, AMOUNTS)
def test_a_larger_top_up_never_gets_less(one: BonusRule, total: int, more: int) -> None:
    assert rules.bonus(one, usd(total)) <= rules.bonus(one, usd(total + more))


@given(st.lists(some_rule(), max_size=6), AMOUNTS, st.sampled_from(["stars", "demo"]), st.booleans())
def test_the_best_rule_that_applies(candidates: list[BonusRule], total: int, method: str, first: bool) -> None:
    best = rules.best(candidates, usd(total), method=method, at=NOW, first=first)
    fit = [
        one for one in candidates
        if (one.starts_at is None or one.starts_at <= NOW) and (one.ends_at is None or one.ends_at > NOW)
        and (first or not one.first_only) and one.method in {"", method}
    ]  # fmt: skip
    most = max((rules.bonus(one, usd(total)).amount for one in fit), default=0)
    assert (best[1].amount if best else 0) == most
    assert best is None or best[0] in fit


def test_of_equal_rules_the_oldest() -> None:
    old, young = rule(), rule()
    best = rules.best([young, old], usd(1000), method="demo", at=NOW, first=False)
    assert best == (old, usd(100))


def test_a_stop_counts_from_its_moment_and_other_currencies_never_apply() -> None:
    stopped = rule(stopped_at=NOW)
    assert rules.best([stopped], usd(1000), method="demo", at=NOW, first=True) is None
    assert rules.best([stopped], usd(1000), method="demo", at=NOW - timedelta(seconds=1), first=True) is not None
    assert rules.best([rule(minimum=Money(1, "EUR"))], usd(1000), method="demo", at=NOW, first=True) is None


@pytest.mark.parametrize(
    ("how", "fields"),
    [
        ({"minimum": usd(0)}, {"minimum"}), ({"minimum": Money(1, "EUR")}, {"minimum"}),
        ({"basis_points": None}, {"percent"}), ({"fixed": usd(1)}, {"percent"}),
        ({"basis_points": 0}, {"percent"}), ({"basis_points": 10_001}, {"percent"}),
        ({"basis_points": None, "fixed": usd(-1)}, {"fixed"}), ({"maximum": usd(0)}, {"maximum"}),
        ({"starts_at": NOW, "ends_at": NOW}, {"ends"}),
        ({"minimum": usd(10**15 + 1), "basis_points": -1}, {"minimum", "percent"}),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_added(how: dict, fields: set[str]) -> None:
    rule = NewBonusRule(**{"minimum": usd(100), "basis_points": 1000, **how})
    with pytest.raises(Invalid) as refused:
        rules.check_rule(rule, USD)
    assert set(refused.value.fields) == fields
