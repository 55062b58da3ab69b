"""Numbers, money, days and countries by language: the one place, for pages and chats alike.

Plain text comes out. In Arabic an amount is isolated by Unicode's marks, so that its symbol stays at its side in any
sentence; a page that isolates by ``<bdi>`` asks for ``isolated=False``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale as BabelLocale
from babel import dates, numbers, units

from backend.infra.i18n import translator
from backend.kernel.money import CREDIT, STARS, USDT, Money, exponent
from backend.kernel.text import Locale

_REMEMBERED: Final = 2048
"""How many of the latest amounts, numbers and dates stay formatted: Babel is the dearest part of many pages."""
_NBSP: Final = "\u00a0"
_MINUS: Final = "\u2212"
_ISOLATE, _ISOLATE_RTL, _ISOLATE_OWN, _END_ISOLATE = "\u2066", "\u2067", "\u2068", "\u2069"
_RTL_MARK: Final = "\u200f"
# Digits are Latin in all languages, as in Telegram's own Arabic; Egypt's names of months and currencies are kept.
_BABEL: Final = {Locale.AR: "ar_EG", Locale.EN: "en_US", Locale.RU: "ru_RU"}
_DIGITS: Final = "latn"
_PER_CENT: Final = {Locale.AR: "%", Locale.EN: "%", Locale.RU: _NBSP + "%"}
_COMMA: Final = {Locale.AR: "، ", Locale.EN: ", ", Locale.RU: ", "}
# A middle dot beside a number reads as a zero in Arabic; the mark keeps "VPN، 3" from being read from left to right.
# A dot stays on the line of what is before it.
_SEPARATOR: Final = {
    Locale.AR: _COMMA[Locale.AR] + _RTL_MARK, Locale.EN: f"{_NBSP}· ", Locale.RU: f"{_NBSP}· "
}  # fmt: skip
# Where CLDR's name is an official one, too long to stand under a flag: what people say.
_SHORT_COUNTRIES: Final = {
    Locale.AR: {"SA": "السعودية", "AE": "الإمارات", "US": "أمريكا", "GB": "بريطانيا"},
    Locale.EN: {"AE": "Emirates", "US": "USA", "GB": "UK"},
    Locale.RU: {"US": "США", "GB": "Британия"},
}


class MoneyParts(NamedTuple):
    """An amount without its sign, taken apart for a large figure; ``before`` and ``after`` hold the symbol."""

    before: str
    whole: str
    fraction: str
    after: str


@functools.cache
def babel_locale(locale: Locale) -> BabelLocale:
    """Babel's locale for one of our languages."""
    return BabelLocale.parse(_BABEL[locale])


@functools.lru_cache(maxsize=512)
def timezone(name: str) -> ZoneInfo:
    """The IANA zone ``name``, UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def isolate(text: str, locale: Locale) -> str:
    """The text, kept left to right inside a right-to-left sentence."""
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if locale.direction == "rtl" else text


def apart(text: str) -> str:
    """A text of whatever language, kept in its own direction among others on one line."""
    return f"{_ISOLATE_OWN}{text}{_END_ISOLATE}"


def joined(parts: Iterable[str], locale: Locale) -> str:
    """The parts that say something, on one line: "14:32 · Delivered"; in Arabic with a comma."""
    return _SEPARATOR[locale].join(filter(None, parts))


def times(name: str, quantity: int, locale: Locale) -> str:
    """The name with how many of it, which stays beside it: "Private VPN × 2"."""
    return f"{name}{_NBSP}×{_NBSP}{format_number(quantity, locale)}"


def separator(locale: Locale) -> str:
    """The separator between two parts of a line."""
    return _SEPARATOR[locale]


# ---- numbers and money


@functools.cache
def _pattern(locale: Locale, digits: int | None) -> numbers.NumberPattern:
    """Babel's pattern of a number; parsing one costs more than using it."""
    if digits is not None:
        return numbers.parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))
    pattern: numbers.NumberPattern = babel_locale(locale).decimal_formats[None]
    return pattern


@functools.lru_cache(maxsize=_REMEMBERED)
def format_number(value: int | Decimal, locale: Locale, digits: int | None = None) -> str:
    """A number with the language's grouping; ``digits`` fixes the decimals."""
    text = str(_pattern(locale, digits).apply(value, babel_locale(locale), numbering_system=_DIGITS))
    return text.strip("\u200e\u200f").replace("-", _MINUS)


def format_signed(value: int | Decimal, locale: Locale) -> str:
    """A change: "+11", "−6"."""
    return ("+" if value > 0 else "") + format_number(value, locale)


def format_percent(value: int | Decimal, locale: Locale, *, sign: bool = False) -> str:
    """Per cent: ``18`` is "18%" or, with ``sign``, "+18%"."""
    return (format_signed if sign else format_number)(value, locale) + _PER_CENT[locale]


@functools.cache
def _symbol(currency: str, locale: Locale) -> str:
    return str(numbers.get_currency_symbol(currency, locale=babel_locale(locale))).strip("\u200e\u200f")


