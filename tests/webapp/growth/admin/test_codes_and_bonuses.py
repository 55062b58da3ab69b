"""Vouchers and bonus rules in the back office."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.infra.settings import Settings
from tests.factories.wallet import usd
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, plain

SHOWN = re.compile(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}")


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
async def test_vouchers_are_created_shown_once_and_stopped(
    services: Services, visitor: MakeVisitor, settings: Settings, language: str
) -> None:
    root = visitor(settings.root_admin_id, language_code=language)
    await arrive(services, root)
    assert "/admin/vouchers" in (await root.get("/admin/payments")).text
    intent = field(await root.get("/admin/vouchers/new"), "intent")
    form = {"intent": intent, "amount": "5", "kind": "many", "count": "12", "note": "spring"}
    page = await root.post("/admin/vouchers", data=form)
    assert page.status_code == 200, page.text
    assert len(set(SHOWN.findall(page.text))) == 12
    again = await root.post("/admin/vouchers", data=form)
    assert again.status_code == 200
    assert not SHOWN.findall(again.text)
    listed = await root.get("/admin/vouchers")
    assert "spring" in listed.text
    where = re.findall(r'hx-get="(/admin/vouchers/[0-9a-f-]{36})"', listed.text)
    assert len(where) == 1
    assert (await root.get(where[0])).status_code == 200
    stopped = await root.post(f"{where[0]}/stop")
    assert stopped.status_code == 200
    assert "hx-post" not in (await root.get(where[0])).text
    refused = await root.post("/wallet/redeem", data={"code": SHOWN.findall(page.text)[0]})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Enter an amount"), ({"amount": "x"}, "Enter a number"), ({"amount": "5000"}, "The maximum is"),
        ({"amount": "5", "count": "0"}, "Up to 500"), ({"amount": "5", "count": "x"}, "Up to 500"),
        ({"amount": "5", "count": "501", "kind": "many"}, "Up to 500"),
        ({"amount": "5", "count": "100001"}, "Up to 500"), ({"amount": "5", "ends": "2020-01-01"}, "a later day"),
        ({"amount": "5", "ends": "soon"}, "a later day"), ({"amount": "5", "ends": "9999-12-31"}, "a later day"),
        ({"amount": "5", "note": "n" * 150}, "Up to 120"),
    ],
)  # fmt: skip
async def test_vouchers_that_are_refused(
    services: Services, visitor: MakeVisitor, settings: Settings, form: dict[str, str], message: str
) -> None:
    root = visitor(settings.root_admin_id)
    actor = await arrive(services, root)
    answer = await root.post("/admin/vouchers", data={"intent": "k" * 16, **form})
    assert answer.status_code == 422
    assert message in answer.text
    assert await services.growth.vouchers.list_all(actor) == []


async def test_one_admin_of_two_creates_vouchers_up_to_the_limit(
    services: Services, visitor: MakeVisitor, settings: Settings
) -> None:
    root, helper = visitor(settings.root_admin_id), await arrive(services, visitor(82))
    chief = await arrive(services, root)
    await services.identity.admins.set_permissions(chief, helper.id, [Permission.MONEY])
    form = {"intent": "k" * 16, "amount": "5", "kind": "many", "count": "21"}
    refused = await root.post("/admin/vouchers", data=form)
    assert (refused.status_code, "Single-admin limit: $100 in 24 hours" in plain(refused.text)) == (422, True)
    assert (await root.post("/admin/vouchers", data={**form, "count": "20"})).status_code == 200


async def test_a_bonus_is_added_and_stopped(
    services: Services, visitor: MakeVisitor, settings: Settings, clock: FakeClock
) -> None:
    root = visitor(settings.root_admin_id)
    actor = await arrive(services, root)
    assert "No bonuses yet" in (await root.get("/admin/bonuses")).text
    today = clock.now().date()
    form = {
        "amount": "20", "kind": "percent", "value": "12,5", "maximum": "10", "starts": today.isoformat(),
        "ends": (today + timedelta(days=7)).isoformat(), "first_only": "on", "method": "demo",
    }  # fmt: skip
    page = await root.post("/admin/bonuses", data=form)
    assert page.status_code == 200, page.text
    assert "+12.5%" in page.text
    ((rule, _),) = await services.growth.bonuses.rules(actor)
    assert (rule.minimum, rule.basis_points, rule.maximum, rule.first_only, rule.method) == (
        usd(2000), 1250, usd(1000), True, "demo",
    )  # fmt: skip
    assert rule.starts_at is not None
    assert rule.ends_at == rule.starts_at + timedelta(days=8)
    fixed = await root.post("/admin/bonuses", data={"amount": "50", "kind": "fixed", "value": "3"})
    assert "+$3" in fixed.text
    assert fixed.text.count("/stop") == 2
    stopped = await root.post(f"/admin/bonuses/{rule.id}/stop")
    assert stopped.text.count("/stop") == 1
    assert "Stopped" in stopped.text


@pytest.mark.parametrize(
    "form",
    [
        {}, {"amount": "10"}, {"value": "10"}, {"amount": "10", "value": "101"}, {"amount": "10", "value": "0"},
        {"amount": "10", "value": "1.234"}, {"amount": "10", "value": "NaN"}, {"amount": "10", "value": "-5"},
        {"amount": "10", "value": "1e5"}, {"amount": "10", "value": "5", "method": "barter"},
        {"amount": "10", "value": "5", "ends": "x"}, {"amount": "10", "value": "5", "maximum": "x"},
        {"amount": "10", "value": "5", "starts": "2026-11-22", "ends": "2026-11-20"},
        {"amount": "10", "kind": "fixed", "value": "0"},
    ],
)  # fmt: skip
async def test_bonuses_that_are_refused(
    services: Services, visitor: MakeVisitor, settings: Settings, form: dict[str, str]
) -> None:
    root = visitor(settings.root_admin_id)
    actor = await arrive(services, root)
    answer = await root.post("/admin/bonuses", data=form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await services.growth.bonuses.rules(actor) == []


async def test_a_second_admin_approves_a_bonus(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    root, helper = visitor(settings.root_admin_id), visitor(83)
    chief, guest = await arrive(services, root), await arrive(services, helper)
    await services.identity.admins.set_permissions(chief, guest.id, [Permission.MONEY])
    helper.token = None
    form = {"amount": "50", "kind": "fixed", "value": "3"}
    asked = await helper.post("/admin/bonuses", data=form)
    assert "Waiting for a second admin" in asked.text
    assert "/approve" not in asked.text, "not for the admin who asked"
    assert 'href="/admin/bonuses"' in (await root.get("/admin/approvals")).text
    (button,) = re.findall(r'hx-post="(/admin/bonuses/[0-9a-f-]{36}/approve)"', (await root.get("/admin/bonuses")).text)
    assert (await helper.post(button)).status_code == 403
    assert await services.growth.bonuses.rules(chief) == []
    assert "Active" in (await root.post(button)).text
    assert (await root.post(button)).status_code == 404
    # The same form by another admin is a second approval too.
    await helper.post("/admin/bonuses", data=form)
    assert (await root.post("/admin/bonuses", data=form)).text.count("Active") == 2


async def test_only_admins_for_money_come_in(services: Services, visitor: MakeVisitor, settings: Settings) -> None:
    root, helper = visitor(settings.root_admin_id), visitor(82)
    chief, guest = await arrive(services, root), await arrive(services, helper)
    everything_else = [item for item in Permission if item is not Permission.MONEY]
    await services.identity.admins.set_permissions(chief, guest.id, everything_else)
    helper.token = None
    for path in ("/admin/vouchers", "/admin/vouchers/new", "/admin/bonuses", "/admin/bonuses/new"):
        assert (await helper.get(path)).status_code == 403
    for path in ("/admin/vouchers", "/admin/bonuses"):
        assert (await helper.post(path, data={"amount": "5", "value": "5"})).status_code == 403
    async with services.uow.read() as tx:
        count_rows = "SELECT (SELECT count(*) FROM voucher_batches) + (SELECT count(*) FROM bonus_rules)"
        assert (await tx.execute(text(count_rows))).scalar_one() == 0
