"""The product as an operator runs it: web, worker, bot and simulator as processes, on a database with the demo shop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from backend.bootstrap import Services, build
from backend.catalog.types import VariantId, VariantOffer
from backend.demo.load import load_demo_codes, load_demo_course, load_demo_shop
from backend.identity.types import Actor
from backend.infra import embedded
from backend.infra.settings import Environment, Settings
from backend.payments.types import ProviderReport, ProviderState
from tests import servers
from tests.factories.shop import stock_up
from tests.factories.wallet import give, usd
from tests.fakes import evm
from tests.fakes.evm import XPUB, Evm
from tests.processes import Running, start

_READY_SECONDS = 60.0
_ENDED_SECONDS = 30.0
_LOOK_SECONDS = 0.1
CONFIRMATIONS = 3
"""The blocks that make a payment in USDT final here."""
_FIRST_REDIS_DATABASE = 9  # the test processes have the others


def _number() -> int:
    """0 in the first test process, 1 in the second."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


class Stack(msgspec.Struct, frozen=True):
    """Where everything answers, and the backend itself to arrange and to check what a person cannot see."""

    app: str
    simulator: str
    services: Services
    chain: Evm
    """Where USDT is paid: `pay` and `mine`."""
    logs: Path
    """The folder with the output of each process."""

    async def actor(self, telegram_id: int) -> Actor:
        """The person behind a Telegram account that has opened the shop."""
        actor = await self.services.identity.access.actor_by_telegram_id(telegram_id)
        assert actor is not None, f"{telegram_id} has not opened the shop"
        return actor

    async def fund(self, telegram_id: int, cents: int) -> Actor:
        """Put money into the wallet of somebody who has opened the shop."""
        actor = await self.actor(telegram_id)
        async with self.services.uow() as tx:
            await give(tx, actor.id, usd(cents))
        return actor

    async def balance(self, telegram_id: int) -> int:
        """What the person has, in cents."""
        return (await self.services.wallet.statement.overview(await self.actor(telegram_id))).balance.amount

    async def receive(self, telegram_id: int) -> None:
        """Let the money of the person's newest payment arrive now, as the provider reports it."""
        payments = self.services.payments.intents
        intent = (await payments.list_mine(await self.actor(telegram_id)))[0]
        report = ProviderReport(
            event_id=f"{intent.id}:paid", state=ProviderState.PAID, intent_id=intent.id, received=intent.payable
        )
        await payments.settle(intent.method, report)

    async def variant(self, slug: str, place: int = 0) -> VariantOffer:
        """A variant of a product of the demo shop."""
        return (await self.services.catalog.storefront.product(Actor.system(), slug)).variants[place]

    async def wait(self, telegram_id: int, slug: str, place: int = 0) -> None:
        """Stand in line for something that is sold out."""
        variant = await self.variant(slug, place)
        await self.services.catalog.waiting.join(await self.actor(telegram_id), variant.id)

    async def restock(self, variant_id: VariantId, keys: list[str]) -> None:
        """Put keys into the stock, and have its line served."""
        async with self.services.uow() as tx:
            await stock_up(tx, self.services.ring, variant_id, keys)
        await self.services.catalog.waiting.serve(variant_id)

    async def buy(self, telegram_id: int, slug: str, place: int = 0, quantity: int = 1) -> str:
        """Buy behind the page's back; the order's number."""
        actor, variant = await self.actor(telegram_id), await self.variant(slug, place)
        key = f"browser-{telegram_id}-{slug}-{place}-{quantity}"
        return (await self.services.orders.checkout.place(actor, variant.id, quantity, key)).number

    async def reserve(self, telegram_id: int, slug: str, place: int = 0) -> str:
        """Keep something unpaid; the order's number."""
        actor, variant = await self.actor(telegram_id), await self.variant(slug, place)
        key = f"browser-{telegram_id}-{slug}-{place}-kept"
        return (await self.services.orders.checkout.reserve(actor, variant.id, 1, key)).number


