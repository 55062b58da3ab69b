"""Two weeks of the demo's trade: people top up and buy, so that today has a week to be compared with."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.bootstrap import Services
from backend.demo.crowd import CROWD
from backend.demo.past import Past, orders, unit_of_work
from backend.kernel.money import Money
from backend.orders.types import OrderFilter
from backend.payments.gateways.demo import COMPLETES_AFTER, DemoProvider
from backend.payments.service.intents import IntentsService
from backend.payments.types import TopUpLimits


class _Sale(msgspec.Struct, frozen=True):
    """So many hours ago one of the crowd topped up by so much, if at all, and bought a variant."""

    hours: float
    buyer: int
    slug: str
    variant: int
    top_up: int = 0


_SALES: Final = (
    _Sale(332, 0, "private-vpn", 0, 2000),
    _Sale(309, 3, "travel-esim-tr", 1, 1000),
    _Sale(286, 1, "app-store-card-tr", 1, 2000),
    _Sale(262, 5, "english-every-day", 1, 2000),
    _Sale(239, 0, "pc-games-wallet-tr", 0),
    _Sale(213, 7, "film-plan-eg", 0, 1000),
    _Sale(188, 9, "office-suite", 0, 3000),
    _Sale(164, 2, "shopping-card-de", 0, 3000),
    _Sale(141, 4, "family-vpn", 0, 1000),
    _Sale(135, 8, "puzzle-gems", 0, 1000),
    _Sale(118, 1, "play-credit-tr", 1),
    _Sale(96, 6, "photo-studio", 1, 5000),
    _Sale(93, 0, "travel-esim-europe", 0),
    _Sale(70, 3, "coding-playground", 0, 1000),
    _Sale(50, 9, "antivirus", 0, 1000),
    _Sale(47, 5, "film-plan-eg", 0),
    _Sale(25, 2, "app-store-card-us", 0, 1000),
    _Sale(22, 7, "battle-coins", 0, 1000),
    _Sale(0.4, 8, "puzzle-gems", 0),
    _Sale(0.2, 4, "music-plan-tr", 0),
)


async def load_demo_trade(services: Services) -> None:
    """Have them buy, once; what a start began and did not end is done to its end by the next."""
    last = _SALES[-1].buyer
    buyer = await services.identity.access.authenticate(CROWD[last])
    placed = await services.orders.history.list_mine(buyer, OrderFilter.ALL, None)
    if len(placed.items) >= sum(sale.buyer == last for sale in _SALES):
        return
    past, settings = Past(services.clock), services.settings
    uow, currency = unit_of_work(services, past), settings.shop_currency
    limits = TopUpLimits(minimum=Money(1, currency), maximum=Money(1_000_000, currency), presets=())
    provider = DemoProvider(clock=past, production=settings.production, secret=settings.secret_key)
    payments = IntentsService(uow=uow, providers=[provider], limits=lambda: limits)
    checkout = orders(services, uow).checkout
    for number, sale in enumerate(_SALES, start=1):
        key, past.before = f"demo-trade-{number}", timedelta(hours=sale.hours)
        buyer = await services.identity.access.authenticate(CROWD[sale.buyer])
        if sale.top_up:
            amount = Money(sale.top_up, currency)
            intent = await payments.start_top_up(buyer, provider.name, amount, idempotency_key=key)
            past.before -= COMPLETES_AFTER
            await payments.poll_now(buyer, intent.id)
        product = await services.catalog.storefront.product(buyer, sale.slug)
        await checkout.place(buyer, product.variants[sale.variant].id, 1, key)
