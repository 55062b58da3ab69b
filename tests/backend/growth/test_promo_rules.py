"""What promo codes can be made, how a typed one is read, and for which goods and whom it works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backend.catalog.types import ProductId, VariantId
from backend.growth.rules import promos as rules
from backend.growth.types import WHOLE
from backend.growth.types.promos import (
    NewPromo,
    Promo,
    PromoBuyer,
    PromoCode,
    PromoCodeId,
    PromoId,
    PromoLine,
    PromoRefusal,
    PromoScope,
)
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId, new_id
from backend.kernel.money import Money
from tests.factories.wallet import USD, usd

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOMEBODY = PromoBuyer(UserId(new_id()), first=True)
TEN_PERCENT = NewPromo(code="SALE10", basis_points=1000)


def code_of(used: int = 0, stopped_at: datetime | None = None, **changes: object) -> PromoCode:
    fields = {"basis_points": 1000, **changes}
    promo = Promo(id=PromoId(new_id()), created_by=None, created_at=NOW, stopped_at=stopped_at, **fields)  # type: ignore[arg-type]
    return PromoCode(PromoCodeId(new_id()), "SALE10", used, promo)


def line(cents: int = 1000, slug: str = "vpn", kind: str = "unique_keys") -> PromoLine:
    return PromoLine(VariantId(new_id()), ProductId(new_id()), slug, kind, usd(cents))


@pytest.mark.parametrize(
    "typed",
    [
        "SOUK10",
        "souk10",
        " s o u k 1 0 ",
        "Souk-10",
        "S0UKI0",
        "SOUK١٠",
        "ＳＯＵＫ１０",
        "\u2066SOUK10\u2069",
        "«SOUK10».",
    ],
)
def test_a_code_is_read_in_every_spelling(typed: str) -> None:
    assert rules.code_key(typed) == rules.code_key("SOUK10")


@pytest.mark.parametrize("typed", ["", "  ", "AB", "A" * 25, "СКИДКА", "خصم10", "A" * 10_000, "%00", "''--"])
def test_what_can_be_no_code(typed: str) -> None:
    assert rules.code_key(typed) is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_failing(typed: str) -> None:
    key = rules.code_key(typed)
    assert key is None or (key.isascii() and 3 <= len(key) <= 24)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"basis_points": 0}, "percent"), ({"basis_points": 10_001}, "percent"), ({"basis_points": -1}, "percent"),
        ({"amount": usd(500)}, "amount"), ({"basis_points": 0, "amount": usd(0)}, "amount"),
        ({"basis_points": 0, "amount": Money(500, "EUR")}, "amount"), ({"minimum": usd(-1)}, "minimum"),
        ({"basis_points": 0, "amount": usd(10**15), "uses": 2}, "amount"), ({"code": "A"}, "code"),
        ({"code": "СКИДКА"}, "code"),
        ({"codes": 2}, "codes"), ({"code": "", "codes": 501}, "codes"), ({"code": "", "codes": 0}, "codes"),
        ({"uses": 0}, "uses"), ({"uses": 2**63}, "uses"), ({"per_person": 0}, "per_person"),
        ({"ends_at": NOW}, "ends"), ({"starts_at": NOW + HOUR, "ends_at": NOW + HOUR}, "ends"),
        ({"scope": PromoScope.PRODUCT}, "target"), ({"target": "vpn"}, "target"), ({"note": "n" * 121}, "note"),
    ],
)  # fmt: skip
def test_codes_that_cannot_be_made(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_new(replace(TEN_PERCENT, **changes), USD, NOW)
    assert set(refused.value.fields) == {field}


def test_a_new_code_is_tidied() -> None:
    new = rules.check_new(replace(TEN_PERCENT, code=" spring-25 ", note="  for   ads "), USD, NOW)
    assert (new.code, new.note) == ("SPRING25", "for ads")


def test_what_all_uses_can_take_off() -> None:
    assert rules.face_value(TEN_PERCENT) is None
    assert rules.face_value(NewPromo(amount=usd(500))) is None
    assert rules.face_value(NewPromo(amount=usd(500), uses=3, codes=4)) == usd(6000)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (code_of(), None),
        (code_of(starts_at=NOW + HOUR), PromoRefusal.NOT_STARTED), (code_of(starts_at=NOW), None),
        (code_of(ends_at=NOW), PromoRefusal.ENDED), (code_of(ends_at=NOW + HOUR), None),
        (code_of(stopped_at=NOW), PromoRefusal.ENDED),
        (code_of(used=3, uses=3), PromoRefusal.USED_UP), (code_of(used=2, uses=3), None),
        (code_of(minimum=usd(1001)), PromoRefusal.BELOW_MINIMUM), (code_of(minimum=usd(1000)), None),
        (code_of(scope=PromoScope.PRODUCT, target="esim"), PromoRefusal.OTHER_GOODS),
        (code_of(scope=PromoScope.PRODUCT, target="vpn"), None),
        (code_of(scope=PromoScope.KIND, target="by_hand"), PromoRefusal.OTHER_GOODS),
        (code_of(scope=PromoScope.KIND, target="unique_keys"), None),
        (code_of(scope=PromoScope.CATEGORY, target="games"), PromoRefusal.OTHER_GOODS),
    ],
)  # fmt: skip
def test_when_a_code_works(code: PromoCode, reason: PromoRefusal | None) -> None:
    refused = rules.refusal(code, [line()], {}, SOMEBODY, 0, NOW)
    assert (refused.reason if refused else None) == reason


def test_a_category_covers_what_lies_below_it_and_only_that_counts_for_the_minimum() -> None:
    inside, outside = line(900), line(5000, "card")
    categories = {inside.product_id: {"vpn", "security"}, outside.product_id: {"cards"}}
    code = code_of(scope=PromoScope.CATEGORY, target="security", minimum=usd(1000))
    assert rules.covered(code.promo, [inside, outside], categories) == {inside.variant_id}
    refused = rules.refusal(code, [inside, outside], categories, SOMEBODY, 0, NOW)
    assert refused is not None
    assert (refused.reason, refused.minimum) == (PromoRefusal.BELOW_MINIMUM, usd(1000))


@pytest.mark.parametrize(
    ("changes", "first", "used_by", "reason"),
    [
        ({"per_person": 2}, False, 1, None), ({"per_person": 2}, False, 2, PromoRefusal.ALREADY_USED),
        ({"first_only": True}, True, 0, None), ({"first_only": True}, False, 0, PromoRefusal.FIRST_ONLY),
        ({"first_only": True, "per_person": 1}, False, 1, PromoRefusal.FIRST_ONLY),
    ],
)  # fmt: skip
def test_what_a_person_bought_before(
    changes: dict[str, object], first: bool, used_by: int, reason: PromoRefusal | None
) -> None:
    refused = rules.refusal(code_of(**changes), [line()], {}, PromoBuyer(SOMEBODY.id, first), used_by, NOW)
    assert (refused.reason if refused else None) == reason


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(1, 10**6)),
    st.integers(1, WHOLE),
    st.one_of(st.none(), st.integers(1, 10**6)),
)
def test_a_code_that_works_names_goods_that_reach_its_minimum(
    cents: list[int], amount: int | None, percent: int, minimum: int | None
) -> None:
    what = {"basis_points": 0, "amount": usd(amount)} if amount else {"basis_points": percent}
    lines = [line(one, "vpn" if n % 2 else "card") for n, one in enumerate(cents)]
    code = code_of(scope=PromoScope.PRODUCT, target="vpn", minimum=usd(minimum) if minimum else None, **what)
    refused = rules.refusal(code, lines, {}, SOMEBODY, 0, NOW)
    inside = rules.covered(code.promo, lines, {})
    reaches = sum(one.total.amount for one in lines if one.variant_id in inside) >= (minimum or 0)
    assert (refused is None) == (bool(inside) and reaches)
    if refused is None:
        discount = rules.discount(code, inside)
        assert all(discount.covers(one.variant_id) == (one.slug == "vpn") for one in lines)