@functools.lru_cache(maxsize=_REMEMBERED)
def money_parts(value: Money, locale: Locale, *, trim: bool = False) -> MoneyParts:
    """The size of an amount in parts; ``trim`` drops a fraction of nothing."""
    amount = abs(value.decimal())
    places = exponent(value.currency)
    if value.currency == USDT:  # six digits: two unless there is more to say
        places = max(2, -int(amount.normalize().as_tuple().exponent)) if amount else 2
    if trim and amount == amount.to_integral_value():
        places = 0
    text = format_number(amount, locale, places)
    cut = len(text) - places - 1 if places else len(text)
    words = translator(locale)
    if value.currency == STARS:
        return MoneyParts("", text, "", _NBSP + words.ngettext("Star", "Stars", int(amount)))
    if value.currency == CREDIT:
        return MoneyParts("", text, "", _NBSP + words.ngettext("credit", "credits", int(amount)))
    symbol = _symbol(value.currency, locale)
    if locale is Locale.EN and not symbol[-1].isalpha():
        return MoneyParts(symbol, text[:cut], text[cut:], "")
    return MoneyParts("", text[:cut], text[cut:], _NBSP + symbol)


def format_money(value: Money, locale: Locale, *, sign: bool = False, trim: bool = False, isolated: bool = True) -> str:
    """An amount for reading: "$14.40", "14,40 $"; ``sign`` marks a gain with a plus too, ``trim`` drops ".00"."""
    mark = _MINUS if value.amount < 0 else "+" if sign and value.amount > 0 else ""
    text = mark + "".join(money_parts(value, locale, trim=trim))
    if isolated and is_worded(value, locale):
        return f"{_ISOLATE_RTL}{text}{_END_ISOLATE}"
    return isolate(text, locale) if isolated else text


def is_worded(value: Money, locale: Locale) -> bool:
    """Whether an amount is read from right to left: one whose unit is an Arabic word, as of Stars."""
    return locale.direction == "rtl" and value.currency in (STARS, CREDIT)


def format_rate(value: Decimal, currency: str, locale: Locale) -> str:
    """An exact price per unit, with all its decimals: "$0.013"."""
    digits = max(exponent(currency), -int(value.normalize().as_tuple().exponent))
    amount = format_number(value, locale, digits)
    symbol = _symbol(currency, locale)
    if locale is Locale.EN and not symbol[-1].isalpha():
        return f"{symbol}{amount}"
    return isolate(f"{amount}{_NBSP}{symbol}", locale)


# ---- days and times, of moments that are in the reader's timezone already


def format_date(value: date, locale: Locale, pattern: str = "d MMM y") -> str:
    """A date by a CLDR pattern; "21 Nov 2027" without one. Source: Unicode TR 35, date field symbols."""
    # Without its hour: two moments that are equal may be on different days in their time zones.
    return _date(value.date() if isinstance(value, datetime) else value, locale, pattern)


@functools.lru_cache(maxsize=_REMEMBERED)
def _date(value: date, locale: Locale, pattern: str) -> str:
    return dates.format_date(value, pattern, locale=babel_locale(locale))


def format_time(value: datetime) -> str:
    """The hour: "14:32"."""
    return value.strftime("%H:%M")


def format_day(value: date, today: date, locale: Locale) -> str:
    """A day as a heading: "Today", "Yesterday", "12 November", with the year when it is another one."""
    words = translator(locale)
    if value == today:
        return words.gettext("Today")
    if value == today - timedelta(days=1):
        return words.gettext("Yesterday")
    return format_date(value, locale, "d MMMM" if value.year == today.year else "d MMMM y")


def format_moment(value: datetime, today: date, locale: Locale) -> str:
    """An hour, with its day unless that is today: "14:32", "Yesterday, 14:32"."""
    time = format_time(value)
    if value.date() == today:
        return time
    return f"{format_day(value.date(), today, locale)}{_COMMA[locale]}{time}"


@functools.lru_cache(maxsize=_REMEMBERED)
def format_duration(value: timedelta, locale: Locale) -> str:
    """A stretch of time in its largest unit, short: "12 min", "4 hr"."""
    granularity: Literal["second", "minute"] = "second" if value < timedelta(minutes=1) else "minute"
    return dates.format_timedelta(
        value, granularity=granularity, threshold=1.5, format="short", locale=babel_locale(locale)
    )


def format_size(size: int, locale: Locale) -> str:
    """The size of a file of ``size`` bytes in kilobytes or megabytes: "12 kB", "1.4 MB"."""
    unit, of = ("megabyte", 1_000_000) if size >= 1_000_000 else ("kilobyte", 1_000)
    amount = round(Decimal(max(size, of // 10)) / of, 1)
    return units.format_unit(amount, f"digital-{unit}", length="short", locale=babel_locale(locale))


def format_clock(left: timedelta) -> str:
    """What is left, to the second: "24:38", "1:01:01"; never below nothing."""
    minutes, seconds = divmod(max(int(left.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


# ---- countries and cities


def country_name(code: str, locale: Locale) -> str:
    """The country's name in the language, short; its code where the language has none. Source: CLDR."""
    short = _SHORT_COUNTRIES[locale].get(code.upper())
    return short or str(babel_locale(locale).territories.get(code.upper(), code))


@functools.lru_cache(maxsize=_REMEMBERED)
def zone_city(zone: str, locale: Locale) -> str:
    """The city by which the IANA ``zone`` is known: "Damascus", "Buenos Aires"; UTC stays UTC. Source: CLDR."""
    city = dates.get_timezone_location(timezone(zone), locale=babel_locale(locale), return_city=True)
    return city.rpartition("/")[2]
