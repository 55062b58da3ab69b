"""``python -m tests.bench``: measures, prints the table, writes .bench/results.json."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

import uvloop
from rich.console import Console

from tests.bench import (
    carts,
    draws,
    lessons,
    memory,
    orders,
    pages,
    payments,
    purchases,
    readings,
    requests,
    search,
    stock_import,
)
from tests.bench.report import Row, write
from tests.bench.world import World, world

PRODUCTS = 10_000


async def main(only: set[str]) -> None:
    """Every row, or those named on the command line."""
    console = Console(stderr=True)
    rows: list[Row] = []
    measures: dict[str, Callable[[World], Awaitable[Row | list[Row]]]] = {
        "memory": memory.memory,
        "catalogue_page": pages.catalogue_page,
        "product_page": pages.product_page,
        "lesson_page": pages.lesson_page,
        "orders_page": requests.orders_page,
        "wallet_page": requests.wallet_page,
        "purchase_post": requests.purchase_post,
        "wallet_purchase": purchases.wallet_purchase,
        "purchase_large_stock": purchases.purchase_large_stock,
        "cart_checkout": carts.cart_checkout,
        "carts_opposite_order": carts.carts_opposite_order,
        "search": search.search,
        "stock_import": stock_import.stock_import,
        "order_search": orders.orders,
        "lessons_due": lessons.lessons_due,
        "draws": draws.draws,
        "webhook_to_order": payments.webhook_to_order,
        "first_word": readings.first_word,
        "webhooks_accepted": payments.webhooks_accepted,
    }
    async with world(PRODUCTS) as running:
        for name, measure in measures.items():
            if not only or name in only:
                with console.status(f"measuring {name} …"):
                    measured = await measure(running)
                rows += measured if isinstance(measured, list) else [measured]
    write(rows)


# The loop that the web process runs on, too.
uvloop.run(main(set(sys.argv[1:])))
