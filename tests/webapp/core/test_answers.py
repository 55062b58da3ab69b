"""Headers, errors, static files, shared pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Response

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra.settings import Settings
from backend.kernel.errors import AppError, Forbidden, Invalid, Kind, NotFound, RateLimited, Unavailable
from backend.kernel.money import Money
from tests.factories.identity import admin, person
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from webapp.asgi import MAX_BODY, make_app, serve
from webapp.core.errors import STATUS
from webapp.core.guards import SHARED, requires
from webapp.core.responses import toast
from webapp.core.site import SoukRequest, manages


class _Short(AppError):
    code = "insufficient_funds"
    kind = Kind.PAYMENT_REQUIRED


class _Gone(AppError):
    code = "sold_out"
    kind = Kind.CONFLICT


RAISED: dict[str, Exception] = {
    "not_found": NotFound("the detail"),
    "forbidden": Forbidden("the detail"),
    "conflict": _Gone("the detail"),
    "invalid": Invalid("the detail", fields={"quantity": "too_many"}),
    "payment_required": _Short("the detail", missing=Money(199, "USD")),
    "rate_limited": RateLimited(7, "the detail"),
    "unavailable": Unavailable("the detail"),
    "bug": ZeroDivisionError("the detail"),
    "odd_words": NotFound("the detail", name="{x} {0} %s <script>"),
}
rendered: list[Actor] = []


class _Form(msgspec.Struct):
    count: int


@get("/raise/{name:str}", sync_to_thread=False)
def raise_it(name: FromPath[str]) -> None:
    """Fails as asked."""
    raise RAISED[name]


@post("/form", status_code=200, sync_to_thread=False)
def take_form(data: URLEncodedBody[_Form]) -> str:
    """Takes a number."""
    return str(data.count)


@post("/json", status_code=200, sync_to_thread=False)
def take_json(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    """Takes anything."""
    return data


@get("/vault", guards=[requires(Permission.MONEY)], sync_to_thread=False)
def vault() -> str:
    """For those who handle money."""
    return "gold"


@get("/shared/{name:str}", opt=SHARED)
async def shared_page(request: SoukRequest, name: FromPath[str], actor: NamedDependency[Actor]) -> Response[str]:
    """A page that is the same for everybody of one standing."""
    rendered.append(actor)
    await asyncio.sleep(0)
    body = f"<p>{name} {actor.language} {actor.first_name!r} {actor.user_id} admin={manages(request)}</p>" + " " * 2000
    return Response(body, media_type="text/html; charset=utf-8", status_code=404 if name == "missing" else 200)


@get("/shared/mine", sync_to_thread=False)
def own_page(actor: NamedDependency[Actor]) -> str:
    """A page of one person, beside the shared ones."""
    return actor.first_name


@pytest.fixture(scope="module")
def built(settings: Settings) -> Litestar:
    """The app with a few pages of the tests' own."""
    return make_app(settings, handlers=[raise_it, take_form, take_json, vault, shared_page, own_page])


@pytest.fixture
async def app(built: Litestar, services: Services, settings: Settings) -> Litestar:
    """That app on the services of one test."""
    await services.redis.flushdb()
    rendered.clear()
    return serve(built, services, settings)


@pytest.fixture
async def layla(app: Litestar, settings: Settings, clock: FakeClock) -> AsyncIterator[Visitor]:
    """Somebody signed in."""
    async with browser(app) as client:
        visitor = Visitor(client, settings.bot_token, clock.now().timestamp(), 200, language_code="en")
        await visitor.get("/me")
        yield visitor


@pytest.mark.parametrize("name", RAISED)
async def test_errors_are_told_in_three_forms_without_details(layla: Visitor, name: str) -> None:
    error = RAISED[name]
    status = STATUS[error.kind] if isinstance(error, AppError) else 500
    code = error.code if isinstance(error, AppError) else "internal_error"
    as_json = await layla.get(f"/raise/{name}", html=False)
    as_part = await layla.get(f"/raise/{name}")
    as_page = await layla.get(f"/raise/{name}", html=False, headers={"Accept": "text/html"})
    for answer in (as_json, as_part, as_page):
        assert answer.status_code == status
        assert answer.headers["x-error-code"] == code
        assert "the detail" not in answer.text
        assert "Traceback" not in answer.text
        assert "<script>" not in answer.text.replace('"<script>', "").replace('%s <script>"', "")
    assert set(as_json.json()) == {"error"}
    assert as_json.json()["error"]["code"] == code
    for answer in (as_part, as_page):
        assert f'data-code="{code}"' in answer.text
        assert "data-toast=" in answer.text
    assert ("retry-after" in as_json.headers) is (status in {429, 503})


async def test_amounts_in_errors_are_in_the_readers_words(layla: Visitor) -> None:
    answer = await layla.get("/raise/payment_required")
    assert "$1.99" in answer.text
    await layla.post("/me/settings/language", data={"language": "ru"})
    assert "1,99" in (await layla.get("/raise/payment_required")).text


async def test_an_unexpected_error_has_a_reference_to_name(layla: Visitor) -> None:
    answer = await layla.get("/raise/bug")
    assert answer.headers["x-request-id"] in answer.text


