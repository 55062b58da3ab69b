"""The page and its guards, refusals to start, and the Mini App's bridge in a real Chromium."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, WebAppInfo
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from backend.infra.embedded import free_port
from bot.simulator import ConfigError, SimulatorConfig, config_from_env, create_app
from tests.bot.simulator.conftest import ARABIC, BUYER, TOKEN, Simulator, running
from tests.browser.chromium import launch

MINI_APP = """<!doctype html><html><head><meta charset="utf-8">
<script src="{simulator}/telegram-web-app.js"></script></head>
<body><h1></h1><pre></pre><script>
const W = Telegram.WebApp, log = (...a) => {{ document.querySelector("pre").textContent += a.join(" ") + "\\n"; }};
document.querySelector("h1").textContent = W.initDataUnsafe.user.first_name;
W.ready();
W.MainButton.setText("Buy").show().onClick(() => W.openInvoice("{invoice}", (status) => log("invoice", status)));
W.BackButton.show().onClick(() => {{ log("back"); W.BackButton.hide();
  W.showConfirm("Sure?", (yes) => log("confirm", yes)); }});
W.SettingsButton.show().onClick(() => {{ log("settings"); W.HapticFeedback.impactOccurred("heavy"); }});
W.onEvent("themeChanged", () => log(W.colorScheme));
log(getComputedStyle(document.documentElement).getPropertyValue("--tg-theme-bg-color"));
</script></body></html>"""


def environment(**changes: str) -> dict[str, str]:
    return {"BOT_TOKEN": TOKEN, **changes}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"SOUK_ENV": "production"}, "refuses to start with SOUK_ENV=production"),
        ({"SIMULATOR_HOST": "0.0.0.0"}, "loopback only"),
        ({"SIMULATOR_HOST": "192.168.1.5"}, "loopback only"),
        ({"BOT_TOKEN": "nonsense"}, "BOT_TOKEN must look like"),
        ({"BOT_TOKEN": ""}, "BOT_TOKEN is missing"),
        ({"PUBLIC_URL": "ftp://x"}, "PUBLIC_URL"),
        ({"SIMULATOR_PORT": "http"}, "not a number"),
        ({"SIMULATOR_ED25519_SEED": "abcd"}, "64 hexadecimal digits"),
    ],
)
def test_refused_configurations(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        config_from_env(environment(**changes))


def test_the_application_refuses_too() -> None:
    with pytest.raises(ConfigError):
        create_app(SimulatorConfig(bot_token=TOKEN, environment="production"))
    with pytest.raises(ConfigError):
        create_app(SimulatorConfig(bot_token=TOKEN, host="0.0.0.0"))


@pytest.mark.long("starts a process")
def test_production_is_one_line_and_an_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.simulator"],
        env={**os.environ, **environment(SOUK_ENV="production")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("simulator: refuses to start")


async def test_page_is_strict_and_frames_only_the_mini_app(simulator: Simulator) -> None:
    page = await simulator.http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-src http://127.0.0.1:8000 http://localhost:8000" in policy
    assert "<script>" not in page.text
    assert "style=" not in page.text
    script = await simulator.http.get("/telegram-web-app.js")
    assert script.headers["access-control-allow-origin"] == "*"
    cached = await simulator.http.get("/telegram-web-app.js", headers={"If-None-Match": script.headers["etag"]})
    assert cached.status_code == 304


async def test_foreign_hosts_and_origins_are_refused(simulator: Simulator) -> None:
    rebound = await simulator.http.get("/control/info", headers={"Host": "evil.example"})
    assert rebound.status_code == 421
    forged = await simulator.http.post(
        f"/control/personas/{BUYER}/send", json={"text": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert forged.status_code == 403


async def test_no_static_file_is_long() -> None:
    folder = Path(__file__).parents[3] / "bot" / "simulator"
    long = [path.name for path in folder.rglob("*") if path.suffix in {".py", ".js", ".css"}
            and len(path.read_text().splitlines()) >= 400]  # fmt: skip
    assert long == []


@asynccontextmanager
async def mini_app(html: dict[str, str]) -> AsyncIterator[str]:
    """Serve a Mini App on loopback."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(text=html["page"], content_type="text/html")

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, once for this module."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh page; errors in its console fail the test."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda entry: errors.append(entry.text) if entry.type == "error" else None)
    yield page
    await context.close()
    assert errors == []


