"""The back office of tests.webapp.back_office, with an admin of the catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from backend.bootstrap import Services
from backend.catalog.types import ProductId
from backend.identity.types import Actor, Permission
from tests.factories.catalog import category, import_rows
from tests.webapp.back_office import MakeAdmin, fake, make_admin, root, services, top_up  # noqa: F401
from tests.webapp.client import Visitor
from tests.webapp.sale import arrive

INTENT = "0198c0de-0000-7000-8000-000000000001"
FORM = {
    "intent": INTENT, "kind": "unique_keys", "name_en": "Private VPN key", "name_ar": "مفتاح VPN",
    "summary_en": "5 devices",
    "description_en": "**Fast** and private", "slug": "private-vpn", "category": "cards", "country": "TR",
    "choice": "duration", "icon": "shield", "hue": "indigo", "tags": "vpn, Privacy", "shown": "on",
}  # fmt: skip
"""A new product, as the browser sends it."""
AddOne = Callable[..., Awaitable[ProductId]]


class Desk:
    """An admin of the catalogue, at work."""

    def __init__(self, page: Visitor, actor: Actor) -> None:
        self.page = page
        self.actor = actor


@pytest.fixture
async def desk(services: Services, make_admin: MakeAdmin) -> Desk:  # noqa: F811
    """An admin of the catalogue in a shop with one category."""
    await import_rows(services.catalog, [category()])
    page = await make_admin(81, Permission.CATALOGUE)
    return Desk(page, await arrive(services, page))


@pytest.fixture
def add_one(desk: Desk) -> AddOne:
    """Makes a product through the page: ``await add_one(slug="other")``."""
    numbers = iter(range(100, 999))

    async def make(**changes: str) -> ProductId:
        number = next(numbers)
        intent = str(UUID(int=UUID(INTENT).int + number))
        answer = await desk.page.post("/admin/catalogue", data={**FORM, "intent": intent, **changes})
        assert answer.status_code == 200, answer.text
        return ProductId(UUID(intent))

    return make
