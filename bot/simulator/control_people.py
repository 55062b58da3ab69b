"""The control API's part about people; paths and shapes are listed in `control`."""

import asyncio
import secrets
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from bot.simulator import inline, membership, payments, people
from bot.simulator.errors import ApiError
from bot.simulator.model import Invoice, Persona
from bot.simulator.params import read_params
from bot.simulator.state import World
from bot.simulator.views import message_view, person_view
from bot.simulator.webapp_data import make_init_data

AnyRequest = Request[Any, Any, Any]
Json = dict[str, Any]
_LONGEST_WAIT = 30.0
_FILE_KINDS = frozenset({"photo", "document", "voice", "video", "audio", "sticker"})


class NewPersona(msgspec.Struct):
    """The body of POST /control/personas."""

    first_name: str
    language_code: str = "en"
    id: int | None = None
    last_name: str | None = None
    username: str | None = None
    is_premium: bool = False
    role: str = ""
    started: bool = False


class PersonaChange(msgspec.Struct):
    """The body of PATCH /control/personas/{id}; what is left out stays."""

    first_name: str | msgspec.UnsetType = msgspec.UNSET
    last_name: str | msgspec.UnsetType | None = msgspec.UNSET
    username: str | msgspec.UnsetType | None = msgspec.UNSET
    language_code: str | msgspec.UnsetType = msgspec.UNSET
    is_premium: bool | msgspec.UnsetType = msgspec.UNSET


class Send(msgspec.Struct):
    """The body of POST .../send."""

    text: str
    reply_to: int | None = None
    chat_id: int | None = None


class Press(msgspec.Struct):
    """The body of POST .../press; `wait` in seconds."""

    message_id: int
    text: str | None = None
    row: int = 0
    column: int = 0
    wait: float = 10.0
    theme: str = "light"
    chat_id: int | None = None


class Ask(msgspec.Struct):
    """The body of POST .../inline: what is typed after the bot's name; `wait` in seconds."""

    text: str = ""
    wait: float = 10.0


class Chosen(msgspec.Struct):
    """The body of POST .../inline/choose; `chat_id` of a group, or none for the bot's own chat."""

    query_id: str
    result_id: str
    chat_id: int | None = None


class Shared(msgspec.Struct):
    """The body of POST .../prepared; `chat_id` of a group, or none for the bot's own chat."""

    id: str
    chat_id: int | None = None


class Open(msgspec.Struct):
    """The body of POST .../open, .../link and .../menu-button."""

    url: str | None = None
    start_param: str | None = None
    theme: str = "light"
    source: Literal["button", "keyboard", "link"] = "button"


class Pay(msgspec.Struct):
    """The body of POST .../pay."""

    slug: str | None = None
    message_id: int | None = None
    outcome: payments.Outcome = "paid"


class Granted(msgspec.Struct):
    """The body of POST .../write-access."""

    granted: bool


class SentData(msgspec.Struct):
    """The body of POST .../web-app-data."""

    button_text: str
    data: str


class Join(msgspec.Struct):
    """The body of POST .../join."""

    invite_link: str


class Leave(msgspec.Struct):
    """The body of POST .../leave."""

    chat_id: int


def world_of(request: AnyRequest) -> World:
    """Return the simulated Telegram of this application."""
    world: World = request.app.state.world
    return world


def _who(request: AnyRequest, persona_id: int) -> tuple[World, Persona]:
    world = world_of(request)
    persona = world.persona(persona_id)
    if persona is None:
        raise ApiError(404, "no such person")
    return world, persona


@get("/personas")
async def list_personas(request: AnyRequest) -> list[Json]:
    """List the people."""
    world = world_of(request)
    return [person_view(world, persona) for persona in world.data.personas.values()]


@post("/personas", status_code=201)
async def create_persona(data: JSONBody[NewPersona], request: AnyRequest) -> Json:
    """Make a person; raises 409 where the Telegram id is taken."""
    world = world_of(request)
    if data.id is not None and data.id in world.data.personas:
        raise ApiError(409, "this Telegram id is taken")
    number = data.id or 10**9 + secrets.randbelow(6 * 10**9)
    persona = msgspec.convert({**msgspec.to_builtins(data), "id": number}, Persona)
    world.data.personas[number] = persona
    world.live.tell("people")
    world.saved()
    return person_view(world, persona)


@patch("/personas/{persona_id:int}")
async def change_persona(persona_id: FromPath[int], data: JSONBody[PersonaChange], request: AnyRequest) -> Json:
    """Change a person's names, language or Premium."""
    world, persona = _who(request, persona_id)
    for name, value in msgspec.structs.asdict(data).items():
        if value is not msgspec.UNSET:
            setattr(persona, name, value)
    world.live.tell("people")
    world.saved()
    return person_view(world, persona)


