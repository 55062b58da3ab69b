"""Changing a setting of the running shop: who may, what is refused, and what the history keeps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid, NotFound
from backend.orders.errors import TooManyReservations
from tests.factories.identity import admin, person
from tests.factories.shop import add_goods, buyers
from tests.factories.wallet import usd

SYSTEM = Actor.system()


async def test_a_change_is_in_force_and_in_the_history(services: Services, settings: Settings) -> None:
    nadia = await admin(services.identity, settings.root_admin_id, Permission.SETTINGS)
    await services.shop_settings.change(nadia, "ORDER_RESERVATION", " 1200 ")
    await services.shop_settings.change(SYSTEM, "RESERVATION_KEYS", "5")
    await services.shop_settings.reset(SYSTEM, "ORDER_RESERVATION")
    rows = {row.setting.name: row for row in await services.shop_settings.in_force(nadia)}
    assert (rows["RESERVATION_KEYS"].value, rows["RESERVATION_KEYS"].environment) == ("5", "10")
    assert (rows["RESERVATION_KEYS"].changed, rows["ORDER_RESERVATION"].changed) == (True, False)
    history = await services.shop_settings.history(nadia)
    assert [(change.name, change.actor_id, change.old, change.new, change.reset) for change in history] == [
        ("ORDER_RESERVATION", None, "1200", "900", True),
        ("RESERVATION_KEYS", None, "10", "5", False),
        ("ORDER_RESERVATION", nadia.id, "900", "1200", False),
    ]
    assert len(await services.shop_settings.history(nadia, "RESERVATION_KEYS")) == 1


async def test_a_change_to_what_is_in_force_changes_nothing(services: Services) -> None:
    await services.shop_settings.reset(SYSTEM, "RESERVATION_KEYS")
    await services.shop_settings.change(SYSTEM, "RESERVATION_KEYS", "5")
    await services.shop_settings.change(SYSTEM, "RESERVATION_KEYS", "٥")
    assert len(await services.shop_settings.history(SYSTEM)) == 1


async def test_a_value_equal_to_the_environments_is_kept_when_that_changes(services: Services) -> None:
    await services.shop_settings.change(SYSTEM, "RESERVATION_KEYS", "10")
    rows = {row.setting.name: row for row in await services.shop_settings.in_force(SYSTEM)}
    assert rows["RESERVATION_KEYS"].changed


async def test_a_refusal_names_the_limit_and_changes_nothing(services: Services) -> None:
    with pytest.raises(Invalid) as refused:
        await services.shop_settings.change(SYSTEM, "RESERVATION_ORDERS", "101")
    assert refused.value.fields == {"value": "out_of_range"}
    assert refused.value.params["limits"] == "a whole number from 1 to 100"
    with pytest.raises(NotFound):
        await services.shop_settings.change(SYSTEM, "SECRET_KEY", "x" * 32)
    with pytest.raises(NotFound):
        await services.shop_settings.history(SYSTEM, "SECRET_KEY")
    assert await services.shop_settings.history(SYSTEM) == []
    assert services.live.current == services.settings


async def test_settings_that_conflict_are_refused_in_either_order(services: Services) -> None:
    await services.shop_settings.change(SYSTEM, "TOP_UP_MINIMUM", "50")
    with pytest.raises(Invalid, match="TOP_UP_MAXIMUM"):
        await services.shop_settings.change(SYSTEM, "TOP_UP_MAXIMUM", "49")
    await services.shop_settings.change(SYSTEM, "TOP_UP_MAXIMUM", "60")
    with pytest.raises(Invalid, match="TOP_UP_MAXIMUM"):
        await services.shop_settings.change(SYSTEM, "TOP_UP_MINIMUM", "61")
    assert services.live.current.top_up_range == (50, 60)


async def test_only_those_with_the_permission_change_and_only_root_the_single_admin_limit(
    services: Services, settings: Settings
) -> None:
    root = await person(services.identity, settings.root_admin_id)
    cashier = await admin(services.identity, settings.root_admin_id, Permission.MONEY)
    nadia = await admin(services.identity, settings.root_admin_id, Permission.SETTINGS)
    for verb in (services.shop_settings.in_force(cashier), services.shop_settings.history(cashier),
                 services.shop_settings.change(cashier, "RESERVATION_KEYS", "5"),
                 services.shop_settings.reset(cashier, "RESERVATION_KEYS"),
                 services.shop_settings.change(nadia, "ADJUSTMENT_LIMIT", "1000000"),
                 services.shop_settings.reset(nadia, "ADJUSTMENT_LIMIT")):  # fmt: skip
        with pytest.raises(Forbidden):
            await verb
    await services.shop_settings.change(root, "ADJUSTMENT_LIMIT", "200")
    assert services.live.current.single_admin_limit == 200


async def test_two_changes_at_the_same_time_are_one_after_the_other(services: Services) -> None:
    values = ["2", "4", "5", "6", "7"]
    await asyncio.gather(*(services.shop_settings.change(SYSTEM, "RESERVATION_ORDERS", value) for value in values))
    history = list(reversed(await services.shop_settings.history(SYSTEM)))
    # With one clock all have the same time: the chain of old and new values tells their order.
    following = {change.old: change.new for change in history}
    chain = ["3"]
    while chain[-1] in following:
        chain.append(following.pop(chain[-1]))
    assert following == {}
    assert services.live.current.reservation_orders == int(chain[-1])


async def test_changes_that_conflict_are_not_both_accepted(services: Services) -> None:
    """Each is valid beside the environment's values; together they would leave no top-up that is allowed."""
    done = await asyncio.gather(
        services.shop_settings.change(SYSTEM, "TOP_UP_MINIMUM", "500"),
        services.shop_settings.change(SYSTEM, "TOP_UP_MAXIMUM", "400"),
        return_exceptions=True,
    )
    assert sorted(type(one) for one in done if one is not None) == [Invalid]
    least, most = services.live.current.top_up_range
    assert least <= most


async def test_a_change_counts_for_the_next_order_payment_and_approval(services: Services) -> None:
    changes = {
        "ORDER_RESERVATION": "1200", "RESERVATION_ORDERS": "1", "TOP_UP_MAXIMUM": "50", "ADJUSTMENT_LIMIT": "5",
    }  # fmt: skip
    for name, value in changes.items():
        await services.shop_settings.change(SYSTEM, name, value)
    (buyer,) = await buyers(services.uow, 1, 0)
    async with services.uow() as tx:
        goods = await add_goods(tx, services.ring, keys=9)
    order = await services.orders.checkout.reserve(buyer, goods.variant_id, 1, "the-first-one")
    view = await services.orders.history.detail(buyer, order.number)
    assert view.expires_at == services.clock.now() + timedelta(seconds=1200)
    with pytest.raises(TooManyReservations):
        await services.orders.checkout.reserve(buyer, goods.variant_id, 1, "the-second-one")
    assert services.payments.methods.limits.maximum == services.growth.gifts.limits.maximum == usd(5000)
    (method, *_) = await services.payments.methods.enabled(buyer)
    assert method.maximum == usd(5000)
    assert services.wallet.adjustments.limit == services.approvals.limit == services.growth.vouchers.limit == usd(500)
