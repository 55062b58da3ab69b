"""The buy box: the quantity stays within its limits, and the button says what an order would answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.rules.buying import buy_box, choose_variant
from backend.catalog.types import (
    AVAILABILITY_CAP,
    MAX_QUANTITY,
    BuyState,
    ChoiceKind,
    Offer,
    ProductDetail,
    ProductId,
    StockKind,
    VariantId,
    VariantOffer,
)
from backend.kernel.ids import new_id
from backend.orders.errors import PremiumOnly, QuantityNotAllowed
from backend.orders.rules import check_offer
from tests.factories.catalog import buyer
from tests.factories.wallet import usd

LIMIT = st.none() | st.integers(1, 2000)


def offered(
    available: int | None = 5, minimum: int = 1, maximum: int | None = None, per_person: int | None = None
) -> VariantOffer:
    return VariantOffer(
        id=VariantId(new_id()), code="one", name="One", note="", price=usd(250), public_price=usd(300),
        available=available, min_quantity=minimum, max_quantity=maximum, per_person_limit=per_person,
        warranty_days=30,
    )  # fmt: skip


def detail(*variants: VariantOffer, premium_only: bool = False) -> ProductDetail:
    return ProductDetail(
        id=ProductId(new_id()), slug="card", name="Card", title="Card", summary="", hue="blue", icon="card",
        country=None, category="cards", price_from=usd(250), prices_differ=False, available=5,
        premium_only=premium_only, picture=None, description="", description_html="", tags=(),
        kind=StockKind.UNIQUE_KEYS, choice=ChoiceKind.OPTION, category_name="Cards", variants=list(variants),
    )  # fmt: skip


def offer_of(product: ProductDetail, variant: VariantOffer) -> Offer:
    return Offer(
        variant_id=variant.id, product_id=product.id, slug=product.slug, name={}, variant_name={}, hue="blue",
        icon="card", country=None, picture=None, unit_price=variant.price, public_price=variant.public_price,
        min_quantity=variant.min_quantity, max_quantity=variant.max_quantity, per_person_limit=variant.per_person_limit,
        premium_only=product.premium_only, kind=product.kind, warranty_days=variant.warranty_days,
    )  # fmt: skip


@given(
    st.none() | st.integers(0, AVAILABILITY_CAP),
    st.integers(1, 20),
    LIMIT,
    LIMIT,
    st.integers(-5, 3000),
    st.booleans(),
    st.booleans(),
)
def test_what_the_button_offers_is_what_an_order_accepts(
    available: int | None,
    minimum: int,
    maximum: int | None,
    per_person: int | None,
    asked: int,
    premium_only: bool,
    premium: bool,
) -> None:
    maximum = None if maximum is None else max(maximum, minimum)
    per_person = None if per_person is None else max(per_person, minimum)
    variant = offered(available, minimum, maximum, per_person)
    product, actor = detail(variant, premium_only=premium_only), buyer(is_premium=premium)
    box = buy_box(product, variant, asked, actor)
    assert box.minimum == minimum <= box.quantity <= box.maximum <= MAX_QUANTITY
    assert box.variant is variant
    if box.minimum <= asked <= box.maximum:
        assert box.quantity == asked
    enough = available is None or available >= minimum
    if box.state is BuyState.BUY:
        check_offer(offer_of(product, variant), box.quantity, premium=premium)
        assert enough and (per_person is None or box.quantity <= per_person)
        assert available in (None, AVAILABILITY_CAP) or box.quantity <= available
    elif box.state is BuyState.PREMIUM_ONLY:
        with pytest.raises(PremiumOnly):
            check_offer(offer_of(product, variant), box.quantity, premium=premium)
    else:
        assert not enough


@given(LIMIT, st.integers(1, 20))
def test_one_more_than_the_largest_order_is_refused(maximum: int | None, minimum: int) -> None:
    maximum = None if maximum is None else max(maximum, minimum)
    variant = offered(None, minimum, maximum)
    offer = offer_of(detail(variant), variant)
    check_offer(offer, variant.largest_order, premium=False)
    with pytest.raises(QuantityNotAllowed):
        check_offer(offer, variant.largest_order + 1, premium=False)


def test_the_first_variant_in_stock_is_chosen() -> None:
    empty, too_few, full = offered(0), offered(2, minimum=3), offered(4)
    assert choose_variant(detail(empty, too_few, full), None) is full
    assert choose_variant(detail(empty, too_few, full), too_few.id) is too_few
    assert choose_variant(detail(empty, too_few), VariantId(new_id())) is empty
