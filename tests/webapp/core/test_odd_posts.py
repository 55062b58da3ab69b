"""Posts about nothing, and clients that leave: refused in words, and no error of ours."""

from __future__ import annotations

import re

from litestar import Litestar
from litestar.routes import HTTPRoute
from structlog.testing import capture_logs

from backend.bootstrap import Services
from backend.infra.settings import Settings
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive

_NOBODY = "00000000-0000-7000-8000-000000000000"


async def test_posts_about_what_does_not_exist_are_no_errors(
    app: Litestar, services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    """Every POST of the app, its places in the path filled with an id that nobody has, with a form that says much."""
    root = visitor(settings.root_admin_id)
    await arrive(services, root)
    form = {
        "amount": "5", "reason": "because", "person": _NOBODY, "order": "S-000001", "intent": "tap-00000001",
        "kind": "wallet", "to": "wallet", "variant": _NOBODY, "quantity": "1", "total": "500", "method": "demo",
        "code": "K7QW-2M4N-9XRT-0ABC", "telegram_id": "7",
        "action": "credit", "direction": "credit", "language": "en",
    }  # fmt: skip
    paths = sorted(
        re.sub(r"\{[^}]*\}", _NOBODY, route.path)
        for route in app.routes
        if isinstance(route, HTTPRoute) and "POST" in route.methods and not route.path.startswith(("/hooks", "/api"))
    )
    assert len(paths) > 20
    statuses = {}
    for path in paths:
        await services.redis.flushdb()  # a limit would hide what comes after it
        statuses[path] = (await root.post(path, data=form)).status_code
    assert 429 not in statuses.values()
    assert {path: status for path, status in statuses.items() if status >= 500} == {}


async def test_a_client_that_hangs_up_is_no_error(app: Litestar, services: Services, visitor: MakeVisitor) -> None:
    person = visitor()
    await arrive(services, person)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/me/settings/language", "raw_path": b"/me/settings/language", "query_string": b"", "root_path": "",
        "headers": [(b"authorization", f"Bearer {person.token}".encode()), (b"hx-request", b"true"),
                    (b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"900")],
        "client": ("203.0.113.9", 1), "server": ("souk.test", 80),
    }  # fmt: skip
    parts = [{"type": "http.request", "body": b"language=", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    with capture_logs() as logs:
        await app(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 499
    assert [line for line in logs if line["log_level"] == "error"] == []