@get("/personas/{persona_id:int}/messages")
async def list_messages(
    persona_id: FromPath[int],
    request: AnyRequest,
    after: FromQuery[int] = 0,
    wait: FromQuery[float] = 0.0,
    chat_id: FromQuery[int | None] = None,
) -> list[Json]:
    """List a chat's messages newer than `after`; with `wait` seconds, wait for one of the bot."""
    world, persona = _who(request, persona_id)
    chat = chat_id or persona.id
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wait, _LONGEST_WAIT)
    while True:
        messages = [m for m in world.messages(chat).values() if m.message_id > after]
        left = deadline - loop.time()
        if left <= 0 or world.live.closed or any(m.from_user and m.from_user.is_bot for m in messages):
            return [message_view(world, message) for message in messages]
        await world.live.changed.wait(left)


@post("/personas/{persona_id:int}/read", status_code=200)
async def read(persona_id: FromPath[int], request: AnyRequest) -> Json:
    """Mark the chat as read."""
    world, persona = _who(request, persona_id)
    persona.read_up_to = world.data.next_message_id - 1
    world.saved()
    return person_view(world, persona)


@post("/personas/{persona_id:int}/send", status_code=200)
async def send(persona_id: FromPath[int], data: JSONBody[Send], request: AnyRequest) -> Json:
    """Write a text or a command."""
    world, persona = _who(request, persona_id)
    return message_view(world, people.send_text(world, persona, data.text, data.reply_to, data.chat_id))


@post("/personas/{persona_id:int}/inline", status_code=200)
async def ask_inline(persona_id: FromPath[int], data: JSONBody[Ask], request: AnyRequest) -> Json:
    """Type the bot's name and some words in a chat, and say what it offers."""
    world, persona = _who(request, persona_id)
    return await inline.ask(world, persona, data.text, min(data.wait, _LONGEST_WAIT))


@post("/personas/{persona_id:int}/inline/choose", status_code=200)
async def choose_inline(persona_id: FromPath[int], data: JSONBody[Chosen], request: AnyRequest) -> Json:
    """Tap one of the offered results, which sends it."""
    world, persona = _who(request, persona_id)
    return message_view(world, inline.choose(world, persona, data.query_id, data.result_id, data.chat_id))


@get("/personas/{persona_id:int}/prepared")
async def prepared(persona_id: FromPath[int], request: AnyRequest, id: FromQuery[str]) -> Json:
    """What shareMessage would send."""
    return inline.prepared_for(*_who(request, persona_id), id)


@post("/personas/{persona_id:int}/prepared", status_code=200)
async def share_prepared(persona_id: FromPath[int], data: JSONBody[Shared], request: AnyRequest) -> Json:
    """Choose a chat for a prepared message, which sends it."""
    world, persona = _who(request, persona_id)
    return message_view(world, inline.share(world, persona, data.id, data.chat_id))


@post("/personas/{persona_id:int}/files", status_code=200)
async def send_file(persona_id: FromPath[int], request: AnyRequest) -> Json:
    """Send a photo, a document, a voice note, a video, a track or a sticker, alone or as a part of an album."""
    world, persona = _who(request, persona_id)
    params = await read_params(request)
    upload = params.files.get("file")
    if upload is None:
        raise ApiError(400, "there is no file in the request")
    kind = params.text("kind") or "document"
    if kind not in _FILE_KINDS:
        raise ApiError(400, "the kind is unknown")
    reply_to, album = params.integer("reply_to") or None, params.text("media_group_id") or None
    caption = params.text("caption")
    return message_view(world, people.send_file(world, persona, upload, caption, kind, reply_to, album))


@post("/personas/{persona_id:int}/press", status_code=200)
async def press(persona_id: FromPath[int], data: JSONBody[Press], request: AnyRequest) -> Json:
    """Press an inline button and say what it does."""
    world, persona = _who(request, persona_id)
    chat = data.chat_id or persona.id
    message, button = people.find_button(world, chat, data.message_id, data.text, data.row, data.column)
    kind, value = button["kind"], button["value"]
    if kind == "callback":
        answer = await people.press_callback(world, persona, message, value, min(data.wait, _LONGEST_WAIT))
        return {"kind": "callback", **answer}
    if kind == "web_app":
        return people.open_web_app(world, persona, value, data.theme)
    if kind == "pay":
        return {"kind": "pay", "slug": _invoice(world, Pay(message_id=message.message_id)).slug}
    return {"kind": kind, "value": value}


@post("/personas/{persona_id:int}/menu-button", status_code=200)
async def menu_button(persona_id: FromPath[int], request: AnyRequest, data: JSONBody[Open]) -> Json:
    """Open the menu button's Mini App."""
    world, persona = _who(request, persona_id)
    return people.open_menu_button(world, persona, data.theme)


