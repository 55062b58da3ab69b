"""Bot API methods on files: photos, documents, video, audio, voice, getFile."""

import mimetypes
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.simulator.config import is_loopback
from bot.simulator.errors import bad_request
from bot.simulator.images import image_size
from bot.simulator.methods_messages import Handler
from bot.simulator.model import StoredFile
from bot.simulator.outgoing import caption, post
from bot.simulator.params import Params, Upload
from bot.simulator.state import World
from bot.simulator.telegram_types import Document, PhotoSize

_MAX_PHOTO = 10 * 1024 * 1024
_MAX_DOWNLOAD = 20 * 1024 * 1024


async def _fetch(url: str) -> Upload:
    """Fetch a file that a bot named by address; only from loopback, so that tests never leave the machine."""
    host = urlsplit(url).hostname or ""
    if not is_loopback(host):
        raise bad_request("failed to get HTTP URL content")
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            if response.status != 200:
                raise bad_request("failed to get HTTP URL content")
            kind = response.content_type
            if kind == "text/html":
                raise bad_request("wrong type of the web page content")
            name = urlsplit(url).path.rpartition("/")[2] or "file"
            return Upload(name, kind, await response.read())
    except (TimeoutError, aiohttp.ClientError):
        raise bad_request("failed to get HTTP URL content") from None


def store_upload(world: World, upload: Upload, folder: str) -> StoredFile:
    """Keep an uploaded file; raises 400 where it is empty, or no picture in the folder of photos."""
    if not upload.content:
        raise bad_request("file must be non-empty")
    size = image_size(upload.content)
    if folder == "photos":
        if len(upload.content) > _MAX_PHOTO:
            raise bad_request("file is too big")
        if size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if sum(size) > 10000 or max(size) > 20 * min(size):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
    mime_type = mimetypes.guess_type(upload.name)[0] or upload.mime_type or "application/octet-stream"
    stored = world.add_file(upload.name, mime_type, upload.content, folder)
    if size is not None:
        stored.width, stored.height = size
    return stored


async def _file_of(world: World, params: Params, name: str, folder: str) -> StoredFile:
    given = params.attachment(name)
    if given is None:
        raise bad_request(f"there is no {name} in the request")
    if isinstance(given, str):
        if not given.startswith(("http://", "https://")):
            stored = world.data.files.get(given)
            if stored is None:
                raise bad_request("wrong file identifier/HTTP URL specified")
            return stored
        given = await _fetch(given)
    return store_upload(world, given, folder)


def as_photo(stored: StoredFile) -> list[PhotoSize]:
    """Return the file as a message's photo."""
    return [
        PhotoSize(
            file_id=stored.file_id,
            file_unique_id=stored.file_unique_id,
            width=stored.width or 1,
            height=stored.height or 1,
            file_size=stored.size,
        )
    ]


def as_document(stored: StoredFile) -> Document:
    """Return the file as a message's document."""
    return Document(
        file_id=stored.file_id,
        file_unique_id=stored.file_unique_id,
        file_name=stored.name,
        mime_type=stored.mime_type,
        file_size=stored.size,
    )


async def send_photo(world: World, params: Params) -> Any:
    """sendPhoto."""
    chat = world.destination(params.raw("chat_id"))
    text, entities = caption(params)
    stored = await _file_of(world, params, "photo", "photos")
    message = post(world, params, chat, photo=as_photo(stored), caption=text, caption_entities=entities)
    return world.message_json(message)


def _sender(field: str, folder: str) -> Handler:
    async def send(world: World, params: Params) -> Any:
        chat = world.destination(params.raw("chat_id"))
        text, entities = caption(params)
        document = as_document(await _file_of(world, params, field, folder))
        if field != "document":
            document.duration = params.integer("duration")
        if field == "video":
            document.width, document.height = params.integer("width", 640), params.integer("height", 360)
        content = {field: document, "caption": text, "caption_entities": entities}
        return world.message_json(post(world, params, chat, **content))

    return send


async def get_file(world: World, params: Params) -> dict[str, Any]:
    """getFile; raises 400 for an unknown file_id or one over 20 MB."""
    stored = world.data.files.get(params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if stored.size > _MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.file_unique_id,
        "file_size": stored.size,
        "file_path": stored.file_path,
    }


METHODS: dict[str, Handler] = {
    "sendPhoto": send_photo,
    "sendDocument": _sender("document", "documents"),
    "sendVideo": _sender("video", "videos"),
    "sendAudio": _sender("audio", "music"),
    "sendVoice": _sender("voice", "voice"),
    "getFile": get_file,
}
