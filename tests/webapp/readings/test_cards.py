"""Pictures of cards are public, and kept by browsers for a year."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest

from backend.infra.i18n import translator
from backend.kernel.text import Locale
from backend.readings.art import back_svg, card_svg
from backend.readings.types.pictures import Palette
from webapp.core.assets import build_assets
from webapp.core.rendering import Templates, Viewer, reading
from webapp.readings.cards import back_view, card_view


async def test_a_picture_needs_no_session_and_is_kept_for_a_year(client: httpx.AsyncClient) -> None:
    view = card_view(16, "The Tower")
    for address, drawn in (
        (view.day, card_svg(16, Palette.DAY)),
        (view.night, card_svg(16, Palette.NIGHT)),
        (back_view().night, back_svg(Palette.NIGHT)),
    ):
        answer = await client.get(address)
        assert (answer.status_code, answer.text) == (200, drawn)
        assert answer.headers["content-type"].partition(";")[0] == "image/svg+xml"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-encoding"] == "gzip"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "x-session-token" not in answer.headers


async def test_what_is_no_picture_is_not_found(client: httpx.AsyncClient) -> None:
    right = card_view(0, "").day
    version = right.split("/")[2]
    for bad in (
        right.replace(version, "0" * 12),
        right.replace("/day/", "/dusk/"),
        right.replace("0.svg", "78.svg"),
        right.replace("0.svg", "-1.svg"),
        right.replace("0.svg", "00.svg"),
        right.replace("0.svg", "0.png"),
        right.replace("0.svg", "..%2f..%2fsettings.svg"),
    ):
        answer = await client.get(bad)
        assert answer.status_code == 404, bad
        assert "immutable" not in answer.headers.get("cache-control", "")


def test_addresses_carry_the_hash_of_the_deck() -> None:
    addresses = {card_view(card, "").day for card in range(78)} | {card_view(card, "").night for card in range(78)}
    assert len(addresses) == 156
    assert len({address.split("/")[2] for address in addresses}) == 1
    with pytest.raises(KeyError):
        card_view(78, "")


def test_a_card_is_told_in_words() -> None:
    """Its name is the alternative text, escaped; a nameless one is decoration; neither address is loaded eagerly."""
    templates = Templates(build_assets())
    render = templates.environment.from_string(
        '{% from "readings/_card.html" import card, turning %}{{ card(tower, "104") }}{{ card(plain'
        ") }}{{ turning(tower, plain) }}"
    ).render
    viewer = Viewer(translator(Locale.EN), datetime(2026, 11, 30, tzinfo=UTC))
    with_names = card_view(16, 'The <Tower> & "co", reversed', is_reversed=True)
    with reading(viewer):
        html = render(tower=with_names, plain=back_view())
    named, plain, turning = re.findall(r'<span class="tarot tarot--.*?(?=<span class="tarot tarot--|\Z)', html, re.S)
    assert 'role="img" aria-label="The &lt;Tower&gt; &amp; &#34;co&#34;, reversed"' in named
    assert "tarot--rev" in named
    assert "tarot--104" in named
    assert 'aria-hidden="true"' in plain
    assert "tarot--rev" not in plain
    assert turning.index(back_view().day) < turning.index(with_names.day)
    assert html.count('alt=""') == html.count('loading="lazy"') == html.count("<img") == 8
