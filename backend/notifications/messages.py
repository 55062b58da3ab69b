"""The words of every message, in the reader's language. Pure: all facts come in as arguments."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from backend.catalog.types import StockSubject
from backend.catalog.words import product_name
from backend.infra.formatting import format_money, format_number, isolate, joined
from backend.infra.i18n import Translator, translator
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.notifications.types import Button, Document, Message
from backend.orders.types import OpenedKey, OrderLine, OrderView
from backend.orders.words import keys_file
from backend.support.types import Subject, SubjectKind

_LONGEST_TEXT: Final = 4096
"""Telegram's limit for a message, in UTF-16 units after its HTML is read."""
_MOST_KEYS: Final = 20
"""Telegram marks up at most 100 places of a message; a key takes two."""
_MOST_COPY_BUTTONS: Final = 3
_LONGEST_COPY: Final = 256
_LONGEST_LIST: Final = 20
_PICTURES: Final = frozenset({"png", "jpeg"})
_TAG: Final = re.compile(r"<[^>]*>")


class Words:
    """A language's words and figures, made safe for Telegram's HTML. ``shop`` is the Mini App's address."""

    def __init__(self, locale: Locale, shop: str) -> None:
        self.locale = locale
        self.translator: Translator = translator(locale)
        self.shop = shop.rstrip("/")

    def money(self, value: Money) -> str:
        """An amount."""
        return html.escape(format_money(value, self.locale), quote=False)

    def signed(self, value: Money) -> str:
        """A change of money, with its sign."""
        return html.escape(format_money(value, self.locale, sign=True), quote=False)

    def name(self, texts: Mapping[str, str]) -> str:
        """A name in the reader's language, isolated from the sentence's direction."""
        return self._isolated(pick(texts, self.locale))

    def _isolated(self, text: str) -> str:
        return f"\u2068{html.escape(text, quote=False)}\u2069"

    def number(self, order_number: str) -> str:
        """An order's number."""
        return isolate(html.escape(order_number, quote=False), self.locale)

    def thing(self, goods: OrderLine | StockSubject, quantity: int = 1) -> str:
        """ "Name · country · variant × 2"."""
        name = product_name(pick(goods.name, self.locale), goods.country, self.locale)
        variant = pick(goods.variant_name, self.locale)
        text = joined([self._isolated(name), self._isolated(variant) if variant else ""], self.locale)
        return text if quantity == 1 else f"{text} × {format_number(quantity, self.locale)}"

    def things(self, lines: Iterable[OrderLine]) -> str:
        """What was bought, one a row."""
        rows = [self.thing(line, line.quantity) for line in lines]
        more = len(rows) - _LONGEST_LIST
        return "\n".join(rows[:_LONGEST_LIST] + (["…"] if more > 0 else []))

    def button(self, text: str, path: str) -> Button:
        """A button that opens a page of the Mini App."""
        return Button(text, url=self.shop + path)


def visible_length(text: str) -> int:
    """How long Telegram counts a text of its HTML: UTF-16 units without the tags."""
    return len(html.unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2


def order_paid(words: Words, order: OrderView, keys: list[OpenedKey]) -> Message:
    """To the buyer, once the order is paid: what it was, and the keys."""
    _ = words.translator.gettext
    head = _("<b>Order {number} is yours</b>").format(number=words.number(order.number))
    total = _("Paid: {amount}").format(amount=words.money(order.total))
    return _with_keys(words, order, keys, f"{head}\n{words.things(order.lines)}\n{total}")


def order_keys(words: Words, order: OrderView, keys: list[OpenedKey]) -> Message:
    """To the buyer, who has asked for the keys in the chat."""
    _ = words.translator.gettext
    head = _("<b>Your keys of order {number}</b>").format(number=words.number(order.number))
    return _with_keys(words, order, keys, f"{head}\n{words.things(order.lines)}")


def _with_keys(words: Words, order: OrderView, keys: list[OpenedKey], head: str) -> Message:
    _, ngettext = words.translator.gettext, words.translator.ngettext
    opening = words.button(_("Open order"), f"/orders/{order.number}")
    if not keys:
        return Message(head, (opening,), protect=True, about=_about(order))
    hidden = "\n".join(f"<tg-spoiler><code>{html.escape(key.text, quote=False)}</code></tg-spoiler>" for key in keys)
    hint = ngettext("Tap the key to see it.", "Tap a key to see it.", len(keys))
    text = f"{head}\n\n{hidden}\n\n{hint}"
    if len(keys) > _MOST_KEYS or visible_length(text) > _LONGEST_TEXT:
        count = ngettext("Your {count} key is in the file.", "Your {count} keys are in the file.", len(keys))
        text = f"{head}\n\n{count.format(count=format_number(len(keys), words.locale))}"
        file = Document(f"{order.number}.txt", keys_file(order.number, keys, words.locale))
        return Message(text, (opening,), file, protect=True, about=_about(order))
    copying: tuple[Button, ...] = ()
    if len(keys) <= _MOST_COPY_BUTTONS and all(len(key.text) <= _LONGEST_COPY for key in keys):
        copying = tuple(Button(_copy_label(words, key, len(keys)), copy=key.text) for key in keys)
    return Message(text, (*copying, opening), protect=True, about=_about(order))


def _copy_label(words: Words, key: OpenedKey, count: int) -> str:
    _ = words.translator.gettext
    if count == 1:
        return _("Copy the key")
    return _("Copy key {ordinal}").format(ordinal=format_number(key.ordinal, words.locale))


def order_for_admins(
    words: Words, order: OrderView, buyer: str, buyer_telegram_id: int, methods: Sequence[str] = ()
) -> Message:
    """To an admin: who bought what, and how it was paid. No key."""
    _ = words.translator.gettext
    person = html.escape(buyer, quote=False) or str(buyer_telegram_id)
    link = f'<a href="tg://user?id={buyer_telegram_id}">\u2068{person}\u2069</a>'
    rows = [
        _("<b>New order {number}</b>").format(number=words.number(order.number)),
        _("Buyer: {person}").format(person=link),
        words.things(order.lines),
        _("Total: {amount}").format(amount=words.money(order.total)),
    ]
    if methods:
        named = ", ".join(f"\u2068{html.escape(method, quote=False)}\u2069" for method in methods)
        rows.append(_("Paid with: {methods}").format(methods=named))
    button = words.button(_("Open order"), f"/admin/orders/{order.number}")
    return Message("\n".join(rows), (button,), about=_about(order))


def _about(order: OrderView) -> Subject:
    return Subject(SubjectKind.ORDER, order.id, order.user_id)


def with_receipt(message: Message, data: bytes, content_type: str) -> Message:
    """A message with the receipt of a deposit: a picture in the chat where Telegram shows it, else a file."""
    ending = content_type.rpartition("/")[2]
    return replace(message, document=Document(f"receipt.{ending}", data, picture=ending in _PICTURES))


def stock_low(words: Words, subject: StockSubject, left: int) -> Message:
    """To an admin: a thing is nearly or wholly gone."""
    _, ngettext = words.translator.gettext, words.translator.ngettext
    thing = words.thing(subject)
    if left:
        head = _("<b>Low stock</b>")
        state = ngettext("{count} left", "{count} left", left).format(count=format_number(left, words.locale))
    else:
        head = _("<b>Sold out</b>")
        state = _("Nobody can buy it until keys are added.")
    button = words.button(_("Open product"), f"/shop/{subject.slug}")
    return Message(f"{head}\n{thing}\n{state}", (button,))
