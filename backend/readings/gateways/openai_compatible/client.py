"""The library's client for one model server: imported at the first call, with eyes for what the library hides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_HEAD_BYTES: Final = 65_536
_HEAD: Final = "souk.head"
_CONNECT_SECONDS: Final = 5.0
_BOM: Final = b"\xef\xbb\xbf"


async def _watched(stream: Any, head: bytearray) -> AsyncIterator[bytes]:
    """The bytes of a body, the first of them kept; without a byte-order mark, with which the first event is lost."""
    first: bytes | None = b""
    async for data in stream:
        some = data
        if first is not None:
            first += data
            if len(first) < len(_BOM) and _BOM.startswith(first):
                continue
            some, first = first.removeprefix(_BOM), None
        head += some[: _HEAD_BYTES - len(head)]
        yield some
    if first:
        head += first
        yield first


async def _watch(response: httpx2.Response) -> None:
    import httpx2  # noqa: PLC0415 - with openai

    stream, head = response.stream, bytearray()

    class Watched(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for data in _watched(stream, head):
                yield data

        async def aclose(self) -> None:
            await stream.aclose()  # type: ignore[union-attr]

    response.stream = Watched()
    response.extensions[_HEAD] = head


def head_of(response: httpx2.Response) -> bytes:
    """The first bytes of the body, as far as it has been read."""
    return bytes(response.extensions.get(_HEAD, b""))


def make_client(url: str, *, silence: float) -> AsyncOpenAI:
    """A client that never repeats a call, without a key yet. ``silence``: seconds without a byte that end a call.

    It follows no redirects, so that a key stays with the server that it is for, and asks for no compression.
    """
    import httpx2  # noqa: PLC0415 - with openai
    from openai import AsyncOpenAI  # noqa: PLC0415 - 45 MB, which an idle process goes without

    timeout = httpx2.Timeout(silence, connect=_CONNECT_SECONDS)
    http = httpx2.AsyncClient(
        timeout=timeout,
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [_watch]},
    )
    return AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=timeout, http_client=http)
