"""Whatever is asked, and however: an answer below 500 in one of our shapes."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from backend.bootstrap import Services
from backend.infra.settings import Settings
from backend.kernel.paging import encode_cursor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

ODD = (
    "",
    " ",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e3",
    "１",
    "٣",
    "99999999999999999999",
    "9" * 400,
    "NaN",
    "true",
    "null",
    "%00",
    "%FF%FE",
    "%F0%9F%9A%80",
    "a%0D%0AX-Evil:1",
    "..%2F..%2Fetc%2Fpasswd",
    "<script>",
    "'\";--",
    "%E2%80%AE",
    "=1+1",
    "S-000000",
    "S-ZZZZZZ",
    "s-ıııııı",
    "0001-01",
    "9999-12",
    "0000-00",
    "2026-13",
)
_NOBODY = "00000000-0000-7000-8000-000000000000"


def _cursors() -> list[str]:
    """Cursors that decode, and are still nobody's."""
    uuid = UUID(_NOBODY)
    keys: list[object] = [
        uuid,
        None,
        [],
        {},
        "x",
        1,
        [1, 2, 3],
        ["popular", 2**63, uuid],
        ["popular", -(2**63) - 1, uuid],
        ["popular", 2**70, uuid],
        ["new", 0, uuid],
        ["price", 1.5, uuid],
        ["2026-01-01T00:00:00Z", 2**63, uuid],
        ["2026-01-01T00:00:00Z", 2**70, uuid],
        ["2026-01-01T00:00:00", 1, uuid],
        ["0001-01-01T00:00:00+14:00", 1, uuid],
        ["9999-12-31T23:59:59-14:00", 1, uuid],
        ["2026-01-01T00:00:00", uuid],
        ["0001-01-01T00:00:00+14:00", uuid],
        ["9999-12-31T23:59:59.999999-12:00", uuid],
        ["0001-01-01T00:00:00Z", 1, uuid],
    ]
    deep = base64.urlsafe_b64encode(b"[" * 250).decode().rstrip("=")
    return [encode_cursor(key) for key in keys] + [deep, "=", "====", "a", "é", "AAAA" * 90, "-_-_"]


PATHS = (
    "/shop?category={}",
    "/shop?country={}",
    "/shop?sort={}",
    "/shop?in_stock={}",
    "/shop?cursor={}",
    "/shop/{}",
    "/shop/{}/buy?variant=" + _NOBODY,
    "/shop/x/buy?variant={}",
    "/shop/x/confirm?variant={}",
    "/shop/x/confirm?variant=" + _NOBODY + "&quantity={}",
    "/checkout?variant={}",
    "/orders?segment={}",
    "/orders?cursor={}",
    "/orders/{}",
    "/orders/{}/pay",
    "/orders/files/{}",
    "/orders/files/{}.txt?t={}",
    "/learn/media/{}/x.png?t={}",
    "/learn/media/" + _NOBODY + "/{}.mp4?t={}",
    "/wallet?kind={}",
    "/wallet?month={}",
    "/wallet?cursor={}",
    "/wallet/topup?order={}",
    "/wallet/topup?method={}",
    "/wallet/topup/quote?amount={}&method=demo",
    "/wallet/payments/{}",
    "/wallet/statement.csv?t={}",
    "/live?on={}",
    "/live?on=order:x&t={}",
    "/media/{}",
    "/static/{}",
    "/hooks/{}",
    "/{}",
    "/about/{}",
    "/admin/orders?q={}",
    "/admin/orders?status={}",
    "/admin/orders?cursor={}",
    "/admin/orders/{}",
    "/admin/people?q={}",
    "/admin/people?cursor={}",
    "/admin/people/{}",
    "/admin/people/{}/block",
    "/admin/deliveries?state={}",
    "/admin/deliveries?cursor={}",
    "/admin/admins/{}",
    "/api/v1/products?category={}",
    "/api/v1/products?country={}",
    "/api/v1/products?in_stock={}",
    "/api/v1/products?sort={}",
    "/api/v1/products?cursor={}",
    "/api/v1/products/{}",
    "/api/v1/orders?view={}",
    "/api/v1/orders?cursor={}",
)


@pytest.fixture
async def root(
    visitor: MakeVisitor, services: Services, settings: Settings
) -> Callable[[str], Awaitable[httpx.Response]]:
    """Asks as the root admin, who may go everywhere."""
    me = visitor(settings.root_admin_id)
    await arrive(services, me)

    async def ask(path: str) -> httpx.Response:
        return await me.get(path)

    return ask


