"""The Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>."""

import hmac
import logging
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response, get, route
from litestar.params import FromPath
from litestar.types import Receive, Scope, Send

from bot.simulator import inline, methods_chats, methods_core, methods_files, methods_messages, methods_payments
from bot.simulator.errors import ApiError, ConnectionDropped, NoAnswer
from bot.simulator.methods_messages import Handler
from bot.simulator.params import Params, read_params
from bot.simulator.state import World

_log = logging.getLogger(__name__)
_ALL: dict[str, Handler] = {
    **methods_core.METHODS,
    **methods_messages.METHODS,
    **methods_files.METHODS,
    **methods_payments.METHODS,
    **methods_chats.METHODS,
    **inline.METHODS,
}
_METHODS = {name.lower(): (name, handler) for name, handler in _ALL.items()}
_QUIET = {"getUpdates", "getMe", "getWebhookInfo"}


def check_token(world: World, credential: str) -> None:
    """Raise 401 unless the path's part is "bot" and our token, 404 where it is no bot's path at all."""
    if not credential.startswith("bot"):
        raise ApiError(404, "Not Found")
    if not hmac.compare_digest(credential[3:].encode(), world.config.bot_token.encode()):
        raise ApiError(401, "Unauthorized")


async def call(world: World, method: str, params: Params) -> Any:
    """Run a method by its name (any case); raises 404 for an unknown one, or what the method raises."""
    method_handler = _METHODS.get(method.lower())
    if method_handler is None:
        raise ApiError(404, "Not Found: method not found")
    name, handler = method_handler
    world.faults.strike(name)
    if name not in _QUIET:
        world.remember_call(name, params.loggable())
    return await handler(world, params)


def _answer(error: ApiError) -> Response[bytes]:
    body: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    headers = {}
    if error.parameters:
        body["parameters"] = error.parameters
        if "retry_after" in error.parameters:
            headers["Retry-After"] = str(error.parameters["retry_after"])
    return Response(msgspec.json.encode(body), status_code=error.status, media_type="application/json", headers=headers)


async def _break_off(scope: Scope, receive: Receive, send: Send) -> None:
    """Announce a long body and stop in its middle: the client sees the connection break."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionDropped


class _Break(Response[bytes]):
    """A response that never completes."""

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        return _break_off


@route("/{credential:str}/{method:str}", http_method=["GET", "POST"], status_code=200, opt={"csrf": False})
async def bot_api(credential: FromPath[str], method: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer one Bot API call as Telegram does."""
    world: World = request.app.state.world
    try:
        check_token(world, credential)
        result = await call(world, method, await read_params(request))
    except ApiError as error:
        return _answer(error)
    except NoAnswer as page:
        return Response(page.body.encode(), status_code=page.status, media_type="text/html")
    except ConnectionDropped:
        return _Break(b"")
    return Response(msgspec.json.encode({"ok": True, "result": result}), media_type="application/json")


@get("/file/{credential:str}/{file_path:path}")
async def bot_file(
    credential: FromPath[str], file_path: FromPath[str], request: Request[Any, Any, Any]
) -> Response[bytes]:
    """Serve a file by the path that getFile gave."""
    world: World = request.app.state.world
    try:
        check_token(world, credential)
    except ApiError as error:
        return _answer(error)
    path = file_path.lstrip("/")
    for stored in world.data.files.values():
        if stored.file_path == path:
            content = world.store.get_blob(stored.file_unique_id)
            if content is not None:
                return Response(content, media_type="application/octet-stream")
    return _answer(ApiError(404, "Not Found"))


def webhook_reply(world: World) -> Any:
    """Return what runs a method that a bot wrote into its answer to a webhook post."""

    async def reply(content_type: str, body: bytes) -> None:
        try:
            if "json" in content_type:
                decoded = msgspec.json.decode(body)
            elif "urlencoded" in content_type:
                decoded = dict(parse_qsl(body.decode()))
            else:
                return
            if isinstance(decoded, dict) and decoded.get("method"):
                await call(world, str(decoded.pop("method")), Params(decoded))
        except (ApiError, NoAnswer, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("webhook: the method in the answer failed: %s", error)

    return reply


HANDLERS = [bot_api, bot_file]