async def test_the_routers_own_errors_have_the_same_shape(layla: Visitor) -> None:
    for method, path, more, status, code in [
        ("GET", "/no/such/page", {}, 404, "not_found"),
        ("DELETE", "/me", {}, 405, "method_not_allowed"),
        ("POST", "/form", {"data": {"count": "many"}}, 400, "invalid_input"),
        ("POST", "/form", {"content": b"\xff\xfe"}, 400, "invalid_input"),
        ("POST", "/json", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_input"),
        (
            "POST",
            "/json",
            {"content": b"[" * 9000, "headers": {"Content-Type": "application/json"}},
            400,
            "invalid_input",
        ),
        ("POST", "/json", {"content": b" " * (MAX_BODY + 1)}, 413, "too_large"),
    ]:
        answer = await layla.ask(method, path, html=False, **dict(more))
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), (method, path)
    assert "allow" in (await layla.ask("DELETE", "/me", html=False)).headers
    assert 'data-code="not_found"' in (await layla.get("/shop/../no/such")).text


async def test_a_body_without_a_length_is_limited_too(layla: Visitor) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await layla.post("/json", content=endless(), html=False)
    assert answer.status_code == 413


async def test_fields_come_with_their_codes(layla: Visitor) -> None:
    error = (await layla.get("/raise/invalid", html=False)).json()["error"]
    assert error["params"]["fields"] == {"quantity": "too_many"}


async def test_a_room_is_for_those_who_hold_its_key(
    app: Litestar, layla: Visitor, services: Services, settings: Settings, clock: FakeClock
) -> None:
    assert (await layla.get("/vault")).status_code == 403
    keeper = await admin(services.identity, settings.root_admin_id, Permission.MONEY)
    other = await admin(services.identity, settings.root_admin_id, Permission.STOCK)
    for actor, status in ((keeper, 200), (other, 403)):
        visitor = Visitor(layla.client, settings.bot_token, clock.now().timestamp(), actor.telegram_id)
        assert (await visitor.get("/vault")).status_code == status


async def test_every_answer_carries_the_headers(layla: Visitor) -> None:
    for path in ("/me", "/shop", "/raise/bug", "/healthz", "/static/none", "/api/v1/me"):
        for headers in ({}, {"Authorization": "nonsense"}):
            answer = await layla.client.get(path, headers=headers)
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self' https://telegram.org;" in policy
            assert "frame-ancestors 'self' https://web.telegram.org" in policy
            assert "default-src 'none'" in policy
            assert "unsafe-eval" not in policy
            assert policy.count("'unsafe-inline'") == 1
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["x-request-id"]
            assert "set-cookie" not in answer.headers
            assert "access-control-allow-origin" not in answer.headers
            assert "server" not in answer.headers


async def test_pictures_have_signed_addresses(
    app: Litestar, layla: Visitor, services: Services, clock: FakeClock
) -> None:
    name = await services.storage.put(
        b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * 900 + b"</svg>", trusted=True
    )
    url = app.state.site.addresses.sign_media(name)
    answer = await layla.client.get(url)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "image/svg+xml")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "public" in answer.headers["cache-control"]
    missing = app.state.site.addresses.sign_media("0" * 40 + ".svg")
    assert (await layla.client.get(missing)).status_code == 404
    for bad in (f"/media/{name}", url[:-3], "/media/..%2f..%2fetc%2fpasswd", url.replace(name, "0" * 40 + ".svg")):
        assert (await layla.client.get(bad)).status_code in {403, 404}
    clock.move(hours=25)
    assert (await layla.client.get(url)).headers["x-error-code"] == "link_expired"


async def test_static_files_are_cached_for_ever_and_compressed(layla: Visitor) -> None:
    shell = (await layla.client.get("/shop")).text
    path = next(part for part in shell.split('"') if part.startswith("/static/app.") and part.endswith(".css"))
    packed = await layla.client.get(path)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = await layla.client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == packed.content
    assert "content-encoding" not in plain.headers
    for bad in ("/static/../asgi.py", "/static/%2e%2e/asgi.py", "/static/", "/static/app.css"):
        assert (await layla.client.get(bad)).status_code == 404
    assert (await layla.client.post(path)).status_code == 404


async def test_pages_are_compressed_only_where_taken(layla: Visitor) -> None:
    packed = await layla.get("/shared/a")
    plain = await layla.get("/shared/b", headers={"Accept-Encoding": "identity"})
    for refused in ("gzip;q=0", "br, gzip; q=0.0, identity"):
        answer = await layla.get("/shared/b", headers={"Accept-Encoding": refused})
        assert "content-encoding" not in answer.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == len(plain.content)


