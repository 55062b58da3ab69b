"""The deck's pictures: all of them draw, differ, are small and need nothing beside themselves."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET

import pytest

from backend.readings.art import back_svg, card_svg
from backend.readings.types import CARDS
from backend.readings.types.pictures import Palette
from tests import pixels

_LARGEST = 6_000
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def deck() -> dict[tuple[Palette, int], str]:
    """Every picture; the back is card -1."""
    faces = {(palette, card): card_svg(card, palette) for palette in Palette for card in range(CARDS)}
    return faces | {(palette, -1): back_svg(palette) for palette in Palette}


def test_all_pictures_differ(deck: dict[tuple[Palette, int], str]) -> None:
    assert len(set(deck.values())) == len(deck) == 2 * (CARDS + 1)


def test_cards_differ_by_more_than_their_numerals(deck: dict[tuple[Palette, int], str]) -> None:
    """Without the stroke of the numeral each emblem is still another one."""
    emblems = [re.sub(r'<path d="[^"]*" stroke-width="1.1"/>', "", deck[Palette.DAY, card]) for card in range(CARDS)]
    assert len(set(emblems)) == CARDS


def test_each_is_a_small_document_of_its_own(deck: dict[tuple[Palette, int], str]) -> None:
    for which, svg in deck.items():
        assert len(svg.encode()) <= _LARGEST, which
        assert len(gzip.compress(svg.encode())) <= _LARGEST / 3, which
        root = ET.fromstring(svg)
        assert (root.tag, root.get("viewBox")) == (f"{_SVG}svg", "0 0 70 118"), which
        assert "@" not in svg, "every colour was set"
        for element in root.iter():
            assert element.tag.removeprefix(_SVG) in {
                "svg", "g", "path", "rect", "ellipse", "defs", "linearGradient", "radialGradient", "stop", "clipPath",
            }, which  # fmt: skip
            for name, value in element.items():
                assert "href" not in name
                assert "://" not in value
                assert "url(" not in value or value in {"url(#a)", "url(#b)", "url(#c)"}


def test_nothing_is_written_in_letters(deck: dict[tuple[Palette, int], str]) -> None:
    """Languages differ, and fonts too."""
    assert not any("".join(ET.fromstring(svg).itertext()).strip() for svg in deck.values())


def test_day_and_night_are_one_drawing_in_other_colours(deck: dict[tuple[Palette, int], str]) -> None:
    def drawn(svg: str) -> str:
        return re.sub("#[0-9a-f]{6}", "", svg)

    for card in range(-1, CARDS):
        day, night = deck[Palette.DAY, card], deck[Palette.NIGHT, card]
        assert drawn(day) == drawn(night)
        assert not set(re.findall("#[0-9a-f]{6}", day)) & set(re.findall("#[0-9a-f]{6}", night))


def test_drawing_again_gives_the_same(deck: dict[tuple[Palette, int], str]) -> None:
    assert all(card_svg(card, Palette.NIGHT) == deck[Palette.NIGHT, card] for card in range(CARDS))


@pytest.mark.parametrize("card", [-1, CARDS, 1000])
def test_there_is_no_other_card(card: int) -> None:
    with pytest.raises(ValueError, match="no card"):
        card_svg(card, Palette.DAY)


def test_gold_is_told_from_every_ground(deck: dict[tuple[Palette, int], str]) -> None:
    """At least 4.5 to 1, as text: lines are a pixel wide at 60 pixels."""
    for which, svg in deck.items():
        ground, bottom = re.findall('<stop (?:offset="1" )?stop-color="(#[0-9a-f]{6})"/>', svg)[:2]
        gold = re.findall('stroke="(#[0-9a-f]{6})"', svg)[0]
        for colour in (ground, bottom):
            assert (_luminance(gold) + 0.05) / (_luminance(colour) + 0.05) >= 4.5, which


def _luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_differ_even_at_64_pixels(deck: dict[tuple[Palette, int], str]) -> None:
    """Neighbours in a hand are told apart by what is drawn: seen in grey, without the numeral, 64 pixels high."""
    import typst

    sheet = "#set page(width: 57pt, height: 96pt, margin: 0pt, fill: white)\n" + "#pagebreak()\n".join(
        f'#image(bytes(json(bytes(sys.inputs.cards)).at({card})), format: "svg", width: 57pt)\n'
        for card in range(CARDS)
    )
    faces = json.dumps([deck[Palette.DAY, card] for card in range(CARDS)])
    pages = typst.compile(sheet.encode(), format="png", ppi=48, sys_inputs={"cards": faces})
    assert isinstance(pages, list)
    drawn = [_lines(pixels.read(page)) for page in pages]
    assert len(drawn) == CARDS
    for card, (one, size) in enumerate(drawn):
        for other, (its, _) in enumerate(drawn[:card]):
            assert (one ^ its).bit_count() > size * 0.02, (card, other)


def _lines(page: pixels.Pixels) -> tuple[int, int]:
    """Which pixels below the numeral are gold, as bits, and how many there are."""
    below = page.grey[page.width * 11 :]
    return int("".join("1" if grey > 110 else "0" for grey in below), 2), len(below)
