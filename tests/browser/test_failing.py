"""What can go wrong between a tap and its answer: nothing is charged, and the page says what happened."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from urllib.parse import quote

from playwright.async_api import Dialog, Page, Route, expect

from backend.identity.types import Actor
from tests.browser.conftest import PHONE, OpenApp, OpenPhone, Windows
from tests.browser.stack import Stack
from tests.browser.telegram import Telegram
from tests.browser.words import Words
from tests.factories.shop import Goods, add_goods, buyers
from tests.fakes.clock import FakeClock
from webapp.core.session import SessionTokens

MAIN = "#bottom [data-main]"


async def _goods(stack: Stack, keys: int = 1) -> Goods:
    async with stack.services.uow() as tx:
        return await add_goods(tx, stack.services.ring, keys=keys)


async def _bought_by_another(stack: Stack, goods: Goods) -> None:
    (other,) = await buyers(stack.services.uow, 1, 100_000)
    await stack.services.orders.checkout.place(other, goods.variant_id, 1, f"other-{goods.slug}")


async def _code(page: Page, code: str) -> None:
    await expect(page.locator(f'#app > .screen[data-code="{code}"]')).to_be_visible()


async def test_an_unknown_slug_is_a_page_inside_the_app(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person(), "/shop/never-was")
    await expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    await expect(page.locator(".tabs")).to_be_visible()
    await page.get_by_role("link", name="Go to shop").click()
    await page.wait_for_url("**/shop")
    await expect(page.locator("a.card").first).to_be_visible()


async def test_another_persons_order_is_not_here(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    owner, stranger = await telegram.person(), await telegram.person()
    await telegram.visit(owner)
    await stack.fund(owner.id, 1_000)
    number = await stack.buy(owner.id, "play-credit-tr")
    page = await open_app(stranger, f"/orders/{number}")
    await _code(page, "not_found")
    assert "DEMO-" not in await page.content()


async def test_sold_out_between_the_sheet_and_the_tap(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    goods, person = await _goods(stack), await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 5_000)
    page = await open_app(person, f"/shop/{goods.slug}")
    await page.locator(MAIN).click()
    pay = page.locator("dialog#sheet .btn--primary[type=submit]")
    await expect(pay).to_be_visible()
    await _bought_by_another(stack, goods)
    await pay.click()
    await expect(page.locator(".toast")).to_have_text("Just sold out. You haven't been charged.")
    await expect(page.locator("dialog#sheet")).to_be_hidden()
    await expect(page.locator(".badge--bad")).to_have_text("Sold out")
    await expect(page.locator(MAIN)).to_have_text("Notify me")
    assert await stack.balance(person.id) == 5_000
    await page.goto(f"{stack.app}/orders")
    await expect(page.get_by_role("heading", name="No orders yet")).to_be_visible()


async def test_sold_out_between_the_page_and_the_tap(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    goods, person = await _goods(stack), await telegram.person()
    page = await open_app(person, f"/shop/{goods.slug}")
    await expect(page.locator(MAIN)).to_contain_text("Buy")
    await _bought_by_another(stack, goods)
    await page.locator(MAIN).click()
    await expect(page.locator(".toast")).to_contain_text("Just sold out")
    await expect(page.locator(".badge--bad")).to_have_text("Sold out")


async def test_two_taps_on_pay_are_one_purchase(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    goods, person = await _goods(stack, keys=5), await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 5_000)
    page = await open_app(person, f"/shop/{goods.slug}")
    await page.locator(MAIN).click()
    pay = page.locator("dialog#sheet .btn--primary[type=submit]")
    await expect(pay).to_be_visible()
    await pay.evaluate("button => { button.click(); button.click(); button.form.requestSubmit(); }")
    await expect(page.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    await page.goto(f"{stack.app}/orders")
    await expect(page.locator('a.cell[href^="/orders/S-"]')).to_have_count(1)
    assert await stack.balance(person.id) == 5_000 - goods.price.amount


async def test_offline_says_so_and_goes_on(open_app: OpenApp, telegram: Telegram) -> None:
    page = await open_app(await telegram.person())
    await page.context.set_offline(True)
    await page.locator('.tab[href="/me"]').click()
    await _code(page, "offline")
    retry = page.get_by_role("button", name="Try again")
    await retry.evaluate("node => { node.id = 'first' }")
    await retry.click()
    await expect(page.locator("#first")).to_have_count(0)
    await _code(page, "offline")
    await page.context.set_offline(False)
    await retry.click()
    await expect(page.get_by_role("link", name="Language and time")).to_be_visible()


async def test_offline_in_the_middle_of_a_purchase(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    """A tap that does not get through leaves the sheet as it is; the second one buys, once."""
    goods, person = await _goods(stack, keys=5), await telegram.person()
    await telegram.visit(person)
    await stack.fund(person.id, 5_000)
    page = await open_app(person, f"/shop/{goods.slug}")
    await page.locator(MAIN).click()
    pay = page.locator("dialog#sheet .btn--primary[type=submit]")
    await expect(pay).to_be_visible()
    await page.context.set_offline(True)
    await pay.click()
    await expect(page.locator(".toast")).to_have_text("No connection")
    await expect(pay).to_be_enabled()
    await page.context.set_offline(False)
    await pay.click()
    await expect(page.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    assert await stack.balance(person.id) == 5_000 - goods.price.amount


async def test_a_session_that_is_over_renews_itself(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    """Once with a meaningless token, once with one of ours that has expired, and once in a purchase."""
    goods, person = await _goods(stack, keys=5), await telegram.person()
    await telegram.visit(person)
    actor = await stack.fund(person.id, 5_000)
    settings = stack.services.settings
    past = FakeClock(stack.services.clock.now() - timedelta(days=2))
    old = SessionTokens(settings.secret_key, past, lifetime=settings.session_lifetime).issue(actor)
    page = await open_app(person)
    await _swap_token(page, "tampered")
    await page.locator('.tab[href="/me"]').click()
    await expect(page.get_by_role("link", name="Language and time")).to_be_visible()
    await _swap_token(page, old)
    await page.get_by_role("link", name="Language and time").click()
    await expect(page.get_by_role("radio", name="English")).to_be_checked()
    await page.goto(f"{stack.app}/shop/{goods.slug}")
    await page.locator(MAIN).click()
    pay = page.locator("dialog#sheet .btn--primary[type=submit]")
    await expect(pay).to_be_visible()
    await _swap_token(page, old)
    await pay.click()
    await expect(page.get_by_role("heading", name="Paid. Your key is here.")).to_be_visible()
    assert await stack.balance(person.id) == 5_000 - goods.price.amount


async def _swap_token(page: Page, token: str) -> None:
    """Another session token, where app.js keeps it."""
    before = await page.evaluate("sessionStorage.token")
    assert before
    await page.evaluate("token => { sessionStorage.token = token; }", token)


async def test_init_data_from_hours_ago_asks_to_open_again(windows: Windows, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person()
    data = await telegram.init_data(person, int(time.time()) - 25 * 3600)
    page = await (await windows.open(**PHONE)).new_page()
    await page.goto(f"{stack.app}/shop#tgWebAppData={quote(data)}&tgWebAppVersion=9.1&tgWebAppPlatform=web")
    await _code(page, "init_data_expired")
    await expect(page.get_by_role("heading", name="Session expired")).to_be_visible()
    await expect(page.get_by_role("button", name="Back to the bot")).to_be_visible()


async def test_init_data_that_was_changed_stays_outside(windows: Windows, telegram: Telegram, stack: Stack) -> None:
    data = await telegram.init_data(await telegram.person(), int(time.time()))
    page = await (await windows.open(**PHONE)).new_page()
    await page.goto(f"{stack.app}/me#tgWebAppData={quote(data.replace('Olivia', 'Nobody'))}&tgWebAppVersion=9.1")
    await expect(page.get_by_role("heading", name="Open in Telegram")).to_be_visible()


async def test_a_blocked_person_sees_it_at_the_next_tap(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person()
    page = await open_app(person)
    actor = await stack.actor(person.id)
    await expect(page.locator('.tab[href="/me"]')).to_be_visible()
    await stack.services.identity.people.block(Actor.system(), actor.id, "a test")

    async def blocked() -> None:
        # A part of the page that was still to come may have said it before the tap.
        await page.evaluate("""document.querySelector('.tab[href="/me"]')?.click()""")
        await expect(page.get_by_role("heading", name="You're blocked")).to_be_visible()

    await blocked()
    await expect(page.locator(".tabs")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("heading", name="You're blocked")).to_be_visible()
    await stack.services.identity.people.unblock(Actor.system(), actor.id)
    await page.reload()
    await expect(page.locator("#app .tabs")).to_be_visible()


async def test_outside_telegram_says_where_to_go(windows: Windows, stack: Stack) -> None:
    page = await (await windows.open(**PHONE, locale="ar")).new_page()
    await page.goto(f"{stack.app}/shop/private-vpn")
    await expect(page.get_by_role("heading", name=Words("ar")("Open in Telegram"))).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")


async def test_telegrams_script_that_never_comes_stops_nothing(
    windows: Windows, telegram: Telegram, stack: Stack
) -> None:
    """It hangs, as behind some walls: the app opens and sells with ordinary buttons."""
    person = await telegram.person()
    page = await (await windows.open(**PHONE)).new_page()
    held: list[Route] = []
    await page.route("**/telegram-web-app.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    address = await telegram.launch(person, "/shop/private-vpn", "dark")
    await page.goto(address, wait_until="commit")
    await expect(page.locator(MAIN)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.locator(MAIN).click()
    await expect(page.locator("dialog#sheet")).to_contain_text("You need")
    assert held
    # Late is better than never: from then on Telegram's own button stands in.
    await held[0].continue_()
    await expect(page.locator("html")).to_have_class(re.compile("has-main"))


async def test_a_question_without_telegram_is_the_browsers(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    person = await telegram.person()
    await telegram.visit(person)
    number = await stack.reserve(person.id, "play-credit-in")
    page = await open_app(person, f"/orders/{number}")
    asked: list[str] = []

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.accept()

    page.on("dialog", answer)
    await page.get_by_role("button", name="Cancel order").click()
    await expect(page.get_by_text("This order was cancelled. You haven't been charged.")).to_be_visible()
    assert asked == ["Cancel this order? You haven't been charged."]


async def test_reload_back_and_forward(open_app: OpenApp, telegram: Telegram, stack: Stack) -> None:
    page = await open_app(await telegram.person(), "/shop?category=gift-cards")
    title = page.locator("h1")
    await expect(title).to_have_text("Gift cards")
    await page.locator('a.goods__link[href="/shop/app-store-card-tr"]').click()
    await expect(title).to_have_text("App store card · Türkiye")
    await page.reload()
    await expect(title).to_have_text("App store card · Türkiye")
    assert "tgWebAppData" not in await page.evaluate("document.body.outerHTML")
    await page.locator("#app").wait_for()
    await page.go_back()
    await expect(title).to_have_text("Gift cards")
    await page.go_forward()
    await expect(title).to_have_text("App store card · Türkiye")
    await page.go_back()
    await expect(title).to_have_text("Gift cards")
    await page.locator('.tab[href="/shop"]').click()
    await expect(page.locator("a.card").first).to_be_visible()


async def test_back_in_a_list_is_back_to_its_place(open_phone: OpenPhone, telegram: Telegram) -> None:
    """Telegram's BackButton after a look at one thing: where one was in the list, not at its top."""
    phone = await open_phone(await telegram.person(started=False))
    await phone.enter()
    await phone.app.locator('.chip[href="/shop?category=gift-cards"]').click()
    await expect(phone.app.locator("h1")).to_have_text("Gift cards")
    # Not simply the last one: other tests may sell courses here, whose pages go back to the school.
    last = phone.app.locator("a.goods__link[href^='/shop/shopping-card']").last
    await last.scroll_into_view_if_needed()
    await last.click()
    await expect(phone.app.locator(".tile--hero")).to_be_visible()
    await phone.press_back()
    await expect(phone.app.locator("h1")).to_have_text("Gift cards")
    await expect(last).to_be_in_viewport()


