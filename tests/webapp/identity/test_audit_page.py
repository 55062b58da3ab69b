"""The audit log in the back office: found, filtered, shown as a difference, exported, erased."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from backend.approvals.types import ValueKind
from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.infra import audit, personal
from backend.infra.i18n import translator
from backend.infra.settings import Settings
from backend.kernel.ids import UserId, new_id
from backend.kernel.text import Locale
from backend.orders.types import RefundTarget
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, buy, goods, number_of, plain
from webapp.identity.screens.audit_facts import FACTS, OF_ACTION

_ROWS = {"HX-Target": "results"}


@pytest.fixture
def root(visitor: MakeVisitor, settings: Settings) -> Visitor:
    """A web view of the root admin."""
    return visitor(settings.root_admin_id, first_name="Ruth")


async def _block(services: Services, root: Visitor, buyer: Visitor, reason: str = "stolen cards") -> Actor:
    actor = await arrive(services, buyer)
    assert (await root.post(f"/admin/people/{actor.id}/block", data={"reason": reason})).status_code == 200
    return actor


async def test_an_entry_says_who_what_on_what_and_from_where(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    omar = await _block(services, root, visitor(42, first_name="Omar"))
    page = await root.get("/admin/audit")
    assert page.status_code == 200
    said = plain(page.text)
    for part in (
        "Blocked a person",
        "Ruth",
        "Person",
        "Omar",
        "Reason",
        "stolen cards",
        "Back office",
        "203.0.113.0/24",
    ):
        assert part in said, part
    assert f'href="/admin/people/{omar.id}"' in page.text
    assert 'href="/admin/audit"' in (await root.get("/admin")).text


async def test_what_changed_is_shown_as_a_difference(services: Services, visitor: MakeVisitor, root: Visitor) -> None:
    chief, helper = await arrive(services, root), await arrive(services, visitor(81, first_name="Vera"))
    await services.identity.admins.set_permissions(chief, helper.id, [Permission.STOCK, Permission.ORDERS])
    text = (await root.get("/admin/audit")).text
    assert re.search(r"Permissions</dt><dd><del><bdi>None</bdi></del> <ins><bdi>Orders, Stock</bdi></ins>", text)


async def test_a_change_of_goods_is_shown_field_by_field_with_its_amounts(services: Services, root: Visitor) -> None:
    async with services.uow() as tx:
        new = {"before": {}, "after": {"slug": "tea", "tags": [], "name": {"en": "Tea", "ar": "شاي"}}}
        await audit.record(tx, None, "catalogue.create_product", f"product:{new_id()}", new)
        pairs = {"changes": {"price_amount": [500, 900], "low_stock_at": [5, 3]}, "currency": "USD"}
        await audit.record(tx, None, "catalogue.change_variant", f"variant:{new_id()}", pairs)
    text = (await root.get("/admin/audit")).text
    shown = re.findall(r"<dt class=\"muted\">([^<]+)</dt><dd>(.*?)</dd>", text)
    values = {name: re.sub(r"<(/?)(del|ins|bdi)>", "", value) for name, value in shown}
    assert values["Address"] == "tea"
    # Each language in a direction of its own, so that the comma stands between them.
    assert values["Name"] == "\u2068العربية: شاي\u2069, \u2068English: Tea\u2069"
    assert values["Price"] == "$5.00 $9.00"
    assert values["Low stock below"] == "5 3"
    assert "tags" not in values and "before" not in values and "changes" not in values and "currency" not in values


async def test_times_and_sums_are_said_as_the_reader_says_them(
    services: Services, visitor: MakeVisitor, root: Visitor, settings: Settings
) -> None:
    chief = await arrive(services, root)
    await services.identity.profile.set_timezone(chief, "Asia/Tokyo")
    facts = {
        "until": "2031-03-04T20:30:00+00:00",
        "starts_on": "2031-03-05",
        "reason": "2031-99-99",
        "basis_points": 1250,
        "price": 1999,
        "currency": "USD",
    }
    async with services.uow() as tx:
        await audit.record(tx, None, "users.blacklist", f"user:{new_id()}", facts)
        await audit.record(tx, None, "stock.import_started", f"stock_import:{new_id()}", {"new": 12})
    text = (await root.get("/admin/audit")).text
    values = dict(re.findall(r"<dt class=\"muted\">([^<]+)</dt><dd><bdi>(.*?)</bdi></dd>", text))
    assert values["Until"] == "5 March 2031, 05:30"
    assert values["Starts"] == "5 Mar 2031"
    assert values["Reason"] == "2031-99-99"
    assert (values["Percentage"], values["Price"], values["New keys"]) == ("12.5%", "$19.99", "12")
    assert "Currency" not in values


@pytest.mark.parametrize(
    ("language", "hues", "cost"),
    [
        ("en", ("Teal", "Red"), "$12.34"),
        ("ar", ("أخضر مزرق", "أحمر"), "12.34"),
        ("ru", ("Бирюзовый", "Красный"), "12,34"),
    ],
)
async def test_choices_and_amounts_are_in_the_readers_language(
    services: Services, root: Visitor, language: str, hues: tuple[str, str], cost: str
) -> None:
    await services.identity.profile.set_language(await arrive(services, root), Locale(language))
    async with services.uow() as tx:
        look = {"before": {"hue": "teal"}, "after": {"hue": "red"}}
        await audit.record(tx, None, "catalogue.change_product", f"product:{new_id()}", look)
        costs = {"source": "Acme", "cost": 1234, "cost_before": None}
        await audit.record(tx, None, "stock.batch_described", f"batch:{new_id()}", costs)
        waiting = {"amount": 70000, "currency": "USD", "kind": ValueKind.UNMATCHED}
        await audit.record(tx, None, "approvals.first", f"unmatched:{new_id()}", waiting)
    text = (await root.get("/admin/audit")).text
    assert f"<del><bdi>{hues[0]}</bdi></del> <ins><bdi>{hues[1]}</bdi></ins>" in text
    assert cost in text and ">1234<" not in text and ">unmatched" not in text


def test_every_fact_of_the_list_has_words_in_every_language() -> None:
    for name, words in {**FACTS, **OF_ACTION}.items():
        for locale in (Locale.AR, Locale.RU):
            assert translator(locale).gettext(words) != words, (name, locale)


async def test_erasing_a_person_leaves_the_row_without_its_words(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    omar = await _block(services, root, visitor(42, first_name="Omar"))
    async with services.uow() as tx:
        await personal.erase(tx, services.ring, omar.id)
    page = await root.get("/admin/audit")
    assert "Blocked a person" in page.text and "stolen cards" not in page.text
    assert "Details erased with the person's data" in plain(page.text)


async def test_filters_are_in_the_address(
    services: Services, visitor: MakeVisitor, root: Visitor, clock: FakeClock
) -> None:
    chief = await arrive(services, root)
    omar = await _block(services, root, visitor(42, first_name="Omar"))
    async with services.uow() as tx:
        await audit.record(tx, None, "settings.change", "setting:quiet_from", {"old": "1", "new": "2"})
    for query, shown, hidden in (
        ("group=people", "Blocked a person", "Changed a setting"),
        ("group=admins", "Changed a setting", "Blocked a person"),
        (f"who={chief.id}", "Blocked a person", "Changed a setting"),
        (f"about={omar.id}", "Blocked a person", "Changed a setting"),
        ("on=setting:quiet_from", "Changed a setting", "Blocked a person"),
    ):
        text = (await root.get(f"/admin/audit?{query}", headers=_ROWS)).text
        assert shown in text and hidden not in text, query
        assert "<main" not in text
    today = clock.now().date()
    day, before = today.isoformat(), (today - timedelta(days=1)).isoformat()
    assert "Changed a setting" in (await root.get(f"/admin/audit?since={day}&until={day}")).text
    assert "No entries found" in (await root.get(f"/admin/audit?until={before}")).text
    # A filter that is no id and no day is passed over; a chip says what is in force and takes it off.
    page = await root.get(f"/admin/audit?since=tomorrow&until=99999-1-1&who={chief.id}")
    assert "Changed a setting" not in page.text and 'href="/admin/audit"' in page.text and "Ruth" in page.text
    sheet = await root.get(f"/admin/audit/filters?group=people&since={day}&who={chief.id}")
    assert f'value="{day}"' in sheet.text and 'name="group" value="people"' in sheet.text
    assert re.search(rf'value="{chief.id}" checked', sheet.text)


async def test_the_search_finds_people_orders_actions_and_ids(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    omar = await _block(services, root, visitor(42, first_name="Omar", username="omar42"))
    buyer = visitor(43, first_name="Lena")
    thing = await goods(services, price=700)
    await arrive(services, buyer, cents=5000)
    number = number_of(await buy(buyer, thing))
    chief = await arrive(services, root)
    await services.orders.refunds.refund(
        chief, number, usd(100), RefundTarget.WALLET, "late", idempotency_key="refund-1"
    )
    for query, shown, hidden in (
        ("Omar", "Blocked a person", "Refunded an order"),
        ("@omar42", "Blocked a person", "Refunded an order"),
        ("block", "Blocked a person", "Refunded an order"),
        (str(omar.id), "Blocked a person", "Refunded an order"),
        (number.lower(), "Refunded an order", "Blocked a person"),
        ("refund", "Refunded an order", "Blocked a person"),
        ("Lena", "Refunded an order", "Blocked a person"),
    ):
        text = (await root.get("/admin/audit", params={"q": query}, headers=_ROWS)).text
        assert shown in text and hidden not in text, query
    numbered = await root.get("/admin/audit", params={"q": number})
    assert f'href="/admin/orders/{number}"' in numbered.text and "$1.00" in numbered.text
    for odd in ("%", "'\"", "\u202e", "9" * 60, "nobody at all", "x" * 200, "user:", ":"):
        assert (await root.get("/admin/audit", params={"q": odd})).status_code == 200, odd


async def test_a_long_log_comes_in_pages_without_a_gap(services: Services, root: Visitor) -> None:
    await arrive(services, root)
    async with services.uow() as tx:
        for number in range(65):
            await audit.record(tx, None, "settings.change", f"setting:number_{number:03}", {"old": "1", "new": "2"})
    seen: list[str] = []
    url = "/admin/audit"
    while url:
        text = (await root.get(url)).text
        seen += re.findall("number_[0-9]{3}", text)
        more = re.search(r'class="more" hx-get="([^"]+)"', text)
        url = more[1].replace("&amp;", "&") if more else ""
    assert seen == [f"number_{number:03}" for number in reversed(range(65))]


async def test_the_file_has_the_same_entries_and_is_recorded(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    await _block(services, root, visitor(42, first_name="Omar"), reason="=cmd()")
    page = await root.get("/admin/audit?group=people")
    url = re.search(r'href="(/admin/audit/souk-audit\.csv[^"]+)"', page.text)
    assert url
    answer = await root.client.get(url[1].replace("&amp;", "&"))
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    header, line, *rest = answer.text.lstrip("\ufeff").splitlines()
    assert header.startswith("Time,Admin,Action")
    assert ",Ruth,Blocked a person,users.blacklist," in line and "=cmd()" in line and rest == []
    assert "Exported the audit log" in (await root.get("/admin/audit")).text


@pytest.mark.parametrize("language", ["ar", "ru"])
async def test_actions_are_in_the_readers_language(
    services: Services, visitor: MakeVisitor, root: Visitor, language: str
) -> None:
    await _block(services, root, visitor(42, first_name="Omar"))
    await services.identity.profile.set_language(await arrive(services, root), Locale(language))
    text = (await root.get("/admin/audit")).text
    for word in ("Blocked a person", ">Audit log", "Reason<", "Back office"):
        assert word not in text, word


async def test_only_those_who_watch_over_admins_read_it(
    services: Services, visitor: MakeVisitor, root: Visitor
) -> None:
    chief, helper = await arrive(services, root), visitor(81)
    other = await arrive(services, helper)
    await services.identity.admins.set_permissions(
        chief, other.id, [one for one in Permission if one != Permission.ADMINS]
    )
    helper.token = None
    assert (await helper.get("/admin/audit")).status_code == 403
    assert UserId(new_id())
