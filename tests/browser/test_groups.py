"""A group in the whole shop: linked in the back office, joined, and left by a refund; in two languages."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from backend.identity.types import Actor
from backend.orders.types import RefundTarget
from backend.orders.types.lines import LineQuantity
from tests.browser.conftest import OpenApp
from tests.browser.screens.courses import COURSE
from tests.browser.stack import Stack
from tests.browser.staff import student_and_teacher
from tests.browser.telegram import Telegram
from tests.browser.words import Words

_SECONDS = 40
"""A minute of the sweep is not waited for: jobs do it, within seconds."""
_CENTS = 10_000
_PREMIUM = 2
"""The plan with a group, by its place."""


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
async def test_a_group_is_joined_and_left_by_a_refund(
    language: str, theme: str, open_app: OpenApp, telegram: Telegram, stack: Stack
) -> None:
    _ = Words(language)
    student, teacher = await student_and_teacher(stack, telegram, language)
    title = f"Circle {language}"
    async with httpx.AsyncClient(base_url=f"{stack.simulator}/control", timeout=30) as http:

        async def group() -> Any:
            return next(one for one in (await http.get("/groups")).json() if one["title"] == title)

        async def until(what: Any) -> Any:
            async with asyncio.timeout(_SECONDS):
                while not (value := what(await group())):
                    await asyncio.sleep(0.1)
            return value

        (await http.post("/groups", json={"title": title, "owner": teacher.id})).raise_for_status()
        office = await open_app(teacher, "/admin/groups", theme=theme)
        async with asyncio.timeout(_SECONDS):
            while not await office.locator(".cell", has_text=title).count():
                await asyncio.sleep(0.2)
                await office.reload()
        await office.locator(".cell", has_text=title).click()
        await office.locator(".cell--action", has_text=_("Link a plan")).click()
        # Other tests leave courses behind, and take the places of the plan before this one.
        course = await stack.services.courses.courses.find(Actor.system(), COURSE)
        plans = await stack.services.courses.tariffs.list_of(Actor.system(), course.id)
        plan = plans[_PREMIUM]
        offered = office.locator(f".sheet .cell[hx-get*='{plan.id}']")
        await expect(offered.locator(".badge")).to_have_text(_("Promises groups"))
        await offered.click()
        await office.locator(".sheet button[type=submit]", has_text=_("Link plan")).click()
        await expect(office.locator(".btn", has_text=_("Unlink"))).to_be_visible()

        links = await until(lambda one: one["invite_links"])
        actor = await stack.fund(student.id, _CENTS * 10)
        order = await stack.services.orders.checkout.place(actor, plan.variant_id, 1, f"browser-group-{language}")

        page = await open_app(student, f"/learn/{COURSE}", theme=theme)
        cell = page.locator(".cell", has_text=title)
        link = links[-1]["invite_link"]
        assert await cell.locator("a", has_text=_("Join")).get_attribute("href") == link
        joined = await http.post(f"/personas/{student.id}/join", json={"invite_link": link})
        assert joined.json() == {"result": "requested"}
        await until(lambda one: one["members"].get(str(student.id)) == "member")
        page = await open_app(student, f"/learn/{COURSE}", theme=theme)
        await expect(page.locator(".cell", has_text=title).locator(".badge", has_text=_("Joined"))).to_be_visible()

        everything = [LineQuantity(order.lines[0].id, 1)]
        await stack.services.orders.refunds.refund(
            Actor.system(), order.number, everything, RefundTarget.WALLET, "asked for",
            idempotency_key=f"browser-group-{language}",
        )  # fmt: skip
        await until(lambda one: one["members"].get(str(student.id)) == "left")
        page = await open_app(student, f"/learn/{COURSE}", theme=theme)
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator(".cell", has_text=title)).to_have_count(0)
