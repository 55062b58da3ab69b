"""Cards in a browser: one palette is loaded, they turn one after another, and stand still where that is asked for."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, Request, Route

from backend.infra.i18n import translator
from backend.kernel.text import Locale
from backend.readings.service.picture import deck_pictures
from backend.readings.types.pictures import Palette
from webapp.core.assets import build_assets, join_css
from webapp.core.rendering import Templates, Viewer, reading
from webapp.readings.cards import back_view, card_view

_PAGE = "http://cards.test/"
_SPREAD = (
    '{% from "readings/_card.html" import card, turning %}<div class="deal">'
    '{% for one in cards %}<span class="pos">{{ turning(one, back) }}</span>{% endfor %}</div>'
    '{{ card(cards[0], "104") }}'
)


@pytest.fixture(scope="module")
def html() -> str:
    """A page with a spread of three, the second reversed, and one card by itself."""
    spread = Templates(build_assets()).environment.from_string(_SPREAD)
    with reading(Viewer(translator(Locale.EN), datetime(2026, 11, 30, tzinfo=UTC))):
        body = spread.render(
            cards=[card_view(at, f"Card {at}", is_reversed=at == 1) for at in range(3)], back=back_view()
        )
    return f'<!doctype html><html data-theme="light"><style>{join_css()}</style><body>{body}</body></html>'


async def _open(browser: Browser, html: str, motion: Literal["reduce", "no-preference"]) -> tuple[Page, list[str]]:
    context = await browser.new_context(reduced_motion=motion)
    page, asked = await context.new_page(), []
    deck = deck_pictures()

    async def answer(route: Route, request: Request) -> None:
        _, _, path = request.url.partition("/cards/")
        if not path:
            await route.fulfill(content_type="text/html", body=html if request.url == _PAGE else "")
            return
        asked.append(path.partition("/")[2])
        palette, name = path.removesuffix(".svg").split("/")[1:]
        await route.fulfill(content_type="image/svg+xml", body=deck.pictures[Palette(palette), name].decode())

    await page.route("**", answer)
    await page.goto(_PAGE)
    await page.wait_for_load_state("networkidle")
    return page, asked


async def test_only_the_palette_of_the_theme_is_loaded(browser: Browser, html: str) -> None:
    page, asked = await _open(browser, html, "no-preference")
    names = ["0.svg", "1.svg", "2.svg", "back.svg"]
    assert sorted(asked) == [f"day/{name}" for name in names]
    async with page.expect_response("**/night/back.svg"):
        await page.evaluate("document.documentElement.dataset.theme = 'dark'")
    await page.wait_for_load_state("networkidle")
    assert sorted(asked) == [f"{palette}/{name}" for palette in ("day", "night") for name in names]
    await page.context.close()


async def test_cards_turn_one_after_another_and_a_reversed_one_is_upside_down(browser: Browser, html: str) -> None:
    page, _ = await _open(browser, html, "no-preference")
    sheets = page.locator(".tarot__sheet")
    style = "all => all.map(one => [getComputedStyle(one).animationName, getComputedStyle(one).animationDuration])"
    assert await sheets.evaluate_all(style) == [["tarot-turn", "0.42s"]] * 3
    delays = await sheets.evaluate_all("all => all.map(one => parseFloat(getComputedStyle(one).animationDelay))")
    assert [round(later - sooner, 3) for sooner, later in itertools.pairwise(delays)] == [0.06, 0.06]
    turned = "all => all.map(one => getComputedStyle(one).rotate)"
    assert await page.locator(".deal .tarot__face .tarot__day").evaluate_all(turned) == ["none", "180deg", "none"]
    assert await page.locator(".deal .tarot__back .tarot__day").evaluate_all(turned) == ["none"] * 3
    await page.context.close()


async def test_nothing_moves_where_motion_is_reduced(browser: Browser, html: str) -> None:
    page, _ = await _open(browser, html, "reduce")
    moving = "all => all.map(one => getComputedStyle(one).animationName)"
    assert set(await page.locator(".tarot__sheet, .deal > *").evaluate_all(moving)) == {"none"}
    assert await page.evaluate("document.getAnimations().length") == 0
    await page.context.close()
