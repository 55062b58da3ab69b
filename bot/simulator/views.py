"""What pages and tests see of the simulated Telegram: chats, people, groups, as plain JSON values."""

from typing import Any

import msgspec

from bot.simulator.model import Charge, Group, Persona
from bot.simulator.rendering import render_html
from bot.simulator.state import World
from bot.simulator.telegram_types import Document, Message, User

_MEDIA = ("document", "video", "audio", "voice")


def _button(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button, "kind": "text", "value": button}
    view: dict[str, Any] = {"text": button["text"]}
    if button.get("style"):
        view["style"] = button["style"]
    values = {
        "web_app": (button.get("web_app") or {}).get("url"),
        "url": button.get("url"),
        "callback": button.get("callback_data"),
        "copy": (button.get("copy_text") or {}).get("text"),
        "pay": "" if button.get("pay") else None,
        "text": button["text"],
    }
    kind = next(name for name, value in values.items() if value is not None)
    return view | {"kind": kind, "value": values[kind]}


def buttons(markup: dict[str, Any] | None, field: str) -> list[list[dict[str, Any]]]:
    """Return a keyboard's rows; each button has text, kind (url, callback, web_app, copy, pay, text) and value."""
    rows = (markup or {}).get(field) or []
    return [[_button(button) for button in row] for row in rows]


def _file(document: Document) -> dict[str, Any]:
    return {
        "name": document.file_name or "file",
        "mime_type": document.mime_type,
        "size": document.file_size,
        "file_id": document.file_id,
        "url": f"/control/files/{document.file_id}",
    }


def _name(user: User | None) -> str:
    return " ".join(filter(None, [user.first_name, user.last_name])) if user else ""


def _subscription(charge: Charge) -> dict[str, Any] | None:
    """Describe a subscription, at the message of its first payment."""
    if not charge.subscription_period or charge.renewal_of is not None:
        return None
    return {"canceled": charge.subscription_canceled, "bot_canceled": charge.bot_canceled}


def _service(world: World, message: Message) -> dict[str, Any] | None:
    """Describe a service message: its kind and the values that its sentence needs."""
    payment = message.successful_payment or message.refunded_payment
    if payment is not None:
        charge = world.data.charges.get(payment.telegram_payment_charge_id)
        invoice = world.data.invoices.get(charge.slug) if charge else None
        return {
            "kind": "paid" if message.successful_payment else "refunded",
            "currency": payment.currency,
            "total_amount": payment.total_amount,
            "title": invoice.title if invoice else "",
            "charge_id": payment.telegram_payment_charge_id,
            "subscription": _subscription(charge) if message.successful_payment and charge else None,
        }
    if message.new_chat_members:
        return {"kind": "joined", "title": _name(message.new_chat_members[0])}
    if message.left_chat_member:
        return {"kind": "left", "title": _name(message.left_chat_member)}
    if message.web_app_data:
        return {"kind": "web_app_data", "title": message.web_app_data.button_text}
    return None


def message_view(world: World, message: Message) -> dict[str, Any]:
    """Return a message: who, when, text and safe HTML, media, buttons, invoice, service kind."""
    text, entities = message.text, message.entities
    if text is None:
        text, entities = message.caption or "", message.caption_entities
    sender = message.from_user
    view: dict[str, Any] = {
        "message_id": message.message_id,
        "chat_id": message.chat.id,
        "date": message.date,
        "edited": message.edit_date is not None,
        "from_bot": bool(sender and sender.is_bot),
        "sender_id": sender.id if sender else None,
        "sender": _name(sender),
        "text": text,
        "html": render_html(text, entities),
        "entities": msgspec.to_builtins(entities or []),
        "buttons": buttons(message.reply_markup, "inline_keyboard"),
        "protected": bool(message.has_protected_content),
    }
    if message.photo:
        photo = message.photo[-1]
        view["photo"] = {
            "file_id": photo.file_id,
            "url": f"/control/files/{photo.file_id}",
            "width": photo.width,
            "height": photo.height,
        }
    for kind in _MEDIA:
        document = getattr(message, kind)
        if document is not None:
            view["document"] = _file(document) | {"kind": kind}
    if message.sticker is not None:
        file_id = message.sticker["file_id"]
        view["photo"] = {"file_id": file_id, "url": f"/control/files/{file_id}", "width": 160, "height": 160}
    if message.invoice is not None:
        view["invoice"] = msgspec.to_builtins(message.invoice) | _invoice_state(world, message)
    if message.reply_to_id is not None:
        original = world.messages(message.chat.id).get(message.reply_to_id)
        if original is not None:
            view["reply_to"] = {"message_id": original.message_id, "sender": _name(original.from_user),
                                "preview": preview(world, original)}  # fmt: skip
    if message.forward_origin:
        origin = message.forward_origin.get("sender_user") or {}
        view["forwarded_from"] = " ".join(filter(None, [origin.get("first_name"), origin.get("last_name")]))
    service = _service(world, message)
    if service is not None:
        view["service"] = service
    return view


