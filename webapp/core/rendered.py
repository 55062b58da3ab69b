"""Pages that follow from a few facts but for some addresses: rendered once, and stored as bytes with gaps for these.

A caller reads the facts at each request and names all of them in the key. So nothing here can be out of date, nor show
one reader's page to another.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from itertools import chain, zip_longest
from typing import Final

_MAX_BYTES: Final = 8 * 1024 * 1024
# Nobody can write what stands in a gap while a page is rendered, since it differs from process to process.
_MARK: Final = f"gap-{secrets.token_hex(16)}-"
_END: Final = "-"


class RenderedPages:
    """The pages that were asked for last, by their keys."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._pages: OrderedDict[Hashable, tuple[bytes, ...]] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    @staticmethod
    def gap(number: int) -> str:
        """What is rendered in place of an address; ``number`` counts from 0 in the order of the page."""
        return f"{_MARK}{number}{_END}"

    def get(self, key: Hashable) -> tuple[bytes, ...] | None:
        """The parts between the addresses, if the page was rendered before."""
        parts = self._pages.get(key)
        if parts is not None:
            self._pages.move_to_end(key)
        return parts

    def put(self, key: Hashable, text: str) -> tuple[bytes, ...]:
        """Store a rendered page; its parts."""
        first, *rest = text.split(_MARK)
        parts = (first.encode(), *(part.partition(_END)[2].encode() for part in rest))
        self._pages[key] = parts
        self._bytes += _size(parts)
        while self._bytes > self._max_bytes:
            _, oldest = self._pages.popitem(last=False)
            self._bytes -= _size(oldest)
        return parts


def filled(parts: Sequence[bytes], addresses: Sequence[bytes]) -> bytes:
    """The page with an address in each gap. Raises ValueError where there are more of the ones than of the others."""
    if len(parts) != len(addresses) + 1:
        raise ValueError(f"{len(addresses)} addresses for {len(parts) - 1} gaps")
    return b"".join(chain.from_iterable(zip_longest(parts, addresses, fillvalue=b"")))


def _size(parts: Sequence[bytes]) -> int:
    return sum(map(len, parts))
