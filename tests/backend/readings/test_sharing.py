"""Pictures of readings that people share: as they were drawn, whatever the texts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from backend.infra.documents import Typesetter
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale
from backend.readings.rules.questions import LONGEST_QUESTION
from backend.readings.rules.sharing import shared
from backend.readings.service.picture import MOST_CARDS, draw_share_picture, share_typesetter
from backend.readings.types import DrawnCard
from backend.readings.types.pictures import SharedCard, SharedReading
from tests import pixels

GOLDEN: Final = Path(__file__).parent / "golden"
PPI: Final = 32
"""240 × 300 pixels: a letter that is drawn otherwise is seen."""
_TOLERANCE: Final = 0.004
_CARDS: Final = (9, 51, 76, 16, 36, 10, 31, 2, 61, 17, 19, 66, 21, 0, 45, 77)
_MARKUP: Final = '#read("/etc/passwd") *b* $x$ <script> \\ @y `z` // /* ]'
_WORDS: Final = {
    Locale.EN: (
        "Celtic cross",
        "I was offered work in another city. What am I not seeing?",
        "What you are not seeing may be that you have stopped weighing.",
        ("The Hermit", "Two of Swords", "Queen of Pentacles"),
        "reversed",
    ),
    Locale.AR: (
        "الصليب الكلتي",
        "عُرض عليّ عمل في مدينة أخرى. ما الذي لا أراه؟",
        "ربما ما لا تراه هو أنك توقفت عن الموازنة بين الأمرين.",
        ("الناسك", "اثنان السيوف", "ملكة الخماسيات"),
        "مقلوبة",
    ),
    Locale.RU: (
        "Кельтский крест",
        "Мне предложили работу в другом городе. Чего я не вижу?",
        "Возможно, вы не замечаете, что уже перестали взвешивать.",
        ("Отшельник", "Двойка мечей", "Королева пентаклей"),
        "перевёрнутая",
    ),
}


def _reading(locale: Locale, count: int, *, asked: bool = True) -> SharedReading:
    spread, question, sentence, names, reversed_ = _WORDS[locale]
    cards = tuple(
        SharedCard(
            drawn=DrawnCard(card, at % 4 == 2),
            name=names[at % 3],
            orientation=reversed_ if at % 4 == 2 else "",
            position=f"{at + 1}",
        )
        for at, card in enumerate(_CARDS[:count])
    )
    return SharedReading(
        locale=locale, spread=spread, cards=cards, shop="Souk", link="https://t.me/souk_bot/app?startapp=readings",
        address="t.me/souk_bot", question=question if asked else "", sentence=sentence,
    )  # fmt: skip


def _everything(text: str) -> SharedReading:
    """The same text wherever there is one."""
    card = SharedCard(drawn=DrawnCard(3, True), name=text, orientation=text, position=text)
    return SharedReading(
        locale=Locale.EN, spread=text, cards=(card,) * 3, shop=text, link="", address=text, question=text, sentence=text
    )


PICTURES: Final = {
    "one-en": _reading(Locale.EN, 1),
    "three-ar": _reading(Locale.AR, 3),
    "three-ru": _reading(Locale.RU, 3, asked=False),
    "seven-en": _reading(Locale.EN, 7, asked=False),
    "ten-ru": _reading(Locale.RU, 10),
    "thirteen-ar": _reading(Locale.AR, 13),
    "markup": _everything(_MARKUP),
    "longest-ar": _everything("الحمدلله على كل حال " * 40),
    "longest-ru": _everything("Щ" * 500),
}


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return share_typesetter()


@pytest.mark.parametrize("which", PICTURES)
async def test_it_looks_as_it_did(which: str, typesetter: Typesetter) -> None:
    """And no text leaves the frame, whatever a later picture looks like."""
    drawn = pixels.read(await draw_share_picture(typesetter, PICTURES[which], ppi=PPI))
    assert (drawn.width, drawn.height) == (240, 300)
    assert pixels.difference(drawn, pixels.read((GOLDEN / f"{which}.png").read_bytes())) < _TOLERANCE
    assert _light(drawn, left=0.04, right=0.065, top=0.1, bottom=0.9) == 0
    assert _light(drawn, left=0.935, right=0.96, top=0.1, bottom=0.9) == 0
    assert _light(drawn, left=0.1, right=0.9, top=0.955, bottom=0.965) == 0


_THREE: Final = PICTURES["three-ru"]
_FIRST, *_OTHERS = _THREE.cards


@pytest.mark.parametrize(
    "changed",
    [
        replace(_THREE, cards=(replace(_FIRST, drawn=DrawnCard(45, False)), *_OTHERS)),
        replace(_THREE, cards=(replace(_FIRST, drawn=DrawnCard(9, True)), *_OTHERS)),
        replace(_THREE, sentence="Совсем другое предложение, которого здесь не было."),
        replace(_THREE, question="Здесь вопроса не было."),
    ],
    ids=["card", "orientation", "sentence", "question"],
)
async def test_what_changes_is_seen(changed: SharedReading, typesetter: Typesetter) -> None:
    """The golden pictures would show it."""
    drawn = pixels.read(await draw_share_picture(typesetter, changed, ppi=PPI))
    assert pixels.difference(drawn, pixels.read((GOLDEN / "three-ru.png").read_bytes())) > _TOLERANCE


async def test_it_is_1080_by_1350_and_the_same_bytes_each_time(typesetter: Typesetter) -> None:
    png = await draw_share_picture(typesetter, PICTURES["one-en"])
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (1080, 1350)
    assert png == await draw_share_picture(share_typesetter(), PICTURES["one-en"])


@pytest.mark.parametrize("count", [2, 4, 5, 6, 8, 9, 11, 12, MOST_CARDS])
async def test_every_number_of_cards_is_drawn(count: int, typesetter: Typesetter) -> None:
    assert await draw_share_picture(typesetter, _reading(Locale.EN, count), ppi=9)


@pytest.mark.parametrize("count", [0, MOST_CARDS + 1])
async def test_no_cards_and_too_many_are_refused(count: int, typesetter: Typesetter) -> None:
    cards = tuple(SharedCard(drawn=DrawnCard(0, False), name="The Fool") for _ in range(count))
    with pytest.raises(Invalid):
        await draw_share_picture(typesetter, replace(PICTURES["one-en"], cards=cards))


def test_texts_are_cut_at_a_word_and_keep_what_fonts_have() -> None:
    page = shared(
        replace(PICTURES["one-en"], question="Shall I go? 🌙 " + "and then " * 60, sentence="\u202eok\x00 *x*")
    )
    assert len(page.question.text) <= LONGEST_QUESTION + 1
    assert page.question.text.endswith(("and…", "then…"))
    assert "🌙" not in page.question.text
    assert page.sentence.text == "ok *x*"
    assert (page.question.dir, shared(PICTURES["three-ar"]).question.dir) == ("ltr", "rtl")


def _light(drawn: pixels.Pixels, *, left: float, top: float, right: float, bottom: float) -> int:
    """How many light pixels there are in a part of the picture, whose sides are parts of the whole's."""
    rows = range(int(drawn.height * top), int(drawn.height * bottom))
    columns = range(int(drawn.width * left), int(drawn.width * right))
    return sum(drawn.grey[y * drawn.width + x] > 140 for y in rows for x in columns)
