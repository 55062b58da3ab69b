"""The control API's part about the bot, its faults and the simulator; paths are listed in `control`."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from bot.simulator import payments
from bot.simulator.control_people import AnyRequest, Json, world_of
from bot.simulator.errors import ApiError
from bot.simulator.faults import Fault
from bot.simulator.webapp_data import PLATFORM, THEMES, VERSION, public_key_hex

# Shown in the page; anything else a person or the bot sent is only offered for download.
_INLINE = {"image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "audio/ogg", "audio/mpeg"}


class Enabled(msgspec.Struct):
    """The body of POST /control/rate-limit."""

    enabled: bool


class Renewal(msgspec.Struct):
    """The body of POST /control/renew."""

    charge_id: str
    outcome: payments.Outcome = "paid"


class Renewals(msgspec.Struct):
    """The body of POST /control/subscription."""

    charge_id: str
    canceled: bool


@get("/info")
async def info(request: AnyRequest) -> Json:
    """Describe the bot and the simulator."""
    world = world_of(request)
    config, hook = world.config, world.data.bot.webhook
    return {
        "bot": msgspec.to_builtins(world.bot_user()),
        "description": world.data.bot.texts.get("description|", ""),
        "public_url": config.public_url,
        "root_admin_id": config.root_admin_id,
        "themes": THEMES,
        "version": VERSION,
        "platform": PLATFORM,
        "webhook_url": hook.url,
        "webhook_error": hook.last_error_message,
        "pending_update_count": len(world.data.updates),
        "rate_limited": world.limit.enabled,
        "star_balance": payments.balance(world),
        "ed25519_public_key": public_key_hex(config.ed25519_seed) if config.ed25519_seed else None,
    }


@get("/faults")
async def list_faults(request: AnyRequest) -> list[Json]:
    """List the faults that wait for a call."""
    waiting: list[Json] = msgspec.to_builtins(world_of(request).faults.waiting)
    return waiting


@post("/faults", status_code=201)
async def add_fault(data: JSONBody[Fault], request: AnyRequest) -> Json:
    """Make the next calls of a method fail."""
    world_of(request).faults.add(data)
    return {"waiting": len(world_of(request).faults.waiting)}


@delete("/faults", status_code=200)
async def clear_faults(request: AnyRequest) -> Json:
    """Forget all faults."""
    world_of(request).faults.clear()
    return {"waiting": 0}


@post("/rate-limit", status_code=200)
async def rate_limit(data: JSONBody[Enabled], request: AnyRequest) -> Json:
    """Switch Telegram's sending limits on or off."""
    world_of(request).limit.enabled = data.enabled
    return {"enabled": data.enabled}


@get("/calls")
async def list_calls(request: AnyRequest, method: FromQuery[str | None] = None) -> list[Json]:
    """List the bot's last calls, without getUpdates, getMe and getWebhookInfo."""
    return [call for call in world_of(request).calls if method is None or call["method"] == method]


@delete("/calls", status_code=200)
async def clear_calls(request: AnyRequest) -> Json:
    """Forget the calls so far."""
    world_of(request).calls.clear()
    return {"calls": 0}


@get("/transactions")
async def transactions(request: AnyRequest) -> Json:
    """List Star transactions and every charge, refunded or not."""
    world = world_of(request)
    return {"transactions": world.data.transactions, "charges": msgspec.to_builtins(list(world.data.charges.values()))}


@post("/renew", status_code=200)
async def renew(data: JSONBody[Renewal], request: AnyRequest) -> Response[payments.PaymentResult]:
    """Renew a Stars subscription now, or fail to."""
    return Response(payments.renew(world_of(request), data.charge_id, data.outcome))


@post("/subscription", status_code=200)
async def subscription(data: JSONBody[Renewals], request: AnyRequest) -> Json:
    """Cancel a Stars subscription in Telegram's settings, or resume it there."""
    payments.cancel_renewals(world_of(request), data.charge_id, canceled=data.canceled)
    return {"canceled": data.canceled}


@get("/files/{file_id:str}")
async def file_content(file_id: FromPath[str], request: AnyRequest) -> Response[bytes]:
    """Serve a file's content; only pictures, video and sound open in the page."""
    world = world_of(request)
    stored = world.data.files.get(file_id)
    content = world.store.get_blob(stored.file_unique_id) if stored else None
    if stored is None or content is None:
        raise ApiError(404, "no such file")
    inline = stored.mime_type in _INLINE
    headers = {"Content-Disposition": "inline" if inline else "attachment", "Cache-Control": "private, max-age=3600"}
    return Response(content, media_type=stored.mime_type if inline else "application/octet-stream", headers=headers)


@get("/events")
async def events(request: Request[Any, Any, Any]) -> Stream:
    """Stream what changes, as server-sent events."""
    return Stream(
        world_of(request).live.events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


@post("/reset", status_code=200)
async def reset(request: AnyRequest) -> Json:
    """Forget chats, payments, files and faults; the people are the first five again."""
    world_of(request).reset()
    return {"reset": True}


HANDLERS = [
    info, list_faults, add_fault, clear_faults, rate_limit, list_calls, clear_calls,
    transactions, renew, subscription, file_content, events, reset,
]  # fmt: skip
