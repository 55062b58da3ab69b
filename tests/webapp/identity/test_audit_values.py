"""The values of the audit trail's facts: choices by their titles, amounts as money, what is unknown as it is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

import pytest

from backend.approvals.types import ValueKind
from backend.assignments.types import Verdict
from backend.audience.types import Bought, PeopleAction
from backend.catalog.types import HUES, ICONS, ChoiceKind, StockKind
from backend.catalog.types.stock_changes import ExportFormat
from backend.courses.types.schedule import Verb
from backend.identity.types import Permission
from backend.infra.i18n import translator
from backend.kernel.ids import new_id
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.orders.types import NotAppliedReason, OrderStatus, RefundTarget
from backend.orders.types.bulk import BulkAction
from backend.orders.types.subscriptions import ChargeRefusal
from backend.payments.types import IntentStatus
from backend.readings.types.rooms import Period
from backend.support.types import TicketState
from tests.webapp.sale import plain
from webapp.core.choices import CHOICES
from webapp.core.rendering import Viewer
from webapp.identity.screens.audit_values import SAYS, Choice, Entry, fact_value, untitled

_NOW = datetime(2031, 3, 4, 12, tzinfo=UTC)
_MEMBERS: dict[str, type[StrEnum]] = {
    "approvals:kind": ValueKind,
    "bought": Bought,
    "catalogue:kind": StockKind,
    "choice": ChoiceKind,
    "format": ExportFormat,
    "language": Locale,
    "orders:action": BulkAction,
    "orders:status": OrderStatus,
    "payments:status": IntentStatus,
    "period": Period,
    "permissions": Permission,
    "target": RefundTarget,
    "tickets:state": TicketState,
    "users:action": PeopleAction,
    "verdict": Verdict,
}
"""Everything that may be stored of a choice."""


def _entry(action: str, locale: Locale = Locale.EN, subject: str = "", **facts: Any) -> Entry:
    return Entry(action, subject, facts, "USD", Viewer(translator(locale), _NOW))


def _shown(action: str, name: str, value: Any, locale: Locale = Locale.EN, **more: Any) -> str:
    return plain(fact_value(name, value, _entry(action, locale, **{name: value, **more})))


@pytest.mark.parametrize(
    ("action", "name", "value", "titles"),
    [
        ("catalogue.change_product", "hue", "teal", ("Teal", "أخضر مزرق", "Бирюзовый")),
        ("tickets.close", "state", "closed", ("Ticket closed", "أُغلقت التذكرة", "Обращение закрыто")),
        ("orders.refund", "target", "wallet", ("Their balance", "رصيد العميل", "Баланс покупателя")),
        ("orders.export", "status", "delivered", ("Delivered", "تم التسليم", "Доставлен")),
        ("payments.export", "method", "deposit", ("Bank transfer", "تحويل بنكي", "Банковский перевод")),
        ("orders.export", "method", "balance", ("Balance", "الرصيد", "Баланс")),
        ("catalogue.change_product", "country", "TR", ("Türkiye", "تركيا", "Турция")),
        ("admins.invite", "permissions", ["orders", "stock"], ("Orders, Stock", "الطلبات، المخزون", "Заказы, Склад")),
        ("approvals.first", "kind", "promo", ("Promo code", "كود الخصم", "Промокод")),
        ("approvals.first", "way", "debit", ("Deduct from balance", "خصم من الرصيد", "Списать")),
        ("catalogue.create_product", "kind", "file", ("A file to download", "ملف للتنزيل", "Файл для скачивания")),
        ("access.refused", "code", "forbidden", ("You don't have access", "ليس لديك صلاحية", "Нет доступа")),
        ("stock.batch_described", "cost", 1234, ("$12.34", "\u206612.34 US$\u2069", "12,34 $")),
    ],
)
def test_a_value_is_said_in_the_readers_language(action: str, name: str, value: Any, titles: tuple[str, ...]) -> None:
    assert tuple(_shown(action, name, value, locale) for locale in Locale) == titles


def test_amounts_are_money_of_the_entrys_currency_or_the_shops() -> None:
    assert _shown("stock.batch_described", "cost", 5) == "$0.05"
    assert _shown("catalogue.change_variant", "price_amount", 1999, currency="EUR") == "€19.99"
    assert _shown("promos.make", "amount", 500, currency="JPY") == "¥500"
    assert _shown("bonuses.add_rule", "minimum", 2050) == "$20.50"
    assert _shown("wallet.adjust", "amount", -250) == "−$2.50"
    assert _shown("users.export", "over", 100) == "$1.00"
    assert _shown("catalogue.change_variant", "quantity_prices", [[10, 450], [50, 400]]) == "10: $4.50, 50: $4.00"
    assert _shown("approvals.first", "received", "12500000", asset="USDT", currency="USD") == "12.50 USDT"
    assert _shown("orders.export", "least", {"amount": 700, "currency": "EUR"}) == "€7.00"


def test_numbers_that_are_no_money_stay_numbers() -> None:
    for action, name in (
        ("catalogue.order_products", "place"),
        ("readings.give_credits", "credits"),
        ("stock.exported", "keys"),
        ("bonuses.add_rule", "maximum"),
        ("catalogue.change_variant", "low_stock_at"),
    ):
        assert _shown(action, name, 250) == "250", name
    # One name with two meanings: a balance, and the admin who had the work before.
    assert _shown("orders.take_work", "over", "Vera") == "Vera"


def test_what_a_setting_was_is_said_by_its_unit() -> None:
    limit = _entry("settings.change", subject="setting:ADJUSTMENT_LIMIT")
    assert (fact_value("old", "100", limit), fact_value("new", "0", limit)) == ("$100.00", "0")
    switch = _entry("settings.change", subject="setting:READING_FREE_CARD")
    assert (fact_value("old", "0", switch), fact_value("new", "1", switch)) == ("Off", "On")
    assert fact_value("new", "15", _entry("settings.change", subject="setting:NO_MORE")) == "15"


def test_facts_within_a_fact_have_their_names() -> None:
    change = {"verb": "pause", "minutes": 0, "until": None, "undo": str(new_id())}
    assert _shown("courses.schedule_changed", "change", change) == "Action: Pause, Minutes: 0"
    assert _shown("courses.schedule_changed", "change", change, Locale.RU).startswith("Действие: Приостановить")


def test_what_older_versions_stored_is_shown_as_it_is() -> None:
    assert _shown("catalogue.change_product", "hue", "mauve") == "mauve"
    assert _shown("orders.export", "status", "waiting") == "waiting"
    assert _shown("orders.keep_payment", "why", "gone") == "gone"
    assert _shown("orders.export", "least", "Money(amount=1, currency='USD')") == "Money(amount=1, currency='USD')"
    assert _shown("stock.batch_described", "cost", 2**70) == str(2**70)
    odd = (None, "", "mauve", "-", True, -1, 3.5, 2**70, [], [1, "x"], [None], {}, {"a": 1}, {"amount": 1}, "9" * 400)
    for name in SAYS:
        area, _, own = name.rpartition(":")
        for value in odd:
            assert fact_value(own, value, _entry(f"{area or 'orders'}.old", currency=value, asset=value)), (name, value)


@pytest.mark.parametrize("key", _MEMBERS)
def test_every_value_of_a_choice_has_a_title(key: str) -> None:
    say = SAYS[key]
    assert isinstance(say, Choice)
    assert [one for one in _MEMBERS[key] if not say.knows(one)] == []


def test_hues_and_icons_have_titles() -> None:
    assert set(CHOICES["hue"]) == set(HUES) and set(CHOICES["icon"]) == set(ICONS)
    assert set(Verb) - set(CHOICES["schedule_verb"]) == {Verb.REPLAN}
    for reason in (NotAppliedReason.BLOCKED, ChargeRefusal.BLOCKED):
        assert _shown("orders.keep_payment", "why", reason) == "Blocked"


def test_titles_are_translated() -> None:
    for name, titles in CHOICES.items():
        for title in titles.values():
            for locale in (Locale.AR, Locale.RU):
                assert translator(locale).say(title) != title or title == "JSON lines", (name, title)


def test_a_choice_without_a_title_is_found_where_it_is_recorded() -> None:
    class Mood(Enum):
        GOOD = "good"

    assert list(untitled("orders.refund", {"target": RefundTarget.WALLET, "amount": 5, "reason": "late"})) == []
    assert list(untitled("orders.refund", {"target": "moon"})) == ["target=moon"]
    assert list(untitled("orders.refund", {"mood": Mood.GOOD})) == ["mood=Mood.GOOD"]
    nested = {"after": {"hue": ("teal", "mauve")}, "changes": {"kind": (StockKind.FILE, OrderStatus.PAID)}}
    assert list(untitled("catalogue.change_product", nested)) == ["hue=mauve", "kind=paid"]
    assert list(untitled("orders.export", {"least": Money(1, "USD"), "status": None, "target": ""})) == []
