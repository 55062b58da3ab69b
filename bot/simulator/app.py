"""The simulator's composition root: Bot API, control API and page in one Litestar application."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.datastructures import State

from bot.simulator import bot_api, page
from bot.simulator.config import SimulatorConfig, check, is_loopback
from bot.simulator.control import router
from bot.simulator.errors import ApiError
from bot.simulator.state import World

_MAX_BODY = 51 * 1024 * 1024


async def _guard(request: Request[Any, Any, Any]) -> Response[dict[str, str]] | None:
    """Refuse what another site's page could send: foreign Host (DNS rebinding), foreign Origin (forged posts)."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if not is_loopback(host):
        return Response({"error": "this host name is not served"}, status_code=421)
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign and request.method not in {"GET", "HEAD"}:
        return Response({"error": "posts from other origins are refused"}, status_code=403)
    return None


def _refused(_: Request[Any, Any, Any], error: ApiError) -> Response[dict[str, str]]:
    return Response({"error": error.description}, status_code=error.status)


def create_app(config: SimulatorConfig, clock: Callable[[], float] = time.time) -> Litestar:
    """Build the simulator; `clock` gives Unix seconds. Raises `ConfigError` in production or off loopback."""
    check(config)
    world = World(config, clock)
    world.webhook_reply = bot_api.webhook_reply(world)

    async def start() -> None:
        world.updates.deliver()

    return Litestar(
        route_handlers=[*bot_api.HANDLERS, *page.HANDLERS, router],
        before_request=_guard,
        exception_handlers={ApiError: _refused},
        on_startup=[start],
        on_shutdown=[world.close],
        state=State(
            {
                "world": world,
                "page": page.render_page(config),
                "assets": page.load_assets(),
                "policy": page.content_security_policy(config),
            }
        ),
        request_max_body_size=_MAX_BODY,
        openapi_config=None,
        response_headers={"X-Content-Type-Options": "nosniff"},
        debug=False,
    )
