"""Templates and their words: one Jinja environment, whose filters format by ``backend.infra.formatting``.

Who is reading (language, timezone, now) travels in a context variable for the length of one render, so that
macros imported without context see it too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from backend.infra import formatting
from backend.infra.i18n import Translator
from backend.infra.storage import MAX_UPLOAD_BYTES, UPLOAD_MB
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.core import choices
from webapp.core.assets import Assets
from webapp.core.error_page import ErrorPage
from webapp.core.jinja import PageEnvironment

TEMPLATES_DIR: Final = Path(__file__).parents[1] / "templates"
LOCAL_PAGES: Final = ("offline", "error", "expired", "outside", "blocked")


class Viewer(NamedTuple):
    """Who reads a page: their words, the moment, and their timezone."""

    words: Translator
    now: datetime
    timezone: tzinfo = UTC

    @property
    def locale(self) -> Locale:
        """The language."""
        return self.words.locale

    @property
    def today(self) -> date:
        """The day it is where the reader is."""
        return self.now.astimezone(self.timezone).date()


_viewer: ContextVar[Viewer] = ContextVar("viewer")


@contextmanager
def reading(viewer: Viewer) -> Iterator[None]:
    """Within this block filters and words are those of ``viewer``."""
    token = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(token)


# ---- filters


def number(value: int | Decimal, digits: int | None = None) -> str:
    """A number; ``digits`` fixes the decimals."""
    return formatting.format_number(value, _viewer.get().locale, digits)


def percent(value: int, sign: bool = False) -> str:
    """Whole per cent: "18%" or, with ``sign``, "+18%"."""
    return formatting.format_percent(value, _viewer.get().locale, sign=sign)


def signed(value: int) -> str:
    """A change: "+11", "−6"."""
    return formatting.format_signed(value, _viewer.get().locale)


def money_parts(value: Money, trim: bool = False) -> formatting.MoneyParts:
    """The size of an amount (no sign) in parts, for the large figure of a balance; ``trim`` drops ``.00``."""
    return formatting.money_parts(value, _viewer.get().locale, trim=trim)


def money(value: Money, sign: bool = False, trim: bool = False) -> str:
    """An amount for reading; ``sign`` also marks a gain with a plus.

    In a right-to-left language it comes isolated, as Markup, so that the symbol stays at its side.
    """
    return _money(value, _viewer.get().locale, sign=sign, trim=trim)


@functools.lru_cache(maxsize=2048)
def _money(value: Money, locale: Locale, *, sign: bool, trim: bool) -> str:
    text = formatting.format_money(value, locale, sign=sign, trim=trim, isolated=False)
    if locale.direction != "rtl":
        return text
    return Markup('<bdi dir="{}">{}</bdi>').format("rtl" if formatting.is_worded(value, locale) else "ltr", text)


def money_direction(value: Money) -> str:
    """The direction in which an amount is read: "ltr", but "rtl" where its unit is an Arabic word."""
    return "rtl" if formatting.is_worded(value, _viewer.get().locale) else "ltr"


def _local(value: datetime) -> datetime:
    return value.astimezone(_viewer.get().timezone)


def _day_of(value: date | datetime) -> date:
    return _local(value).date() if isinstance(value, datetime) else value


def time(value: datetime) -> str:
    """The hour in the reader's timezone: "14:32"."""
    return formatting.format_time(_local(value))


def day(value: date | datetime) -> str:
    """A day as a heading: "Today", "Yesterday", "12 November"."""
    viewer = _viewer.get()
    return formatting.format_day(_day_of(value), viewer.today, viewer.locale)


def moment(value: datetime) -> str:
    """An hour, with its day unless that is today: "14:32", "Yesterday, 14:32"."""
    viewer = _viewer.get()
    return formatting.format_moment(_local(value), viewer.today, viewer.locale)


def long_date(value: date | datetime) -> str:
    """A date on its own: "21 Nov 2027"."""
    return formatting.format_date(_day_of(value), _viewer.get().locale)


def weekday(value: date | datetime) -> str:
    """A day with its weekday: "Saturday, 21 November"."""
    return formatting.format_date(_day_of(value), _viewer.get().locale, "EEEE, d MMMM")


def month(value: date) -> str:
    """A month standing alone: "November", with the year when it is another one."""
    viewer = _viewer.get()
    return formatting.format_date(value, viewer.locale, "LLLL" if viewer.today.year == value.year else "LLLL y")


def duration(value: timedelta | int) -> str:
    """A stretch of time in its largest unit, short: "12 min". Seconds when a whole number."""
    delta = value if isinstance(value, timedelta) else timedelta(seconds=value)
    return formatting.format_duration(delta, _viewer.get().locale)


def file_size(value: int) -> str:
    """The size of a file, in its largest unit: "1.4 MB"."""
    return formatting.format_size(value, _viewer.get().locale)


