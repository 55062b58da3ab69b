"""A stocked shop and people in front of it, for tests of the sale's screens."""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlsplit

import httpx
import msgspec

from backend.bootstrap import Services
from backend.identity.types import Actor
from backend.infra.jobs import list_open
from backend.kernel.ids import UserId
from backend.orders.service import SETTLE
from backend.payments.types import TopUpSucceeded
from tests.factories.shop import Goods, add_goods
from tests.factories.wallet import give, usd
from tests.webapp.client import Visitor


async def goods(services: Services, **changes: object) -> Goods:
    """A product on the shelf, committed."""
    async with services.uow() as tx:
        return await add_goods(tx, services.ring, **changes)  # type: ignore[arg-type]


async def arrive(services: Services, visitor: Visitor, cents: int = 0) -> Actor:
    """The visitor signs in and finds ``cents`` in the wallet."""
    response = await visitor.get("/me")
    assert response.status_code == 200, response.text
    actor = await services.identity.access.actor_by_telegram_id(telegram_id_of(visitor))
    assert actor is not None
    if cents:
        await fund(services, actor.id, cents)
    return actor


async def fund(services: Services, user_id: UserId, cents: int) -> None:
    """Put money into a wallet."""
    async with services.uow() as tx:
        await give(tx, user_id, usd(cents))


def telegram_id_of(visitor: Visitor) -> int:
    """The visitor's Telegram id."""
    match = re.search(r"%22id%22%3A(\d+)", visitor.init_data)
    assert match is not None
    return int(match.group(1))


def field(response: httpx.Response, name: str) -> str:
    """The value of a hidden field."""
    match = re.search(rf'name="{name}" value="([^"]*)"', response.text)
    assert match is not None, f"no field {name} in {response.text[:2000]}"
    return unescape(match.group(1))


def links(response: httpx.Response, start: str) -> list[str]:
    """Addresses in the answer that begin so, path and query."""
    matches = re.findall(rf'"((?:https?://[^"/]+)?{re.escape(escape(start))}[^"]*)"', response.text)
    return [_path(unescape(item)) for item in matches]


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def confirm(visitor: Visitor, thing: Goods, quantity: int = 1) -> httpx.Response:
    """The sheet before the purchase."""
    return await visitor.get(f"/shop/{thing.slug}/confirm?variant={thing.variant_id}&quantity={quantity}")


async def buy(visitor: Visitor, thing: Goods, quantity: int = 1, intent: str | None = None) -> httpx.Response:
    """The purchase, with the key of a fresh sheet unless one is given."""
    intent = intent or field(await confirm(visitor, thing, quantity), "intent")
    data = {"variant": str(thing.variant_id), "quantity": str(quantity), "intent": intent}
    return await visitor.post("/orders", data=data)


def number_of(response: httpx.Response) -> str:
    """The order that an answer leads to."""
    pushed = response.headers.get("hx-push-url") or response.headers.get("hx-replace-url") or ""
    match = re.search(r"S-[0-9A-Z]{6}", pushed)
    assert match is not None, (response.status_code, response.text[:500])
    return match.group()


async def settle(services: Services) -> None:
    """Do what the worker does with money that has come for orders."""
    async with services.uow.read() as tx:
        waiting = await list_open(tx, SETTLE)
    for payload, _ in waiting:
        await services.orders.settlement.settle_payment(msgspec.convert(payload, TopUpSucceeded))


def plain(html: str) -> str:
    """What is read of a page: no tags, every space an ordinary one."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html)))


async def balance(services: Services, visitor: Visitor) -> int:
    """What the visitor has, in cents."""
    return (await services.wallet.statement.overview(await arrive(services, visitor))).balance.amount


async def bought(services: Services, visitor: Visitor, price: int = 1500) -> str:
    """The number of an order that the visitor paid from the balance."""
    thing = await goods(services, price=price)
    await arrive(services, visitor, cents=price)
    return number_of(await buy(visitor, thing))
