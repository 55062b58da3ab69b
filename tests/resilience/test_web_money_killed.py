"""The web process killed with -9 in the middle of what people and admins do with money; they do it again, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from backend.identity.types import Actor
from backend.infra.settings import Settings
from backend.kernel.clock import SystemClock
from tests.bot.telegram import NADIA
from tests.factories.wallet import usd
from tests.fakes.crypto_pay import TOKEN, CryptoPayServer
from tests.fakes.http_server import serving
from tests.resilience.ground import Buyer, Ground
from tests.resilience.processes import Fuse, alive, descendants, until
from tests.webapp.client import Visitor

_FORM = {"intent": "tap-0000001", "amount": "10", "method": "crypto_pay"}


@pytest.fixture(scope="session")
async def coins() -> AsyncIterator[CryptoPayServer]:
    """A provider without idempotency keys of its own: one payment opened twice would be two."""
    server = CryptoPayServer(SystemClock())
    async with serving(server.answer) as server.url:
        yield server


@pytest.fixture(scope="session")
def settings(settings: Settings, coins: CryptoPayServer) -> Settings:
    """The shop takes Crypto Pay."""
    return msgspec.structs.replace(settings, crypto_pay_token=TOKEN, crypto_pay_url=coins.url)


class Scene:
    """The shop's web, which dies and comes again."""

    def __init__(self, ground: Ground, fuse: Fuse) -> None:
        self.ground = ground
        self._fuse = fuse

    async def dies(self, place: str, who: Visitor, path: str, form: dict[str, Any]) -> None:
        """Somebody sends a form, and the whole process is gone while it is at ``place``."""
        web = self.ground.web
        self._fuse.lay(place)
        web.start()
        await web.ready()
        victims = descendants(web.pid)
        with pytest.raises(httpx.TransportError):
            await who.post(path, data=form)
        await self._fuse.blown(place)

        async def one_is_gone() -> bool:
            return not all(alive(pid) for pid in victims)

        await until(one_is_gone)
        web.strike()
        await web.ended()
        await self.ground.books_balance()

    async def revived(self) -> None:
        """The process is there again."""
        self.ground.web.start()
        await self.ground.web.ready()

    async def balance(self, actor: Actor) -> int:
        """What somebody has, in cents."""
        return (await self.ground.services.wallet.statement.overview(actor)).balance.amount


@pytest.fixture
def scene(ground: Ground, fuse: Fuse) -> Scene:
    """The shop."""
    return Scene(ground, fuse)


async def test_what_the_dead_had_in_hand_is_done_again_once(scene: Scene, coins: CryptoPayServer) -> None:
    """A payment on both sides of its provider, a voucher before its money, a correction after it."""
    ground, services = scene.ground, scene.ground.services
    tappers: list[Buyer] = []
    for place, opened in (("payments.begun", 0), ("payments.opened", 1)):
        buyer, before = await ground.buyer(), len(coins.invoices)
        tappers.append(buyer)
        await scene.dies(place, buyer.visitor, "/wallet/topup", _FORM)
        (left,) = await services.payments.intents.list_mine(buyer.actor)
        assert (left.external_id, len(coins.invoices) - before) == (None, opened)
    root = await services.identity.access.actor_by_telegram_id(NADIA)
    assert root is not None
    (code,) = (await services.growth.vouchers.make(root, usd(500), idempotency_key="batch-0000001")).codes
    lucky, admin = await ground.buyer(), await ground.visitor(NADIA, first_name="Nadia")
    correction = {"intent": "tap-0000001", "direction": "credit", "amount": "3", "reason": "sorry"}
    forms: list[tuple[str, Visitor, str, dict[str, Any]]] = [
        ("codes.counted", lucky.visitor, "/wallet/redeem", {"code": code}),
        ("adjustments.moved", admin, f"/admin/people/{lucky.actor.id}/adjust", correction),
    ]
    for place, who, path, form in forms:
        await scene.dies(place, who, path, form)
        assert await scene.balance(lucky.actor) == 0

    await ground.rows("UPDATE payment_intents SET leased_until = now()")  # the dead process's lease ends
    await scene.revived()
    for buyer in tappers:
        await _tap_twice(buyer.visitor, "/wallet/topup", _FORM)
        (begun,) = await services.payments.intents.list_mine(buyer.actor)
        assert [item["payload"] for item in coins.invoices].count(str(begun.id)) == 1
        headers, body = coins.hook(coins.pay(str(begun.id)))
        async with httpx.AsyncClient(base_url=ground.web.url, timeout=20) as provider:
            for _ in range(2):
                assert (await provider.post("/hooks/crypto_pay", content=body, headers=headers)).status_code == 200
        assert await scene.balance(buyer.actor) == 1000
    for _, who, path, form in forms:
        await _tap_twice(who, path, form)
    assert await scene.balance(lucky.actor) == 800
    assert await ground.count("SELECT count(*) FROM payment_intents") == len(tappers) == len(coins.invoices)
    await ground.books_balance()


async def _tap_twice(who: Visitor, path: str, form: dict[str, Any]) -> None:
    for _ in range(2):
        assert (await who.post(path, data=form)).status_code == 200
