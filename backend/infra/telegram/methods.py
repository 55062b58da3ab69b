"""Methods of the Bot API that more than one slice calls, with what they take and give. Texts are Telegram's HTML."""

from __future__ import annotations

from typing import Any

import msgspec

from backend.infra.telegram.client import InputFile, Method


class Message(msgspec.Struct, frozen=True):
    """A message in a chat."""

    message_id: int


class MessageId(msgspec.Struct, frozen=True):
    """The number of a message that was copied."""

    message_id: int


class User(msgspec.Struct, frozen=True):
    """A Telegram account; ``username`` without its @, empty where there is none."""

    id: int
    username: str = ""


class WebAppInfo(msgspec.Struct, frozen=True):
    """A page of a Mini App."""

    url: str


class CopyTextButton(msgspec.Struct, frozen=True):
    """What a button copies, up to 256 characters."""

    text: str


class InlineKeyboardButton(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A button: exactly one of the fields beside ``text`` says what it does."""

    text: str
    url: str | None = None
    web_app: WebAppInfo | None = None
    copy_text: CopyTextButton | None = None
    callback_data: str | None = None


class InlineKeyboardMarkup(msgspec.Struct, frozen=True):
    """The buttons below a message, in rows."""

    inline_keyboard: list[list[InlineKeyboardButton]]


class LinkPreviewOptions(msgspec.Struct, frozen=True):
    """How the first address in a text is shown."""

    is_disabled: bool


_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class GetMe(Method[User], frozen=True):
    """The bot itself."""


class SendMessage(Method[Message], frozen=True):
    """Send a text of up to 4096 characters."""

    chat_id: int
    text: str
    reply_markup: InlineKeyboardMarkup | None = None
    protect_content: bool = False
    parse_mode: str = "HTML"
    link_preview_options: LinkPreviewOptions = _NO_PREVIEW


class TelegramFile(msgspec.Struct, frozen=True):
    """A file that Telegram has, under an id that is good for this bot only."""

    file_id: str


class MediaMessage(Message, frozen=True):
    """A message with a file in one of these fields; a picture comes in several sizes, the largest last."""

    photo: list[TelegramFile] = []
    video: TelegramFile | None = None
    audio: TelegramFile | None = None
    document: TelegramFile | None = None

    @property
    def file_id(self) -> str | None:
        """The id of its file."""
        file = self.video or self.audio or self.document or (self.photo[-1] if self.photo else None)
        return file.file_id if file else None


class SendPhoto(Method[MediaMessage], frozen=True):
    """Send a picture of up to 10 MB: an upload, or the file_id of one that Telegram has; captions up to 1024."""

    chat_id: int
    photo: InputFile | str
    caption: str = ""
    reply_markup: InlineKeyboardMarkup | None = None
    protect_content: bool = False
    parse_mode: str = "HTML"


class SendVideo(Method[MediaMessage], frozen=True):
    """Send an MP4 of up to 50 MB: an upload, or the file_id of one that Telegram has, of any size."""

    chat_id: int
    video: InputFile | str
    caption: str = ""
    reply_markup: InlineKeyboardMarkup | None = None
    protect_content: bool = False
    parse_mode: str = "HTML"
    supports_streaming: bool = True


class SendAudio(Method[MediaMessage], frozen=True):
    """Send an MP3 or M4A of up to 50 MB, which the chat plays as music: an upload, or the file_id of one."""

    chat_id: int
    audio: InputFile | str
    caption: str = ""
    reply_markup: InlineKeyboardMarkup | None = None
    protect_content: bool = False
    parse_mode: str = "HTML"


class SendDocument(Method[MediaMessage], frozen=True):
    """Send a file of up to 50 MB: an upload, or the file_id of one that Telegram has; captions up to 1024."""

    chat_id: int
    document: InputFile | str
    caption: str = ""
    reply_markup: InlineKeyboardMarkup | None = None
    protect_content: bool = False
    parse_mode: str = "HTML"


class EditMessageText(Method[Message], frozen=True):
    """Replace the text and the buttons of a text message."""

    chat_id: int
    message_id: int
    text: str
    reply_markup: InlineKeyboardMarkup | None = None
    parse_mode: str = "HTML"
    link_preview_options: LinkPreviewOptions = _NO_PREVIEW


class EditMessageCaption(Method[Message], frozen=True):
    """Replace the caption and the buttons of a picture or a file."""

    chat_id: int
    message_id: int
    caption: str = ""
    reply_markup: InlineKeyboardMarkup | None = None
    parse_mode: str = "HTML"


class EditMessageReplyMarkup(Method[Message], frozen=True):
    """Replace the buttons of a message; None takes them away."""

    chat_id: int
    message_id: int
    reply_markup: InlineKeyboardMarkup | None = None


class CopyMessage(Method[MessageId], frozen=True):
    """Send what a message holds, whatever it is, without naming its author; the buttons are new."""

    chat_id: int
    from_chat_id: int
    message_id: int
    reply_markup: InlineKeyboardMarkup | None = None


class DeleteMessage(Method[bool], frozen=True):
    """Delete a message of the bot's that is younger than two days."""

    chat_id: int
    message_id: int


class PreparedInlineMessage(msgspec.Struct, frozen=True):
    """A message that one person may send until it expires."""

    id: str


class SavePreparedInlineMessage(Method[PreparedInlineMessage], frozen=True):
    """Prepare a message that ``user_id`` sends by ``Telegram.WebApp.shareMessage``."""

    user_id: int
    result: dict[str, Any]
    allow_user_chats: bool = True
    allow_group_chats: bool = True
    allow_channel_chats: bool = True