def clock(value: datetime) -> str:
    """What is left until a moment, as "24:38"; app.js counts it down from there."""
    return formatting.format_clock(value - _viewer.get().now)


def left(value: datetime) -> int:
    """Seconds left until a moment, never below zero: app.js counts from them, whatever the phone's clock says."""
    return max(round((value - _viewer.get().now).total_seconds()), 0)


def country_name(code: str) -> str:
    """The country's name in the reader's language."""
    return formatting.country_name(code, _viewer.get().locale)


def title_of(value: str, choice: str) -> str:
    """What a stored choice is called in the reader's language: ``choice`` is a name in ``choices.CHOICES``."""
    return choices.title_of(value, choice, _viewer.get().words)


def flag(code: str) -> str:
    """The flag emoji of a two-letter country code."""
    return "".join(chr(0x1F1E6 + ord(letter) - ord("A")) for letter in code.upper())


def mark(text: str, query: str) -> Markup:
    """The text with the part that was searched for marked."""
    at = text.casefold().find(query.casefold()) if query else -1
    if at < 0 or len(text.casefold()) != len(text):
        return escape(text)
    end = at + len(query)
    return Markup("{}<mark>{}</mark>{}").format(text[:at], text[at:end], text[end:])


def headed(content: str) -> Markup:
    """A page that says where focus goes when it arrives: to what is wrong in it, else to its heading."""
    before, field, after = str(content).partition(' aria-invalid="true"')
    if not field:
        before, field, after = str(content).partition("<h1")
        field = '<h1 tabindex="-1"' if field else ""
    return Markup(before + field + (" autofocus" if field else "") + after)  # noqa: S704 it was escaped before


_FILTERS: Final = {
    "number": number, "percent": percent, "signed": signed, "money": money, "money_parts": money_parts,
    "money_direction": money_direction, "time": time, "day": day, "moment": moment, "date": long_date,
    "weekday": weekday, "month": month, "duration": duration, "clock": clock, "left": left, "flag": flag,
    "country_name": country_name, "mark": mark, "headed": headed, "file_size": file_size, "title_of": title_of,
}  # fmt: skip


# No text, number or date in these depends on the reader's language (tests/webapp/core/test_jinja.py).
CONSTANT_MACROS: Final = frozenset({"icon", "glyph", "flag", "tile", "media"})


class Templates:
    """Renders pages and fragments for one reader at a time."""

    def __init__(self, assets: Assets, *, auto_reload: bool = False) -> None:
        self.environment = PageEnvironment(
            loader=FileSystemLoader(TEMPLATES_DIR),
            autoescape=True,
            auto_reload=auto_reload,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            # A filter over a constant depends on the reader: nothing may be folded at compile time.
            optimized=False,
        )
        self.environment.constant_macros = CONSTANT_MACROS
        self.environment.policies["ext.i18n.trimmed"] = True
        self.environment.install_words(lambda: _viewer.get().words)
        self.environment.filters |= _FILTERS
        self.environment.globals |= {
            "asset": assets.url,
            "icon_ref": assets.icon,
            "upload_mb": UPLOAD_MB,
            "upload_bytes": MAX_UPLOAD_BYTES,
            "inline_icons": Markup(assets.inline_icons()),  # noqa: S704 our own file
            "lang": lambda: _viewer.get().locale,
            "sep": lambda: formatting.separator(_viewer.get().locale),
            "direction": lambda: _viewer.get().locale.direction,
            "now": lambda: _viewer.get().now,
        }

    def render(self, name: str, viewer: Viewer, **context: Any) -> str:
        """The template for one reader. Pages take ``page`` (the view) and ``chrome``, fragments ``page``."""
        with reading(viewer):
            return self.environment.get_template(name).render(**context)

    def shell(self, languages: Iterable[Translator], now: datetime, *, telegram_script_url: str, bot_url: str) -> bytes:
        """The public page: the same bytes for every path and reader.

        It carries, in all languages, the pages and words that must show when the server cannot be asked.
        """
        viewers = [Viewer(words, now) for words in languages]
        local = [
            (f"t-{name}-{viewer.locale}", self._local_page(name, viewer, bot_url))
            for viewer in viewers
            for name in LOCAL_PAGES
        ]
        words = Markup("").join(Markup(self.render("layouts/_words.html", viewer)) for viewer in viewers)  # noqa: S704
        text = self.render(
            "layouts/shell.html",
            viewers[0],
            local=local,
            words=words,
            telegram_script_url=telegram_script_url,
        )
        return text.encode()

    def _local_page(self, name: str, viewer: Viewer, bot_url: str) -> Markup:
        page = ErrorPage(code=name, bot_url=bot_url)
        return Markup(self.render(f"errors/{name}.html", viewer, page=page, chrome=None))  # noqa: S704