def _invoice_state(world: World, message: Message) -> dict[str, Any]:
    for invoice in world.data.invoices.values():
        if invoice.message_id == message.message_id:
            paid = any(charge.slug == invoice.slug for charge in world.data.charges.values())
            return {"slug": invoice.slug, "paid": paid}
    return {"slug": "", "paid": False}


def preview(world: World, message: Message) -> dict[str, Any]:
    """Return one line of a message for lists: its kind and text."""
    service = _service(world, message)
    if service is not None:
        return service
    if message.invoice is not None:
        return {"kind": "invoice", "title": message.invoice.title}
    text = " ".join((message.text or message.caption or "").split())[:120]
    if message.photo:
        return {"kind": "photo", "title": text}
    if message.sticker is not None:
        return {"kind": "file", "title": "sticker"}
    for kind in _MEDIA:
        document = getattr(message, kind)
        if document is not None:
            return {"kind": "file", "title": text or document.file_name or ""}
    return {"kind": "text", "title": text}


def person_view(world: World, persona: Persona) -> dict[str, Any]:
    """Return a person with what the list and the composer show: last message, unread count, keyboard, menu."""
    messages = world.messages(persona.id)
    last = next(reversed(messages.values())) if messages else None
    unread = sum(
        1 for m in messages.values() if m.message_id > persona.read_up_to and m.from_user and m.from_user.is_bot
    )
    keyboard = persona.keyboard or {}
    button = world.menu_button_for(persona.id)
    menu = {"kind": button["type"], "text": button.get("text", ""), "url": button.get("web_app", {}).get("url", "")}
    return {
        "id": persona.id,
        "first_name": persona.first_name,
        "last_name": persona.last_name,
        "username": persona.username,
        "language_code": persona.language_code,
        "is_premium": persona.is_premium,
        "role": persona.role,
        "started": persona.started,
        "blocked": persona.blocked,
        "unread": unread,
        "empty": not messages,
        "last": (preview(world, last) | {"date": last.date, "mine": not (last.from_user and last.from_user.is_bot)})
        if last
        else None,
        "menu_button": menu,
        "commands": world.commands_for(persona),
        "keyboard": {
            "rows": buttons(keyboard, "keyboard"),
            "resize": bool(keyboard.get("resize_keyboard")),
            "one_time": bool(keyboard.get("one_time_keyboard")),
            "placeholder": keyboard.get("input_field_placeholder", ""),
            "force_reply_to": persona.keyboard_id if keyboard.get("force_reply") else None,
        },
    }


def group_view(group: Group) -> dict[str, Any]:
    """Return a group with its members, links and waiting requests."""
    return {
        "id": group.id,
        "title": group.title,
        "kind": group.kind,
        "bot": group.bot,
        "rights": group.rights,
        "guard": group.guard,
        "members": {str(user_id): status for user_id, status in group.members.items()},
        "requests": sorted(group.requests | {who: link for who, link, _ in group.queries.values()}),
        "invite_links": msgspec.to_builtins(list(group.links.values())),
    }
