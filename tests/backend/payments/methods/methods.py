"""Every payment method, on its local server. To add one: a class like these, and a line in METHODS."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from aiogram.types import LabeledPrice, Update

from backend.infra.settings import Settings
from backend.kernel.errors import Invalid
from backend.payments.gateways.demo import SIGNATURE, DemoNotice, DemoProvider
from backend.payments.gateways.http import HttpClient
from backend.payments.gateways.usdt_addresses import ton_raw
from backend.payments.ports import ProviderKit
from backend.payments.types import Intent, ProviderState
from bot.intake import Intake
from tests.backend.payments.chains.conftest import DEEP, TRON_XPUB, address_of
from tests.backend.payments.methods.shop import SYSTEM, Method, Notify, Shop
from tests.backend.payments.providers.desk import Desk
from tests.backend.payments.providers.desks import DESKS
from tests.bot.conftest import Parts
from tests.bot.telegram import EMMA, Telegram
from tests.factories.wallet import usd
from tests.fakes.chain_apis import TonCenter, TronGrid, serving
from tests.fakes.clock import FakeClock
from tests.fakes.evm import CHAIN_ID, XPUB, Evm

_MICRO: Final = 10_000
"""Millionths of USDT in a cent."""
OpenMethod = Callable[[Settings, FakeClock, Path, Any], AbstractAsyncContextManager[Method]]
"""Starts the method's local server; a folder for its files; the last is the server that it shares (see NEEDS)."""
_updates = itertools.count(600_000_000)


class Plain:
    """The behaviour of most payment methods."""

    in_parts = False
    fixed = False
    looked_at = False
    silent = False

    def __init__(self, name: str, settings: dict[str, object]) -> None:
        self.name, self.settings = name, settings

    async def sent_back(self, shop: Shop, intent: Intent) -> int | None:
        """It keeps no books of it."""
        return None


class Demo(Plain):
    """The demo provider's signed calls."""

    in_parts = True

    def __init__(self) -> None:
        super().__init__("demo", {})
        self._paid: Counter[object] = Counter()

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """A call tells what came in all."""
        self._paid[intent.id] += cents
        total = self._paid[intent.id]
        body = msgspec.json.encode(DemoNotice(f"{intent.id}:{total}", intent.id, ProviderState.PAID, total, "USD"))
        headers = {SIGNATURE: cast(DemoProvider, shop.provider).sign(body)}
        return lambda: shop.services.payments.intents.receive("demo", headers, body)


class AtDesk(Plain):
    """Stripe, PayPal and Crypto Pay: calls of the documented format, genuinely signed."""

    def __init__(self, name: str, desk: Desk) -> None:
        super().__init__(name, {**desk.settings})
        self._desk = desk

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """One payment of so much."""
        hook = self._desk.pay(intent, cents)
        return lambda: shop.services.payments.intents.receive(self.name, *hook)

    async def sent_back(self, shop: Shop, intent: Intent) -> int | None:
        """By the provider's refunds."""
        return self._desk.sent_back(intent)


class Chain(Plain):
    """A chain is looked at: the word is what it showed at that moment."""

    in_parts = True
    looked_at = True

    def __init__(self, name: str, settings: dict[str, object], send: Callable[[Intent, int], Any]) -> None:
        super().__init__(name, settings)
        self._send = send

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """A final transfer, of millionths."""
        await self._send(intent, cents * _MICRO)
        shown = await shop.provider.status(await shop.ref(intent))
        assert shown is not None
        return lambda: shop.services.payments.intents.settle(self.name, shown)


class InTelegram(Plain):
    """Stars and cards: an invoice in the simulated Telegram, which asks the bot before and tells it afterwards."""

    fixed = True

    def __init__(self, name: str, telegram: Telegram, **settings: object) -> None:
        super().__init__(name, {"telegram_api_url": telegram.url, **settings})
        self.silent = name == "telegram_card"
        self._telegram = telegram
        self._parts: Parts | None = None
        self._offset = 0

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """Pay an invoice with the payment's name on it; the bot answers as in the product."""
        parts = self._parts = self._parts or Parts(shop.services)
        units = intent.payable.amount * cents // intent.amount.amount
        token = shop.services.settings.telegram_provider_token if self.silent else ""
        price = [LabeledPrice(label="Top-up", amount=units)]
        words = ("Title", "Words", str(intent.id), intent.payable.currency)
        url = await parts.bot.create_invoice_link(*words, prices=price, provider_token=token)
        what = {"slug": url, "outcome": "paid"}
        paying = asyncio.create_task(self._telegram.control("POST", f"/personas/{EMMA}/pay", **what))
        await parts.intake.take(await self._update(parts))
        if (await paying)["status"] != "paid":
            return None
        incoming = await self._update(parts)

        async def tell() -> None:
            # Deliver it to another process that has not seen the update: only the database knows it.
            again = incoming.model_copy(update={"update_id": next(_updates)})
            await Intake(parts.bot, parts.dispatcher, shop.services.redis, shop.services.payments.chat).take(again)

        return tell

    async def _update(self, parts: Parts) -> Update:
        (update,) = await parts.bot.get_updates(offset=self._offset, timeout=5, allowed_updates=parts.kinds)
        self._offset = update.update_id + 1
        return update

    async def sent_back(self, shop: Shop, intent: Intent) -> int | None:
        """By what is left of the bot's Stars."""
        if self.silent or self._parts is None:
            return None
        left = (await self._parts.bot.get_my_star_balance()).amount
        return intent.amount.amount * (intent.payable.amount - left) // intent.payable.amount

    async def close(self) -> None:
        """Close the bot's connections."""
        if self._parts is not None:
            await self._parts.bot.session.close()


