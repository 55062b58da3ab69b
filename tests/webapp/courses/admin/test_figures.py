"""A course in figures: bars and tables, money only for who may see it, and files that spreadsheets open."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Permission
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.admin.conftest import Desk
from tests.webapp.sale import arrive, plain

HOSTILE = '=HYPERLINK("http://evil.example","Win")'


def links(page: str, name: str) -> str:
    """The signed address of a file."""
    (address,) = re.findall(rf'href="([^"]*/{name}\.csv[^"]*)"', page)
    return unescape(str(address))


async def rows(visitor: Visitor, address: str) -> list[list[str]]:
    """A file as Python reads it."""
    answer = await visitor.client.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_the_funnel_and_how_students_stand(desk: Desk, student: Visitor, visitor: MakeVisitor) -> None:
    await desk.enrol(student)
    other = visitor(43, first_name="Lina")
    await desk.enrol(other, "premium")
    omar = await arrive(desk.services, student)
    await desk.services.courses.learning.complete(omar, desk.lessons[0])
    page = await desk.page.get(f"{desk.path}/figures")
    said = plain(page.text)
    assert "1. Breathe" in said and "Completion rate" in said and "Active in the last 7 days" in said
    assert "Income" not in said and "Partners" not in said
    lessons = await rows(desk.page, links(page.text, "lessons"))
    assert lessons[1] == ["1", "Breathe", "2", "1", "1", "0", "0", ""]
    assert lessons[2][:4] == ["2", "Walk", "0", "0"] and lessons[2][-1] == "100"
    chosen = await desk.page.get(f"{desk.path}/figures", params={"plan": str(desk.tariffs["premium"].id)})
    assert (await rows(desk.page, links(chosen.text, "lessons")))[1][2:5] == ["1", "0", "0"]
    assert 'aria-current="true"' in chosen.text
    assert (await desk.page.get(f"{desk.path}/figures", params={"run": "x"})).status_code == 400


async def test_hostile_names_are_harmless_in_the_students_file_which_is_audited(
    services: Services, desk: Desk, visitor: MakeVisitor
) -> None:
    await desk.enrol(visitor(42, first_name=HOSTILE, username="omar_x"))
    await desk.enrol(visitor(43, first_name='ليلى, "قيس"'), "premium")
    page = await desk.page.get(f"{desk.path}/students")
    listed = await rows(desk.page, links(page.text, "students"))
    assert listed[0][:3] == ["Name", "Username", "Plan"]
    assert [row[0] for row in listed[1:]] == ['ليلى, "قيس"', f"'{HOSTILE}"]
    assert listed[2][1] == "omar_x" and {row[-1] for row in listed[1:]} == {"Learning"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", listed[1][4])
    filtered = await desk.page.get(f"{desk.path}/students", params={"plan": str(desk.tariffs["premium"].id)})
    assert len(await rows(desk.page, links(filtered.text, "students"))) == 2
    async with services.uow.read() as tx:
        audited = text("SELECT count(*) FROM audit_entries WHERE action = 'courses.export_students'")
        assert (await tx.execute(audited)).scalar_one() == 2


async def test_income_is_for_who_may_see_money(
    desk: Desk, visitor: MakeVisitor, make_admin: MakeAdmin, services: Services
) -> None:
    buyer = await arrive(services, visitor(46, first_name="Sara"), cents=50_000)
    await services.orders.checkout.place(buyer, desk.tariffs["premium"].variant_id, 1, "tap-0000001")
    await desk.enrol(visitor(47))
    treasurer = await make_admin(82, Permission.TEACHING, Permission.MONEY)
    page = await treasurer.get(f"{desk.path}/figures")
    assert "$90.00" in plain(page.text) and "Partners have brought nobody yet" in plain(page.text)
    income = await rows(treasurer, links(page.text, "income"))
    assert sorted(income[1:]) == [["Basic", "0", "1", "0.00", "USD"], ["Premium", "1", "0", "90.00", "USD"]]
    assert await rows(treasurer, links(page.text, "partners")) == [
        ["Partner", "Code", "Enrolments", "Amount", "Currency"]
    ]


@pytest.mark.parametrize("name", ["figures/lessons", "figures/income", "figures/partners", "students"])
async def test_no_file_without_a_signed_address(desk: Desk, visitor: MakeVisitor, name: str) -> None:
    for one in (desk.page, visitor(50)):
        assert (await one.client.get(f"{desk.path}/{name}.csv")).status_code in {401, 403}
    assert (await visitor(50).get(f"{desk.path}/figures")).status_code == 403


async def test_who_was_an_admin_downloads_nothing_more(services: Services, desk: Desk) -> None:
    page = await desk.page.get(f"{desk.path}/students")
    address = links(page.text, "students")
    async with services.uow() as tx:
        await tx.execute(text("UPDATE users SET permissions = '{}', role_version = role_version + 1"))
    assert (await desk.page.client.get(address)).status_code in {401, 403}
