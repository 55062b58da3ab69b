"""The reading room in the back office, and an admin who keeps it."""

from __future__ import annotations

import msgspec
import pytest

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.kernel.money import Money
from backend.readings.types import Spread
from backend.readings.types.rooms import PackageFields, Period
from tests.factories.courses import CATEGORY, add_category
from tests.webapp.back_office import MakeAdmin, make_admin, root  # noqa: F401
from tests.webapp.client import Visitor
from tests.webapp.sale import arrive

ROOM = "/admin/readings"


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The admin as a service and as a visitor sees them."""

    services: Services
    keeper: Actor
    page: Visitor

    async def spread(self, slug: str) -> Spread:
        """A spread as it is stored."""
        listed = await self.services.readings.spreads.list_all(self.keeper)
        return next(one for one in listed if one.slug == slug)

    async def slugs(self) -> list[str]:
        """The spreads in their order."""
        return [one.slug for one in await self.services.readings.spreads.list_all(self.keeper)]


@pytest.fixture
async def catalogue(services: Services) -> None:
    """A category of the shop."""
    async with services.uow() as tx:
        await add_category(tx)


@pytest.fixture
async def desk(services: Services, make_admin: MakeAdmin) -> Desk:  # noqa: F811
    """A shop with the spreads that came with Souk, and an admin who may change them."""
    await services.readings.upkeep.ensure_spreads()
    page = await make_admin(81, Permission.READINGS, Permission.MONEY)
    return Desk(services=services, keeper=await arrive(services, page), page=page)


async def package(desk: Desk, price: int, credits: int) -> None:
    """Sell credits at a price."""
    money = Money(price, desk.services.settings.shop_currency)
    fields = PackageFields(name={"en": "Credits"}, credits=credits, price=money, period=Period.ONCE)
    await desk.services.readings.packages.add(desk.keeper, f"credits-{credits}", fields, category=CATEGORY)