class ByHand(Plain):
    """Deposits: an admin says what has come in all."""

    in_parts = True
    silent = True

    def __init__(self, folder: Path) -> None:
        super().__init__("deposit", {"deposit_instructions": "Send it to us.", "data_dir": str(folder)})
        self._paid: Counter[object] = Counter()

    async def pay(self, shop: Shop, intent: Intent, cents: int) -> Notify | None:
        """An admin sees the account as it is now, and says so."""
        self._paid[intent.id] += cents
        total = usd(self._paid[intent.id])

        async def confirm() -> None:
            try:
                await shop.services.payments.deposits.confirm(SYSTEM, intent.id, total)
            except Invalid as error:
                # An admin with an older bank statement than a colleague gets an error.
                assert error.fields == {"amount": "below_received"}

        return confirm


@asynccontextmanager
async def _demo(*_: Any) -> AsyncIterator[Method]:
    yield Demo()


def _desk(name: str) -> OpenMethod:
    @asynccontextmanager
    async def opened(settings: Settings, clock: FakeClock, *_: Any) -> AsyncIterator[Method]:
        http = HttpClient()
        async with DESKS[name](settings, ProviderKit(clock=clock, http=http)) as desk:
            yield AtDesk(name, desk)
        await http.close()

    return opened


@asynccontextmanager
async def _stars(settings: Settings, clock: FakeClock, folder: Path, telegram: Any) -> AsyncIterator[Method]:
    method = InTelegram("stars", telegram, star_price="0.013")
    yield method
    await method.close()


@asynccontextmanager
async def _cards(settings: Settings, clock: FakeClock, folder: Path, telegram: Any) -> AsyncIterator[Method]:
    method = InTelegram("telegram_card", telegram, telegram_provider_token="123456789:TEST:souk")
    yield method
    await method.close()


@asynccontextmanager
async def _tron(settings: Settings, clock: FakeClock, *_: Any) -> AsyncIterator[Method]:
    with serving(TronGrid()) as grid:

        async def send(intent: Intent, units: int) -> None:
            grid.pay(address_of(intent), units, clock.now().timestamp())

        yield Chain("usdt_tron", {"usdt_tron_xpub": TRON_XPUB, "usdt_tron_url": grid.url}, send)


@asynccontextmanager
async def _ton(settings: Settings, clock: FakeClock, *_: Any) -> AsyncIterator[Method]:
    ours = "UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p"
    with serving(TonCenter()) as center:

        async def send(intent: Intent, units: int) -> None:
            assert intent.action is not None
            center.pay(ton_raw(ours), units, clock.now().timestamp(), intent.action.fields["comment"])

        center.key = "the-key"  # without one, it is asked a second apart
        given = {"usdt_ton_address": ours, "usdt_ton_url": center.url, "usdt_ton_api_key": center.key}
        yield Chain("usdt_ton", {**given}, send)


@asynccontextmanager
async def _evm(settings: Settings, clock: FakeClock, folder: Path, chain: Evm) -> AsyncIterator[Method]:
    async def send(intent: Intent, units: int) -> None:
        await chain.pay(address_of(intent), units)
        await chain.mine(DEEP)

    given: dict[str, object] = {
        "usdt_evm_rpc_urls": chain.url,
        "usdt_evm_xpub": XPUB,
        "usdt_evm_chain_id": CHAIN_ID,
        "usdt_evm_contract": chain.token.lower(),
        "usdt_evm_decimals": 6,
        "usdt_evm_confirmations": str(DEEP),
    }
    yield Chain("usdt_evm", given, send)


@asynccontextmanager
async def _deposit(settings: Settings, clock: FakeClock, folder: Path, *_: Any) -> AsyncIterator[Method]:
    yield ByHand(folder)


METHODS: Final[dict[str, OpenMethod]] = {
    "demo": _demo,
    "stars": _stars,
    "telegram_card": _cards,
    "stripe": _desk("stripe"),
    "paypal": _desk("paypal"),
    "crypto_pay": _desk("crypto_pay"),
    "usdt_tron": _tron,
    "usdt_ton": _ton,
    "usdt_evm": _evm,
    "deposit": _deposit,
}
NEEDS: Final = {"stars": "telegram", "telegram_card": "telegram", "usdt_evm": "chain"}
"""The fixture of the server that several payment methods share."""
