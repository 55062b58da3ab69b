"""Pages that are the same for everybody of one language and standing, kept as ready bytes for a moment."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from backend.catalog.types import CATALOGUE_TOPIC
from backend.identity.types import Actor
from backend.infra.signals import Signals

MAX_AGE_SECONDS: Final = 5.0
"""How long a page may stand when every signal was lost."""
STOCK_PAUSE_SECONDS: Final = 1.0
"""Signals of changed stock empty the cache at most this often: a rush on one product must not switch it off."""
_MAX_PAGE_BYTES: Final = 256 * 1024
_MAX_BYTES: Final = 32 * 1024 * 1024
_WAIT_SECONDS: Final = 2.0


class PageKey(NamedTuple):
    """What a shared page may depend on, and nothing else."""

    path: str
    query: bytes
    target: bytes
    locale: str
    tier: str


class SharedPage(NamedTuple):
    """A ready answer: headers without those of one person, the body as it is and compressed."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    gzipped: bytes

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.body) + len(self.gzipped)


def tier(actor: Actor) -> str:
    """Those who see the same shop: prices by reseller, products by premium, an admin's tab."""
    return ("r" if actor.is_reseller else "") + ("p" if actor.is_premium else "") + ("a" if actor.is_admin else "")


class PageCache:
    """Shared pages by key, dropped when the catalogue or the stock changes.

    The catalogue's version is not a part of the key: its signal empties the whole cache, and an answer that a signal
    overtook while it was rendered is not kept, which says the same.
    """

    def __init__(self, signals: Signals, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._pages: OrderedDict[PageKey, tuple[SharedPage, float]] = OrderedDict()
        self._rendering: dict[PageKey, asyncio.Event] = {}
        self._changes = 0
        self._bytes = 0
        self._stock_dropped = -STOCK_PAUSE_SECONDS
        self._stock_timer: asyncio.TimerHandle | None = None
        signals.on(CATALOGUE_TOPIC, lambda _: self.clear())
        signals.on("stock", lambda _: self._stock_changed())
        signals.on_gap(self.clear)

    @property
    def ticket(self) -> int:
        """A number that changes whenever the cache is emptied; taken before a page is rendered."""
        return self._changes

    def get(self, key: PageKey) -> SharedPage | None:
        """The page if it is here and fresh."""
        entry = self._pages.get(key)
        if entry is None or entry[1] <= self._monotonic():
            return None
        return entry[0]

    async def wait(self, key: PageKey) -> SharedPage | None:
        """The page, waiting for another request that renders it now; None: render it yourself and call done."""
        busy = self._rendering.get(key)
        if busy is not None:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await busy.wait()
            except TimeoutError:
                return None
            entry = self.get(key)
            if entry is not None:
                return entry
        self._rendering.setdefault(key, asyncio.Event())
        return None

    def done(self, key: PageKey) -> None:
        """The rendering of this key has ended, with or without an error."""
        busy = self._rendering.pop(key, None)
        if busy is not None:
            busy.set()

    def put(self, key: PageKey, page: SharedPage, ticket: int) -> None:
        """Keep a page whose rendering began when ``ticket`` was taken."""
        if ticket != self._changes or len(page.body) > _MAX_PAGE_BYTES:
            return
        before = self._pages.pop(key, None)
        self._bytes += page.size - (before[0].size if before else 0)
        self._pages[key] = (page, self._monotonic() + MAX_AGE_SECONDS)
        # Queries are anybody's to invent: the oldest pages go, whatever the number of addresses.
        while self._bytes > _MAX_BYTES:
            _, (oldest, _) = self._pages.popitem(last=False)
            self._bytes -= oldest.size

    def clear(self) -> None:
        """Drop every page, and every one that is being rendered."""
        self._changes += 1
        self._pages.clear()
        self._bytes = 0

    def _stock_changed(self) -> None:
        wait = self._stock_dropped + STOCK_PAUSE_SECONDS - self._monotonic()
        if wait <= 0:
            self._drop_stock()
        elif self._stock_timer is None:
            self._stock_timer = asyncio.get_running_loop().call_later(wait, self._drop_stock)

    def _drop_stock(self) -> None:
        self._stock_timer = None
        self._stock_dropped = self._monotonic()
        self.clear()
