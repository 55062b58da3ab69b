"""Makes the README's picture from a running demo: ``make demo``, then ``python -m tests.browser.readme_shot``.

Four phones side by side, as the simulator shows them: the shop, a product, the receipt, and the shop in Arabic, dark.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import re
from pathlib import Path

import httpx
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.chromium import launch
from tests.browser.screens.screen import still
from tests.browser.telegram import Person, Phone, Telegram

PICTURE = Path(__file__).parent / "screenshots" / "souk.png"
_SHARP = 2
_PAGE = """<!doctype html>
<body style="margin:0;padding:24px 32px;background:#e6e7ee;display:flex;gap:20px;width:max-content">
{phones}</body>"""
_PHONE = '<img src="data:image/png;base64,{data}" style="display:block;height:600px">'
_MOST = 300_000
_RIM = 14  # pixels of the phone's case around its screen
# Only the phone: nothing behind it, and no word of the simulator's in front of it.
_BARE = """(rim) => {
    const phone = document.querySelector("#phone"), { x, y, width, height } = phone.getBoundingClientRect();
    for (let node = phone.parentElement; node; node = node.parentElement) node.style.background = "transparent";
    phone.querySelector(".haptic").style.display = "none";
    const shadows = getComputedStyle(phone).boxShadow.split(/,(?![^(]*\\))/);
    phone.style.boxShadow = shadows.filter((one) => / 0px [-\\d.]+px( inset)?$/.test(one)).join();
    return { x: x - rim, y: y - rim, width: width + 2 * rim, height: height + 2 * rim };
}"""


async def _open(browser: Browser, simulator: str, person: Person, theme: str) -> Phone:
    context = await browser.new_context(
        viewport={"width": 1440, "height": 960}, device_scale_factor=_SHARP, timezone_id="UTC", color_scheme=theme
    )
    phone = Phone(await context.new_page(), simulator, person)
    await phone.open()
    await phone.enter()
    return phone


async def _take(phone: Phone) -> str:
    frame = phone.page.frame(name="mini-app")
    assert frame is not None
    await still(frame)
    await phone.page.mouse.move(0, 0)
    await expect(phone.app.locator(".toast")).to_have_count(0)
    box = await phone.page.evaluate(_BARE, _RIM)
    taken = await phone.page.screenshot(clip=box, omit_background=True)
    return base64.b64encode(taken).decode()


async def _buy(phone: Phone) -> None:
    """From the product to the receipt with the key shown, topping up on the way."""
    sheet = phone.app.locator("dialog#sheet")
    await phone.press_main(re.compile("Buy"))
    await sheet.locator("button.btn--primary").click()
    await phone.press_main(re.compile("Continue"))
    await phone.press_main("Done")
    await phone.press_main(re.compile("Pay"))
    await expect(sheet).to_contain_text("Pay with")
    await sheet.locator(".btn--primary[type=submit]").click()
    await phone.app.locator(".key__code").first.click()
    await expect(phone.app.locator(".key__v").first).to_be_visible()


async def _phones(browser: Browser, app: str, simulator: str) -> list[str]:
    async with httpx.AsyncClient(base_url=simulator, timeout=30) as client:
        telegram = Telegram(client, app)
        english, arabic = await telegram.person("en", started=False), await telegram.person("ar", started=False)
    taken = []
    phone = await _open(browser, simulator, english, "light")
    taken.append(await _take(phone))
    await phone.app.locator('a.card[href="/shop/private-vpn"]').first.click()
    await phone.app.locator(".cell--pick").nth(1).click()
    await expect(phone.main).to_have_text(re.compile("7.20"))
    taken.append(await _take(phone))
    await _buy(phone)
    taken.append(await _take(phone))
    taken.append(await _take(await _open(browser, simulator, arabic, "dark")))
    return taken


async def make(app: str, simulator: str) -> None:
    """Take the phones and put them side by side."""
    expect.set_options(timeout=20_000)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        phones = "".join(_PHONE.format(data=data) for data in await _phones(browser, app, simulator))
        page = await browser.new_page(viewport={"width": 1600, "height": 900})
        await page.set_content(_PAGE.format(phones=phones))
        await page.wait_for_function("[...document.images].every((image) => image.complete)")
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(await page.locator("body").screenshot())
        await browser.close()
    size = PICTURE.stat().st_size
    assert size < _MOST, f"{size} bytes are too many for a README"


def main() -> None:
    """Read where the demo runs, and take its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path(".demo"), help="folder of the running demo")
    lines = (parser.parse_args().state / "env").read_text().splitlines()
    env = {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}
    asyncio.run(make(env["PUBLIC_URL"], env["SIMULATOR_URL"]))


if __name__ == "__main__":
    main()