async def test_a_shared_page_is_rendered_once_and_knows_nobody(
    layla: Visitor, services: Services, settings: Settings, clock: FakeClock
) -> None:
    first = await layla.get("/shared/x?sort=new")
    again = await layla.get("/shared/x?sort=new")
    assert first.text == again.text
    assert len(rendered) == 1
    assert "Layla" not in first.text
    seen = rendered[0]
    assert (seen.user_id, seen.telegram_id, seen.first_name, seen.permissions) == (None, 0, "", frozenset())
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert len(first.headers.get_list("content-length")) == 1
    await layla.get("/shared/x?sort=old")
    assert len(rendered) == 2
    omar = Visitor(layla.client, settings.bot_token, clock.now().timestamp(), 201)
    other = await omar.get("/shared/x?sort=new")
    assert other.text == first.text
    assert other.headers["x-session-token"]
    assert "x-session-token" not in (await layla.get("/shared/x?sort=new")).headers
    assert len(rendered) == 2
    # Another language, prices or the back office's tab are another page.
    root = await person(services.identity, settings.root_admin_id)
    for number, change in enumerate(("set_reseller", "set_premium")):
        actor = await services.identity.access.actor_by_telegram_id(201)
        assert actor is not None
        await getattr(services.identity.people, change)(root, actor.id, True)
        await omar.get("/shared/x?sort=new")
        assert len(rendered) == 3 + number
    await layla.post("/me/settings/language", data={"language": "ar"})
    assert " ar " in (await layla.get("/shared/x?sort=new")).text
    boss = await admin(services.identity, settings.root_admin_id, Permission.STOCK)
    manager = Visitor(layla.client, settings.bot_token, clock.now().timestamp(), boss.telegram_id)
    assert "admin=True" in (await manager.get("/shared/x?sort=new")).text


async def test_a_shared_page_needs_a_session_and_errors_are_not_kept(layla: Visitor) -> None:
    await layla.get("/shared/y")
    assert (await layla.client.get("/shared/y", headers={"HX-Request": "true"})).status_code == 401
    assert (await layla.client.get("/shared/y", headers={"Authorization": "Bearer x"})).status_code == 401
    for _ in range(2):
        assert (await layla.get("/shared/missing")).status_code == 404
    assert len(rendered) == 3


async def test_a_page_beside_shared_ones_stays_personal(layla: Visitor) -> None:
    for _ in range(2):
        assert (await layla.get("/shared/mine")).text == "Layla"


async def test_many_at_once_render_a_shared_page_once(layla: Visitor) -> None:
    answers = await asyncio.gather(*(layla.get("/shared/z") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(rendered) == 1


async def test_shared_pages_fall_with_the_catalogue_and_stock(layla: Visitor, services: Services) -> None:
    signals = services.signals
    await layla.get("/shared/x")
    for topic in ("catalogue:", "catalogue:7"):
        signals._receive(None, 0, "souk", topic)
        await layla.get("/shared/x")
    assert len(rendered) == 3
    signals._gap()
    await layla.get("/shared/x")
    assert len(rendered) == 4
    signals._receive(None, 0, "souk", "stock:1")
    await layla.get("/shared/x")
    assert len(rendered) == 5
    signals._receive(None, 0, "souk", "stock:1")  # the second within a second waits
    await layla.get("/shared/x")
    assert len(rendered) == 5


def test_toasts_fit_into_a_header() -> None:
    response = toast(Response(b"", media_type="text/html"), "Сохранено ✓ 🌙")
    assert json.loads(response.headers["hx-trigger"]) == {"toast": {"text": "Сохранено ✓ 🌙", "kind": "good"}}
    assert response.headers["hx-trigger"].isascii()


async def test_the_api_describes_itself(layla: Visitor) -> None:
    answer = await layla.client.get("/api/v1/openapi.json")
    assert "/api/v1/me" in answer.json()["paths"]
    assert not [path for path in answer.json()["paths"] if not path.startswith("/api/v1/")]


async def test_the_small_print_is_there_in_the_readers_language(layla: Visitor) -> None:
    for path in ("/about/terms", "/about/privacy"):
        answer = await layla.get(path)
        assert answer.status_code == 200
        assert answer.text.count("<p>") >= 4
        assert 'data-back="/me"' in answer.text


async def test_every_answer_names_its_type_once(layla: Visitor) -> None:
    page = "text/html; charset=utf-8"
    assert (await layla.get("/shop")).headers["content-type"] == page
    assert (await layla.get("/shop/nothing")).headers["content-type"] == page
    assert (await layla.get("/nowhere")).headers["content-type"] == page
    stranger = await layla.client.get("/shop", headers={"HX-Request": "true"})
    assert (stranger.status_code, stranger.headers["content-type"]) == (401, page)
    assert (await layla.get("/api/v1/products/nothing")).headers["content-type"] == page
    assert (await layla.get("/nowhere", html=False)).headers["content-type"] == "application/json"


async def test_nothing_personal_may_be_kept_by_a_cache(layla: Visitor) -> None:
    for path in ("/", "/me", "/wallet", "/orders", "/shop", "/orders/S-000000", "/nowhere"):
        assert (await layla.get(path)).headers["cache-control"] == "no-store", path
    for path in ("me", "wallet", "orders", "products", "products/nothing", "orders?cursor=x", "nowhere"):
        answer = await layla.get(f"/api/v1/{path}", html=False)
        assert answer.headers.get("cache-control") == "no-store", path
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