def shop_settings(base: Settings, database: str, folder: Path, chain: Evm) -> Settings:
    """A shop with a payment method of every kind, on ports of its own."""
    web, simulator = (embedded.free_port() for _ in range(2))
    telegram = f"http://127.0.0.1:{simulator}"
    return msgspec.structs.replace(
        base,
        souk_env=Environment.DEMO,
        database_url=database,
        redis_url=f"{os.environ['SOUK_TEST_REDIS'].removesuffix('/0')}/{_FIRST_REDIS_DATABASE + _number()}",
        public_url=f"http://127.0.0.1:{web}",
        port=web,
        telegram_api_url=telegram,
        telegram_script_url=f"{telegram}/telegram-web-app.js",
        telegram_frame_ancestors=telegram,
        database_pool=10,
        # What is held for people in line does not depend on the hour at which the tests run.
        quiet_from=0,
        quiet_until=0,
        star_price="0.013",
        # As fast as nobody reads, and still word by word.
        reading_pace=15,
        data_dir=str(folder / "data"),
        log_dir=str(folder),
        usdt_evm_rpc_urls=chain.url,
        usdt_evm_xpub=XPUB,
        usdt_evm_chain_id=evm.CHAIN_ID,
        usdt_evm_contract=chain.token,
        usdt_evm_decimals=evm.DECIMALS,
        usdt_evm_network="Ethereum (ERC-20)",
        usdt_evm_confirmations=str(CONFIRMATIONS),
        # Nobody answers there: what is known of a payment on TON is what a test says. Without a key the calls are a
        # second apart, for which every page of such a payment waits, and the worker's jobs.
        usdt_ton_address="UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p",
        usdt_ton_url=f"http://127.0.0.1:{embedded.free_port()}",
        usdt_ton_api_key="unlimited",
        deposit_instructions="Send it to Souk Ltd, IBAN GB33 BUKB 2020 1555 5555 55.\\nNote: {reference}",
    )


class _Part(msgspec.Struct, frozen=True):
    """One process of the stack, and where its output goes."""

    name: str
    process: Running
    output: Path

    def must_run(self) -> None:
        """Fail with the end of its output where it has ended."""
        assert self.process.poll() is None, f"{self.name} ended: {self.output.read_text()[-4000:]}"


async def _until_ready(addresses: list[str], parts: list[_Part]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    async with httpx.AsyncClient(timeout=5) as client:
        for address in addresses:
            while not await _answers(client, address):
                for part in parts:
                    part.must_run()
                assert time.monotonic() < deadline, f"{address} did not become ready"
                await asyncio.sleep(_LOOK_SECONDS)


async def _until_dressed(simulator: str, bot: _Part) -> None:
    """Wait until the bot has set its menu: before, the button beside the text field lists commands."""
    deadline = time.monotonic() + _READY_SECONDS
    async with httpx.AsyncClient(base_url=simulator, timeout=5) as client:
        while True:
            people = (await client.get("/control/personas")).raise_for_status().json()
            if all(person["menu_button"]["kind"] == "web_app" for person in people):
                return
            bot.must_run()
            assert time.monotonic() < deadline, "the bot did not set its menu"
            await asyncio.sleep(_LOOK_SECONDS)


async def _answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@asynccontextmanager
async def running(base: Settings, folder: Path) -> AsyncIterator[Stack]:
    """Start it all, wait until it is ready, and stop it afterwards."""
    async with evm.running(folder) as chain:
        database = await servers.new_copy(os.environ[servers.POSTGRES], servers.database_name("browser", _number()))
        async with _started(shop_settings(base, database, folder, chain), folder, chain) as stack:
            yield stack


@asynccontextmanager
async def _started(settings: Settings, folder: Path, chain: Evm) -> AsyncIterator[Stack]:
    services = build(settings)
    modules = {"simulator": "bot.simulator", "web": "webapp", "worker": "backend.worker", "bot": "bot"}
    place = {"SIMULATOR_HOST": "127.0.0.1", "SIMULATOR_PORT": settings.telegram_api_url.rpartition(":")[2]}
    parts: list[_Part] = []
    async with services.running(listen=False):
        await services.redis.flushdb()
        await services.identity.access.ensure_root()
        try:
            for name, module in modules.items():
                output = folder / f"{name}.out"
                # Each serves its own metrics: on one port all but the first would wait for it, and say so.
                own = msgspec.structs.replace(settings, metrics_port=embedded.free_port())
                parts.append(_Part(name, start(module, own, output, more=place), output))
            await load_demo_shop(services.catalog.imports, services.storage)
            await load_demo_course(services.courses.authoring, services.courses.courses)
            await load_demo_codes(services.growth.promos)
            simulator = settings.telegram_api_url
            await _until_ready([f"{simulator}/control/info", f"{settings.public_url}/readyz"], parts)
            await _until_dressed(simulator, parts[-1])
            yield Stack(settings.public_url, simulator, services, chain, folder)
        finally:
            for part in reversed(parts):
                part.process.terminate()
            for part in reversed(parts):
                part.process.wait(_ENDED_SECONDS)