async def test_a_choice_leaves_the_page_where_it_is(open_app: OpenApp, telegram: Telegram) -> None:
    """Another variant or quantity changes the price and the button, not the place on the page; no skeleton blinks."""
    page = await open_app(await telegram.person(), "/shop/private-vpn", viewport={"width": 390, "height": 560})
    await page.evaluate(
        "new MutationObserver(() => { window.waited ||= document.documentElement.classList.contains('is-waiting'); })"
        ".observe(document.documentElement, { attributes: true })"
    )
    await page.route("**/buy?*", _slowly)
    await page.evaluate("scrollTo(0, 120)")
    await page.locator(".cell--pick").nth(1).click()
    await page.locator(MAIN).click()
    await expect(page.locator("dialog#sheet")).to_contain_text("$7.20")
    await expect(page.locator(MAIN)).to_contain_text("$7.20")
    await expect(page.locator("dialog#sheet")).to_be_visible()
    assert await page.evaluate("scrollY") > 0
    assert not await page.evaluate("window.waited")


async def _slowly(route: Route) -> None:
    """An answer over a bad line: later than the skeleton would come."""
    answer = await route.fetch()
    await route.request.frame.evaluate("new Promise((done) => setTimeout(done, 400))")
    await route.fulfill(response=answer)


async def test_quick_taps_are_not_lost(open_app: OpenApp, telegram: Telegram) -> None:
    """Variant and one more, each before the answer to the one before: the button is busy until it has their price."""
    page = await open_app(await telegram.person(), "/shop/private-vpn")
    may_come = asyncio.Event()

    async def late_price(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/buy?*", late_price)
    await page.locator(".cell--pick").nth(1).click()
    await page.get_by_role("button", name="More").click()
    await expect(page.locator(f"{MAIN}.is-busy")).to_have_count(1)
    may_come.set()
    await expect(page.locator(MAIN)).to_contain_text("$14.40")
    await expect(page.locator("#quantity output")).to_have_text("2")
    await page.locator(MAIN).click()
    await expect(page.locator("dialog#sheet")).to_contain_text("$14.40")