@pytest.mark.parametrize("path", PATHS)
async def test_an_odd_address_is_refused_and_breaks_nothing(
    path: str, root: Callable[[str], Awaitable[httpx.Response]]
) -> None:
    odd = [*ODD, *(quote(item) for item in _cursors())] if "cursor" in path else ODD
    broken = {}
    for value in odd:
        answer = await root(path.replace("{}", value))
        if answer.status_code >= 500:
            broken[value] = answer.status_code
    assert broken == {}


POSTS = (
    "/orders",
    "/orders/reserve",
    "/orders/S-4K7Q2M/pay",
    "/orders/S-4K7Q2M/cancel",
    "/orders/S-4K7Q2M/keys/1/reveal",
    "/orders/S-4K7Q2M/keys/99999999999999999999/reveal",
    "/orders/S-4K7Q2M/keys/1/chat",
    "/wallet/topup",
    "/me/settings/language",
    f"/admin/people/{_NOBODY}/block",
    f"/admin/people/{_NOBODY}/unblock",
    f"/admin/people/{_NOBODY}/standing",
    "/admin/admins/new",
    f"/admin/admins/{_NOBODY}",
    "/admin/books/check",
    f"/admin/deliveries/{_NOBODY}/retry",
    "/api/v1/orders",
    "/shop",
    "/",
    "/nowhere",
)
_FORM, _JSON, _PARTS = "application/x-www-form-urlencoded", "application/json", "multipart/form-data"
BODIES: tuple[tuple[str, bytes], ...] = (
    (_FORM, b""),
    (_FORM, b"\xff\xfe=\xff"),
    (_FORM, b"variant=%FF&intent=%00"),
    (_FORM, b"&&&===&"),
    (_FORM, b"a=" * 5000),
    (_FORM, b"variant=1&variant=2&intent=x&intent=y&method[]=1"),
    (_FORM, b"x=1&" * 20_000),
    (_FORM + "; charset=utf-16", b"a=b"),
    (_FORM + "; charset=nonsense", b"a=b"),
    (_FORM, b"telegram_id=99999999999999999999&permission_orders=on"),
    (_FORM, b"telegram_id=\xd9\xa1&permission_orders=perhaps"),
    (_FORM, b"reason=%00%0A&language=%00&preset=1&amount=1&method=%00"),
    (_FORM, b'{"variant": 1}'),
    (_JSON, b"{}"),
    (_JSON, b"[" * 100_000),
    (_JSON, b"\xff"),
    (_JSON, b"null"),
    (_JSON, b'"\\ud800"'),
    (_JSON, b'{"variant_id": "00000000-0000-7000-8000-000000000000", "quantity": 1e400}'),
    (_JSON, b'{"variant_id": "00000000-0000-7000-8000-000000000000", "quantity": 99999999999999999999999}'),
    (_JSON, b'{"variant_id": "00000000-0000-7000-8000-000000000000", "quantity": true}'),
    (_JSON, b""),
    (_PARTS, b""),
    (_PARTS + "; boundary=", b"--"),
    (_PARTS + "; boundary=x", b"nonsense"),
    (_PARTS + "; boundary=x", b'--x\r\nContent-Disposition: form-data; name="variant"\r\n\r\n\xff\r\n--x--\r\n'),
    (
        _PARTS + "; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="reason"; filename="a"\r\n\r\nb\r\n--x--\r\n',
    ),
    (_PARTS + "; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--\r\n"),
    (_PARTS + "; boundary=x", b"--x\r\n\r\nb\r\n--x"),
    (_PARTS + "; boundary=" + "x" * 300, b"--" + b"x" * 300),
    ("text/plain", b"hello"),
    ("", b"hello"),
    ("application/msgpack", b"\xc1"),
    ("nonsense", b"\x00"),
)


@pytest.mark.parametrize("path", POSTS)
async def test_an_odd_body_is_refused_and_breaks_nothing(
    path: str, visitor: MakeVisitor, services: Services, settings: Settings
) -> None:
    me = visitor(settings.root_admin_id)
    await arrive(services, me)
    broken = {}
    for kind, body in BODIES:
        await services.redis.flushdb()
        headers = {"Content-Type": kind, "Idempotency-Key": "some-key-here"}
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = await me.ask(method, path, content=body, headers=headers)
            if answer.status_code >= 500:
                broken[method, kind, body[:80]] = answer.status_code
    assert broken == {}
