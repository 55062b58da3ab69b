"""The demo's back office: what an owner should find in it is there, and a second start changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.bootstrap import Services
from backend.catalog.types.editing import ManagedProduct, ProductFilter, ProductState, StockState
from backend.demo.load import load_demo_shop
from backend.demo.office import load_demo_office
from backend.demo.trade import load_demo_trade
from backend.demo.work import NOAH
from backend.identity.errors import Blocked
from backend.identity.types import PRESETS, Actor, Contact
from backend.orders.types import OrderFilter
from backend.payments.types import IntentStatus
from tests.conftest import ROOT_ADMIN_ID

_DMITRY = Contact(telegram_id=700_000_003, first_name="Дмитрий", language_code="ru")
_TOM = Contact(telegram_id=700_001_008, first_name="Tom Reed")


async def _products(services: Services, root: Actor, **chosen: object) -> list[ManagedProduct]:
    return (await services.catalog.products.list_managed(root, ProductFilter(**chosen))).items  # type: ignore[arg-type]


@pytest.mark.long("loads the whole shop: 5,000 keys are sealed, and its pictures stored")
async def test_the_owner_finds_all_of_it_and_a_second_start_changes_nothing(services: Services) -> None:
    root = await services.identity.access.actor_by_telegram_id(ROOT_ADMIN_ID)
    assert root is not None
    await load_demo_shop(services.catalog.imports, services.storage)
    dmitry, tom = [await services.identity.access.authenticate(contact) for contact in (_DMITRY, _TOM)]
    await load_demo_trade(services)
    await load_demo_office(services, root)
    await _check(services, root)
    traded = await _trade(services, root)
    assert traded == (23, 14)

    # What the owner has changed since stays so.
    await services.identity.admins.set_permissions(root, dmitry.id, ())
    await services.identity.people.unblock(root, tom.id)
    version = await services.catalog.storefront.version()
    await load_demo_office(services, root)
    assert await services.catalog.storefront.version() == version
    again = await services.identity.access.authenticate(_DMITRY)
    assert not again.is_admin
    assert (await services.identity.access.authenticate(_TOM)).id == tom.id
    noah = await services.identity.access.authenticate(NOAH)
    assert len((await services.orders.history.list_mine(noah, OrderFilter.ALL, None)).items) == 3
    await load_demo_trade(services)
    assert await _trade(services, root) == traded


async def _trade(services: Services, root: Actor) -> tuple[int, int]:
    """How many orders and payments there are; both reach back into the week before this one."""
    rows = (await services.orders.history.list_all(root, None, None)).items
    payments = (await services.payments.inbox.list_payments(root)).items
    assert {payment.status for payment in payments} == {IntentStatus.SUCCEEDED}
    for moments in ([row.created_at for row in rows], [payment.created_at for payment in payments]):
        assert max(moments) - min(moments) > timedelta(days=9)
    return len(rows), len(payments)


async def _check(services: Services, root: Actor) -> None:
    catalog = services.catalog
    (planned,) = await _products(services, root, state=ProductState.SCHEDULED)
    assert (planned.slug, planned.missing > 0, planned.listed) == ("study-planner", True, False)
    assert "notes-pro" in [one.slug for one in await _products(services, root, stock=StockState.LOW)]
    (guide,) = await catalog.goods_files.list_variants(root)
    assert guide.file == "Strong passwords.pdf"
    (version,) = (await catalog.goods_files.get(root, guide.variant_id)).versions
    assert (version.kind, version.pages, version.stamps, version.sold) == ("pdf", 2, True, 1)
    (archived,) = (await catalog.bin.list_archived(root)).items
    assert archived.name["en"] == "1 week, for trying"

    toolkit = await catalog.storefront.product(Actor.system(), "pdf-toolkit")
    assert [step.quantity for step in toolkit.variants[0].quantity_prices] == [5, 10]
    (imported,) = await catalog.stock_imports.latest(root)
    assert (imported.state, imported.added, imported.unit_cost) == ("done", 12, 1400)
    assert (imported.batch_name, imported.source) == ("Autumn offer", "Keys and More Ltd")
    assert imported.expires_at is not None
    (work,) = await catalog.hand_work.list_open(root)
    assert (await services.orders.history.owners_of(root, [work.line_id]))[work.line_id].number

    (segment,) = await services.audience.segments.list_all(root, counted=True)
    assert (segment.name, segment.shared, segment.people) == ("Buyers with over $10 left", True, 3)
    assert (await services.identity.access.authenticate(_DMITRY)).permissions == PRESETS["support"]
    with pytest.raises(Blocked):
        await services.identity.access.authenticate(_TOM)
    assert (await services.wallet.ledger.verify(root)).balanced
