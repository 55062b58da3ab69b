"""Words, numbers, money and times as a reader sees them; pages in every language."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from backend.infra.i18n import translator
from backend.kernel.money import Money
from backend.kernel.text import Locale
from webapp.catalog.screens import Country, ProductCard, Shelf, ShopHome
from webapp.catalog.screens.product import BuyView, ProductPage, QuantityView, VariantRow
from webapp.core.assets import build_assets
from webapp.core.error_page import ErrorPage
from webapp.core.parts import Chip, Chrome, StockView, Tab, TileView
from webapp.core.rendering import LOCAL_PAGES, TEMPLATES_DIR, Templates, Viewer, reading
from webapp.wallet.screens.wallet import HistoryDay, HistoryRow, WalletPage

NOW = datetime(2026, 11, 21, 14, 33, tzinfo=UTC)
CHROME = Chrome(tabs=(Tab("shop", "/shop"), Tab("me", "/me")), active="shop")


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(build_assets())


def reader(locale: str = "en", timezone: str = "UTC") -> Viewer:
    return Viewer(translator(Locale(locale)), NOW, ZoneInfo(timezone))


def plain(templates: Templates, source: str, viewer: Viewer, **context: Any) -> str:
    """A line of template as a reader sees it, with no-break spaces as spaces."""
    with reading(viewer):
        return templates.environment.from_string(source).render(**context).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("locale", "value", "expected"),
    [
        ("en", Money(1440, "USD"), "$14.40"),
        ("en", Money(-1440, "USD"), "−$14.40"),
        ("en", Money(128_400_00, "USD"), "$128,400.00"),
        ("en", Money(1500, "JPY"), "¥1,500"),
        ("en", Money(12_345, "KWD"), "12.345 KWD"),
        ("en", Money(1108, "XTR"), "1,108 Stars"),
        ("en", Money(1, "XTR"), "1 Star"),
        ("en", Money(25_040_000, "USDT"), "25.04 USDT"),
        ("en", Money(25_040_100, "USDT"), "25.0401 USDT"),
        ("ru", Money(144_040, "USD"), "1 440,40 $"),
        ("ru", Money(500, "RUB"), "5,00 ₽"),
        ("ar", Money(1440, "USD"), '<bdi dir="ltr">14.40 US$</bdi>'),
        ("ar", Money(-123_456, "USD"), '<bdi dir="ltr">−1,234.56 US$</bdi>'),
    ],
)
def test_money(templates: Templates, locale: str, value: Money, expected: str) -> None:
    assert plain(templates, "{{ value|money }}", reader(locale), value=value) == expected


def test_money_in_other_clothes(templates: Templates) -> None:
    ten = Money(1000, "USD")
    assert plain(templates, "{{ m|money(sign=true) }}", reader(), m=ten) == "+$10.00"
    assert plain(templates, "{{ m|money(trim=true) }}", reader(), m=ten) == "$10"
    assert plain(templates, "{{ m|money(trim=true) }}", reader(), m=Money(1050, "USD")) == "$10.50"
    assert plain(templates, "{{ m|money(sign=true) }}", reader(), m=Money(0, "USD")) == "$0.00"
    parts = "{% set p = m|money_parts %}{{ p.before }}[{{ p.whole }}]{{ p.fraction }}{{ p.after }}"
    assert plain(templates, parts, reader(), m=Money(2380, "USD")) == "$[23].80"
    assert plain(templates, parts, reader("ru"), m=Money(2380, "USD")) == "[23],80 $"
    assert plain(templates, parts, reader("ar"), m=Money(2380, "USD")) == "[23].80 US$"


@pytest.mark.parametrize(
    ("locale", "source", "expected"),
    [
        ("en", "{{ 1234567|number }}", "1,234,567"),
        ("ru", "{{ 1234567|number }}", "1 234 567"),
        ("ar", "{{ 1234567|number }}", "1,234,567"),
        ("ar", "{{ (-6)|signed }}", "−6"),
        ("en", "{{ 11|signed }}", "+11"),
        ("en", "{{ 18|percent(sign=true) }}", "+18%"),
        ("ar", "{{ 18|percent }}", "18%"),
        ("en", "{{ now()|time }}", "14:33"),
        ("ar", "{{ now()|time }}", "14:33"),
        ("en", "{{ now()|weekday }}", "Saturday, 21 November"),
        ("ru", "{{ now()|weekday }}", "суббота, 21 ноября"),
        ("en", "{{ now()|day }}", "Today"),
        ("ru", "{{ now()|day }}", "Сегодня"),
        ("ar", "{{ now()|day }}", "اليوم"),
        ("en", "{{ 40|duration }}", "40 sec"),
        ("en", "{{ 720|duration }}", "12 min"),
        ("ru", "{{ 720|duration }}", "12 мин"),
        ("en", "{{ 'tr'|flag }}", "🇹🇷"),
        ("en", "{{ 'AE'|country_name }}", "Emirates"),
        ("ru", "{{ 'TR'|country_name }}", "Турция"),
        ("ar", "{{ 'SA'|country_name }}", "السعودية"),
        ("en", "{{ 'XX'|country_name }}", "XX"),
    ],
)
def test_words_and_numbers(templates: Templates, locale: str, source: str, expected: str) -> None:
    assert plain(templates, source, reader(locale)) == expected


def test_days_belong_to_the_timezone_of_the_reader(templates: Templates) -> None:
    late = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    assert plain(templates, "{{ at|day }} {{ at|time }}", reader(), at=late) == "Today 22:30"
    amman = reader(timezone="Asia/Amman")
    assert plain(templates, "{{ at|day }} {{ at|time }}", amman, at=late) == "22 November 01:30"
    assert plain(templates, "{{ d|day }}", reader(), d=date(2026, 11, 20)) == "Yesterday"
    assert plain(templates, "{{ d|day }}", reader(), d=date(2025, 11, 20)) == "20 November 2025"
    assert plain(templates, "{{ at|moment }}", reader(), at=NOW - timedelta(days=1)) == "Yesterday, 14:33"
    assert plain(templates, "{{ at|moment }}", reader(), at=NOW) == "14:33"
    assert plain(templates, "{{ d|month }}", reader("ru"), d=date(2026, 11, 1)) == "ноябрь"


@pytest.mark.parametrize(
    ("left", "expected"), [(1478, "24:38"), (59, "0:59"), (3661, "1:01:01"), (0, "0:00"), (-5, "0:00")]
)
def test_the_clock_counts_what_is_left(templates: Templates, left: int, expected: str) -> None:
    until = NOW + timedelta(seconds=left)
    assert plain(templates, "{{ until|clock }}", reader(), until=until) == expected


def test_what_was_searched_for_is_marked_and_escaped(templates: Templates) -> None:
    assert plain(templates, "{{ t|mark(q) }}", reader(), t="S-4K8B1", q="4k") == "S-<mark>4K</mark>8B1"
    assert plain(templates, "{{ t|mark(q) }}", reader(), t="<b>x</b>", q="x") == ("&lt;b&gt;<mark>x</mark>&lt;/b&gt;")
    assert plain(templates, "{{ t|mark(q) }}", reader(), t="<b>", q="") == "&lt;b&gt;"


def tile() -> TileView:
    return TileView("V", "indigo", "shield", anywhere=True)


def shop_home() -> ShopHome:
    card = ProductCard("vpn", "<b>VPN</b>", "5 devices", tile(), Money(299, "USD"), StockView(3, low=True))
    return ShopHome(
        categories=(Chip("/shop", active=True, key="all"),),
        countries=(Country(None, "/shop", active=True), Country("TR", "/shop?country=TR")),
        shelves=(Shelf("fresh", (card,) * 8, "/shop?sort=new"),),
    )


def product(state: Any = "buy") -> ProductPage:
    variants = (
        VariantRow("1", "1 month", Money(299, "USD")),
        VariantRow("2", "3 months", Money(720, "USD"), selected=True),
    )
    buy = BuyView("vpn", "2", QuantityView(2, 1, 5, per_person=5), Money(1440, "USD"), state=state)
    description = Markup("<p>Safe</p>")
    return ProductPage("VPN", tile(), StockView(12), variants, buy, description=description)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "Expired/Expired"),
        ("ar", "انتهت المهلة/منتهي الصلاحية"),
        ("ru", "Срок истёк/Истёк"),
    ],
)
def test_a_word_has_a_translation_for_each_thing_that_it_speaks_of(
    templates: Templates, locale: str, expected: str
) -> None:
    assert plain(templates, '{{ _("Expired") }}/{{ pgettext("code", "Expired") }}', reader(locale)) == expected


@pytest.mark.parametrize("locale", ["en", "ar", "ru"])
def test_a_page_names_its_language_direction_and_orientation(templates: Templates, locale: str) -> None:
    chrome = Chrome(tabs=CHROME.tabs, active="shop", back="/shop")
    page = templates.render("catalog/product.html", reader(locale), page=product(), chrome=chrome)
    direction = "rtl" if locale == "ar" else "ltr"
    assert f'lang="{locale}" dir="{direction}"' in page
    assert 'data-back="/shop"' in page
    assert page.count("<h1") == 1
    assert page.count("data-main") == 1


def test_a_page_is_escaped_and_light(templates: Templates) -> None:
    page = templates.render("catalog/home.html", reader(), page=shop_home(), chrome=CHROME)
    assert "<b>VPN</b>" not in page
    assert "&lt;b&gt;VPN" in page
    assert "3 left" in page
    assert 'aria-current="page"' in page
    assert len(gzip.compress(page.encode(), 9)) < 6_000


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("buy", "Buy · $14.40"),
        ("sold_out", "Notify me"),
        ("premium_only", "For premium members"),
    ],
)
def test_the_button_of_a_product_says_what_can_be_done(templates: Templates, state: str, word: str) -> None:
    page = templates.render("catalog/product.html", reader(), page=product(state), chrome=CHROME)
    assert word in re.sub(r"<[^>]+>", "", page)


def test_the_answer_to_a_choice_lands_out_of_band(templates: Templates) -> None:
    answer = templates.render("catalog/_buy_answer.html", reader(), page=product().buy, chrome=None)
    assert answer.count("hx-swap-oob=") == 3
    assert 'id="quantity"' in answer
    assert 'id="beside"' in answer
    assert 'id="bottom" hx-swap-oob="outerHTML:body:has(#buy) #bottom"' in answer  # not on the page after it


def test_history_shows_gains_with_a_plus_and_links_orders(templates: Templates) -> None:
    rows = (
        HistoryRow("purchase", "Purchase", Money(-1440, "USD"), NOW, "VPN", order_number="S-4K7Q2M"),
        HistoryRow("top_up", "Top-up", Money(2000, "USD"), NOW),
    )
    view = WalletPage(Money(2380, "USD"), (HistoryDay(NOW.date(), Money(560, "USD"), rows),))
    page = templates.render("wallet/home.html", reader(), page=view, chrome=CHROME)
    assert "−$14.40" in page
    assert "+$20.00" in page
    assert 'href="/orders/S-4K7Q2M"' in page


@pytest.mark.parametrize("path", sorted((TEMPLATES_DIR / "errors").glob("[a-z]*.html")), ids=lambda path: path.stem)
def test_every_error_page_names_its_code_and_its_short_form(templates: Templates, path: Any) -> None:
    page = ErrorPage("some_code", wait_seconds=40, bot_url="https://t.me/x")
    html = templates.render(f"errors/{path.name}", reader(), page=page, chrome=None)
    assert 'data-code="some_code"' in html
    assert re.search(r'data-toast="[^"]+"', html)


def test_the_shell_is_the_same_twice_and_speaks_all_languages(templates: Templates) -> None:
    words = [translator(locale) for locale in Locale]
    shells = [
        templates.shell(words, NOW + timedelta(days=n), telegram_script_url="https://telegram.org/x.js", bot_url="")
        for n in range(2)
    ]
    assert shells[0] == shells[1]
    shell = shells[0].decode()
    assert '<script async src="https://telegram.org/x.js"></script>' in shell
    for locale in Locale:
        assert f'<template id="t-words-{locale}"' in shell
        assert all(f'<template id="t-{name}-{locale}">' in shell for name in LOCAL_PAGES)


def test_the_shell_leads_to_the_bot_where_its_address_is_known(templates: Templates) -> None:
    words = [translator(locale) for locale in Locale]
    links = [
        templates.shell(words, NOW, telegram_script_url="", bot_url=url)
        .decode()
        .count('href="https://t.me/my_shop_bot"')
        for url in ("https://t.me/my_shop_bot", "")
    ]
    assert links == [2 * len(Locale), 0]  # outside Telegram, and where the session has expired


def test_plurals_of_arabic_and_russian(templates: Templates) -> None:
    source = '{{ ngettext("%(orders)s order", "%(orders)s orders", n, orders=n|number) }}'
    arabic = [plain(templates, source, reader("ar"), n=n) for n in (1, 2, 3, 11, 100)]
    assert arabic == ["طلب واحد", "طلبان", "3 طلبات", "11 طلبًا", "100 طلب"]
    russian = [plain(templates, source, reader("ru"), n=n) for n in (1, 2, 5, 11, 21)]
    assert russian == ["1 заказ", "2 заказа", "5 заказов", "11 заказов", "21 заказ"]
