"""The Bot API's objects that the simulator sends, as msgspec Structs that encode to Telegram's JSON."""

from typing import Any

import msgspec


class User(msgspec.Struct, omit_defaults=True):
    """A person or the bot, as Telegram shows it to others."""

    id: int
    is_bot: bool
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None
    is_premium: bool | None = None


class Chat(msgspec.Struct, omit_defaults=True):
    """A private chat or a group."""

    id: int
    type: str
    title: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class MessageEntity(msgspec.Struct, omit_defaults=True):
    """A span of formatted text; offset and length count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None


class PhotoSize(msgspec.Struct, omit_defaults=True):
    """One size of a picture, in pixels; file_size in bytes."""

    file_id: str
    file_unique_id: str
    width: int
    height: int
    file_size: int | None = None


class Document(msgspec.Struct, omit_defaults=True):
    """A file, a video, a voice note or an audio track; duration in seconds, file_size in bytes."""

    file_id: str
    file_unique_id: str
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None
    duration: int | None = None
    width: int | None = None
    height: int | None = None


class InvoiceCard(msgspec.Struct, omit_defaults=True):
    """What a message shows of an invoice; total_amount in minor units, or whole Stars for XTR."""

    title: str
    description: str
    start_parameter: str
    currency: str
    total_amount: int


class SuccessfulPayment(msgspec.Struct, omit_defaults=True):
    """The service message after a payment; expiry is in Unix seconds."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str
    provider_payment_charge_id: str
    subscription_expiration_date: int | None = None
    is_recurring: bool | None = None
    is_first_recurring: bool | None = None


class RefundedPayment(msgspec.Struct, omit_defaults=True):
    """The service message after a refund."""

    currency: str
    total_amount: int
    invoice_payload: str
    telegram_payment_charge_id: str
    provider_payment_charge_id: str | None = None


class WebAppData(msgspec.Struct):
    """What a Mini App opened from a keyboard button sent to the bot."""

    data: str
    button_text: str


class Message(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One message of a chat; dates are Unix seconds.

    `reply_to_id` is ours and becomes `reply_to_message` on the way out.
    """

    message_id: int
    date: int
    chat: Chat
    from_user: User | None = msgspec.field(default=None, name="from")
    edit_date: int | None = None
    reply_to_id: int | None = None
    text: str | None = None
    entities: list[MessageEntity] | None = None
    caption: str | None = None
    caption_entities: list[MessageEntity] | None = None
    photo: list[PhotoSize] | None = None
    document: Document | None = None
    video: Document | None = None
    audio: Document | None = None
    voice: Document | None = None
    sticker: dict[str, Any] | None = None
    media_group_id: str | None = None
    invoice: InvoiceCard | None = None
    successful_payment: SuccessfulPayment | None = None
    refunded_payment: RefundedPayment | None = None
    web_app_data: WebAppData | None = None
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None
    new_chat_members: list[User] | None = None
    left_chat_member: User | None = None
    reply_markup: dict[str, Any] | None = None
    has_protected_content: bool | None = None
    forward_origin: dict[str, Any] | None = None
    via_bot: User | None = None


class Update(msgspec.Struct):
    """One update of the bot's queue; `order_key` keeps a chat's updates in order on the way to a webhook."""

    update_id: int
    kind: str
    payload: dict[str, Any]
    order_key: int