@pytest.mark.long("starts Chromium")
async def test_mini_app_in_the_phone(page: Page) -> None:
    html = {"page": ""}
    async with mini_app(html) as address, running(public_url=address) as simulator:
        bot = simulator.bot
        await simulator.post(f"/personas/{BUYER}/send", text="/start")
        link = await bot.create_invoice_link("Key", "A key", "p", "XTR", [LabeledPrice(label="k", amount=250)])
        html["page"] = MINI_APP.format(simulator=simulator.url, invoice=link)
        markup = InlineKeyboardMarkup(
            inline_keyboard=[[InlineKeyboardButton(text="Open", web_app=WebAppInfo(url=address))]]
        )
        await bot.send_message(BUYER, "Hello <tg-spoiler>secret</tg-spoiler>", parse_mode="HTML", reply_markup=markup)
        await simulator.updates()

        await page.goto(f"{simulator.url}/?as={BUYER}")
        await page.get_by_role("button", name="Open", exact=True).first.click()
        frame = page.frame_locator("iframe")
        log = frame.locator("pre")
        await expect(frame.locator("h1")).to_have_text("Emma")
        await expect(log).to_contain_text("#ffffff")
        await page.click("#phone-left")
        await expect(log).to_contain_text("back")
        await page.click(".alert [data-button=ok]")
        await expect(log).to_contain_text("confirm true")
        await page.click("#phone-menu")
        await page.get_by_role("menuitem", name="Settings").click()
        await expect(log).to_contain_text("settings")
        await expect(page.locator("#phone")).to_have_attribute("data-haptic", "impact · heavy")
        await page.click("#theme")
        await expect(log).to_contain_text("dark")
        await page.click("#main-button")
        await page.click("#invoice-pay")
        query = (await simulator.updates())[-1].pre_checkout_query
        await bot.answer_pre_checkout_query(query.id, True)
        await expect(log).to_contain_text("invoice paid")
        await expect(page.locator(".service")).to_contain_text("You paid ⭐ 250")
        await page.goto("about:blank")  # or it would complain of the simulator's end


async def test_start_in_arabic(page: Page) -> None:
    async with running() as simulator:
        await page.goto(f"{simulator.url}/?as={ARABIC}")
        await expect(page.locator("#chat")).to_have_attribute("dir", "rtl")
        await page.get_by_role("button", name="ابدأ").click()
        update = (await simulator.updates())[-1]
        assert (update.message.text, update.message.from_user.language_code) == ("/start", "ar")
        await simulator.bot.send_message(ARABIC, "<b>أهلًا</b>", parse_mode="HTML")
        await expect(page.locator(".bubble b")).to_have_text("أهلًا")
        await page.goto("about:blank")


@pytest.mark.long("starts Chromium")
async def test_a_person_asks_to_join_and_leaves_a_group_and_adds_the_bot_to_another(
    simulator: Simulator, page: Page
) -> None:
    group = (await simulator.post("/groups", title="Circle"))["id"]
    await simulator.bot.create_chat_invite_link(group, creates_join_request=True)
    await page.goto(f"{simulator.url}/?as={BUYER}")
    groups = page.get_by_role("button", name="Groups")
    await groups.click()
    await page.get_by_role("menuitem", name="Ask to join Circle").click()
    await expect(page.locator(".toast", has_text="You asked to join Circle")).to_be_visible()
    await simulator.bot.approve_chat_join_request(group, BUYER)
    await groups.click()
    await page.get_by_role("menuitem", name="Leave Circle").click()
    await expect(page.locator(".toast", has_text="You left Circle")).to_be_visible()
    await groups.click()
    await page.get_by_role("menuitem", name="New group with the bot").click()
    await page.locator(".dialog input").fill("Second")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator(".toast", has_text="The bot is in Second")).to_be_visible()
    titles = {one["title"]: one["members"] for one in (await simulator.http.get("/control/groups")).json()}
    assert titles["Second"] == {str(BUYER): "creator"}