@post("/personas/{persona_id:int}/open", status_code=200)
async def open_app(persona_id: FromPath[int], data: JSONBody[Open], request: AnyRequest) -> Json:
    """Open a Mini App by its address, PUBLIC_URL by default."""
    world, persona = _who(request, persona_id)
    address = data.url or world.config.public_url
    return people.open_web_app(world, persona, address, data.theme, data.start_param, data.source)


@post("/personas/{persona_id:int}/link", status_code=200)
async def follow_link(persona_id: FromPath[int], data: JSONBody[Open], request: AnyRequest) -> Json:
    """Follow a link as Telegram does."""
    world, persona = _who(request, persona_id)
    return people.follow_link(world, persona, data.url or "", data.theme)


@get("/personas/{persona_id:int}/init-data")
async def init_data(
    persona_id: FromPath[int],
    request: AnyRequest,
    start_param: FromQuery[str | None] = None,
    auth_date: FromQuery[int | None] = None,
) -> Json:
    """Sign fresh initData; `auth_date` in Unix seconds makes it old or early."""
    world, persona = _who(request, persona_id)
    return {"init_data": make_init_data(world, persona, start_param, auth_date)}


@post("/personas/{persona_id:int}/block", status_code=200)
async def block(persona_id: FromPath[int], request: AnyRequest) -> Json:
    """Block the bot."""
    world, persona = _who(request, persona_id)
    membership.set_blocked(world, persona, True)
    return person_view(world, persona)


@post("/personas/{persona_id:int}/unblock", status_code=200)
async def unblock(persona_id: FromPath[int], request: AnyRequest) -> Json:
    """Unblock the bot."""
    world, persona = _who(request, persona_id)
    membership.set_blocked(world, persona, False)
    return person_view(world, persona)


@post("/personas/{persona_id:int}/write-access", status_code=200)
async def write_access(persona_id: FromPath[int], data: JSONBody[Granted], request: AnyRequest) -> Json:
    """Allow the bot to write, or not."""
    world, persona = _who(request, persona_id)
    persona.allows_write = persona.allows_write or data.granted
    world.saved()
    return {"granted": persona.allows_write}


@post("/personas/{persona_id:int}/web-app-data", status_code=200)
async def web_app_data(persona_id: FromPath[int], data: JSONBody[SentData], request: AnyRequest) -> Json:
    """Send what the Mini App gave to sendData."""
    world, persona = _who(request, persona_id)
    return message_view(world, people.send_web_app_data(world, persona, data.button_text, data.data))


def _invoice(world: World, data: Pay) -> Invoice:
    slug = (data.slug or "").rpartition("/")[2].lstrip("$")
    for invoice in world.data.invoices.values():
        if invoice.slug == slug or (data.message_id is not None and invoice.message_id == data.message_id):
            return invoice
    raise ApiError(404, "no such invoice")


@get("/personas/{persona_id:int}/invoice")
async def invoice_card(persona_id: FromPath[int], request: AnyRequest, slug: FromQuery[str]) -> Json:
    """Show an invoice before paying."""
    world, _ = _who(request, persona_id)
    view: Json = msgspec.to_builtins(_invoice(world, Pay(slug=slug)))
    return view | {"seller": world.config.bot_name}


@post("/personas/{persona_id:int}/pay", status_code=200)
async def pay(persona_id: FromPath[int], data: JSONBody[Pay], request: AnyRequest) -> Response[payments.PaymentResult]:
    """Pay an invoice, or fail to, or close it."""
    world, persona = _who(request, persona_id)
    return Response(await payments.pay(world, persona, _invoice(world, data), data.outcome))


@post("/personas/{persona_id:int}/join", status_code=200)
async def join(persona_id: FromPath[int], data: JSONBody[Join], request: AnyRequest) -> Json:
    """Open an invite link."""
    world, persona = _who(request, persona_id)
    return {"result": membership.join(world, persona, data.invite_link)}


@post("/personas/{persona_id:int}/leave", status_code=200)
async def leave(persona_id: FromPath[int], data: JSONBody[Leave], request: AnyRequest) -> Json:
    """Leave a group."""
    world, persona = _who(request, persona_id)
    membership.set_member(world, world.group(data.chat_id), persona, "left", persona.user())
    return {"result": "left"}


HANDLERS = [
    list_personas, create_persona, change_persona, list_messages, read, send, ask_inline, choose_inline, prepared,
    share_prepared, send_file,
    press, menu_button, open_app, follow_link, init_data, block, unblock, write_access, web_app_data, invoice_card, pay,
    join, leave,
]  # fmt: skip
