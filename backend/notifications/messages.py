"""Builds the text and the buttons of messages in the reader's language, safe for Telegram's HTML. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from backend.catalog.types import Offer, StockSubject
from backend.catalog.words import product_name
from backend.infra.formatting import format_date, format_money, format_number, isolate, joined
from backend.infra.formatting import timezone as zone_of
from backend.infra.i18n import Translator, translator
from backend.kernel.money import Money
from backend.kernel.text import Locale, pick
from backend.notifications.types import Button
from backend.orders.types import OrderLine
from backend.orders.types.prices import PricedLine
from backend.orders.words import part_title

LONGEST_TEXT: Final = 4096
"""Telegram's limit for a message, in UTF-16 units after its HTML is read."""
_LONGEST_LIST: Final = 20
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
        return self.isolated(pick(texts, self.locale))

    def isolated(self, text: str) -> str:
        """A text of any direction, isolated from the sentence's direction; "—" for an empty one."""
        return f"\u2068{html.escape(text, quote=False) or '—'}\u2069"

    def person_link(self, name: str, telegram_id: int) -> str:
        """A name that opens the person's chat."""
        return f'<a href="tg://user?id={telegram_id}">{self.isolated(name or str(telegram_id))}</a>'

    def day(self, at: datetime, timezone: str) -> str:
        """The day of a moment on the reader's calendar."""
        return format_date(at.astimezone(zone_of(timezone)), self.locale)

    def number(self, order_number: str) -> str:
        """An order's number."""
        return isolate(html.escape(order_number, quote=False), self.locale)

    def thing(self, goods: OrderLine | StockSubject | Offer, quantity: int = 1) -> str:
        """ "Name · country · variant × 2"."""
        name = product_name(pick(goods.name, self.locale), goods.country, self.locale)
        variant = pick(goods.variant_name, self.locale)
        text = joined([self.isolated(name), self.isolated(variant) if variant else ""], self.locale)
        return text if quantity == 1 else f"{text} × {format_number(quantity, self.locale)}"

    def things(self, lines: Iterable[OrderLine], *, priced: bool = False) -> str:
        """What was bought, one a row; if ``priced``, with the parts of a price that has several below it."""
        rows = [self.thing(line, line.quantity) + (self._parts(line.price) if priced else "") for line in lines]
        more = len(rows) - _LONGEST_LIST
        return "\n".join(rows[:_LONGEST_LIST] + (["…"] if more > 0 else []))

    def _parts(self, price: PricedLine) -> str:
        if len(price.parts) == 1:
            return ""
        return "".join(f"\n{part_title(part.kind, self.translator)}: {self.money(part.amount)}" for part in price.parts)

    def button(self, text: str, path: str) -> Button:
        """A button that opens a page of the Mini App."""
        return Button(text, url=self.shop + path)

    def wallet_button(self) -> Button:
        """Opens the reader's wallet."""
        return self.button(self.translator.gettext("Open wallet"), "/wallet")

    def order_button(self, number: str) -> Button:
        """Opens the reader's order."""
        return self.button(self.translator.gettext("Open order"), f"/orders/{number}")

    def admin_button(self, path: str) -> Button:
        """Opens a page of the back office; ``path`` is below ``/admin``."""
        return self.button(self.translator.gettext("View details"), f"/admin{path}")


def visible_length(text: str) -> int:
    """How long Telegram counts a text of its HTML: UTF-16 units without the tags."""
    return len(html.unescape(_TAG.sub("", text)).encode("utf-16-le")) // 2
