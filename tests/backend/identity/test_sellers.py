"""Trusted sellers: who is shown, and names that only look like theirs."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bootstrap import Services
from backend.identity.rules import lookalikes
from backend.identity.types import Actor
from backend.identity.types.sellers import Likeness, Seller, SellerMark
from backend.infra.settings import Settings
from backend.kernel.errors import Forbidden, Invalid
from backend.kernel.ids import UserId
from tests.factories.identity import person

_ID = UserId(UUID(int=7))
_SELLER = Seller(id=_ID, telegram_id=700_000_004, name="Noah Okafor", username="noah_okafor")
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{4,30}", fullmatch=True)


@pytest.fixture
async def root(services: Services, settings: Settings) -> Actor:
    """The root admin."""
    return await person(services.identity, settings.root_admin_id)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("noah_okafor", Likeness.OURS),
        (" @Noah_Okafor ", Likeness.OURS),
        ("https://t.me/noah_okafor?start=1", Likeness.OURS),
        ("\u200f@noah_okafor\u200e", Likeness.OURS),  # pasted out of Arabic text
        ("700000004", Likeness.OURS),
        ("٧٠٠٠٠٠٠٠٤", Likeness.OURS),
        ("700000005", Likeness.UNKNOWN),
        ("noah_оkafor", Likeness.SIMILAR),  # Cyrillic о
        ("nοah_okafor", Likeness.SIMILAR),  # Greek ο
        ("noah\u200b_okafor", Likeness.SIMILAR),
        ("noah\u202e_okafor", Likeness.SIMILAR),
        ("n0ah_okaf0r", Likeness.SIMILAR),
        ("n٠ah_okafor", Likeness.SIMILAR),
        ("noah__okafor", Likeness.SIMILAR),
        ("noahokafor", Likeness.SIMILAR),
        ("noah_okafr", Likeness.SIMILAR),
        ("naoh_okafor", Likeness.SIMILAR),
        ("Noah Okafor", Likeness.SIMILAR),  # anybody may take a name
        ("dmitri", Likeness.UNKNOWN),
        ("@ _ \u200b", Likeness.NOTHING),
        ("", Likeness.NOTHING),
    ],
)
def test_a_name_is_ours_or_looks_like_ours(typed: str, expected: Likeness) -> None:
    assert lookalikes.judge(typed, [_SELLER]).likeness is expected


@pytest.mark.parametrize(("one", "other"), [("Il1i", "llll"), ("O0о٠", "oooo"), ("rnick", "mick"), ("vvin5", "wins")])
def test_signs_that_are_read_for_one_another(one: str, other: str) -> None:
    assert lookalikes.skeleton(one) == lookalikes.skeleton(other)


@given(_NAMES, st.text(max_size=40))
def test_only_the_username_itself_is_ours(username: str, typed: str) -> None:
    seller = Seller(id=_ID, telegram_id=10**18, name="", username=username)
    assert lookalikes.judge(username.upper(), [seller]).likeness is Likeness.OURS
    ours = lookalikes.judge(typed, [seller]).likeness is Likeness.OURS
    assert ours == (lookalikes.named(typed).lower() == username)


@given(_NAMES, st.integers(1, 4), st.sampled_from("\u200b\u200f_\u043e\u03bfx"))
def test_one_sign_more_looks_alike(username: str, at: int, sign: str) -> None:
    seller = Seller(id=_ID, telegram_id=10**18, name="", username=username + "abcde")
    wrong = f"{username[:at]}{sign}{username[at:]}abcde"
    assert lookalikes.judge(wrong, [seller]).likeness is Likeness.SIMILAR


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_mistake_counts_the_same_both_ways(left: str, right: str) -> None:
    assert lookalikes.within_one(left, right) == lookalikes.within_one(right, left)
    assert lookalikes.within_one(left, left)


async def test_who_is_marked_is_shown_until_blocked_or_unmarked(services: Services, root: Actor) -> None:
    sellers, people = services.identity.sellers, services.identity.people
    omar, lena = await person(services.identity, 4711), await person(services.identity, 4712)
    await sellers.mark(root, omar.id, {"en": "Keys", "ar": " "}, 5)
    await sellers.mark(root, lena.id, {"ru": "Ключи"}, 1)
    assert [one.id for one in await sellers.list_public()] == [lena.id, omar.id]
    assert await sellers.mark_of(root, omar.id) == SellerMark({"en": "Keys"}, 5)
    await people.block(root, lena.id, "spam")
    assert [one.id for one in await sellers.list_public()] == [omar.id]
    assert (await sellers.check("4712")).likeness is Likeness.UNKNOWN
    await people.unblock(root, lena.id)
    assert (await sellers.check("4712")).likeness is Likeness.OURS
    await sellers.unmark(root, lena.id)
    await sellers.unmark(root, lena.id)
    assert (await sellers.check("4712")).likeness is Likeness.UNKNOWN


async def test_a_mark_needs_a_text_and_the_permission(services: Services, root: Actor) -> None:
    sellers, omar = services.identity.sellers, await person(services.identity, 4711)
    for about, position in (({"en": " "}, 0), ({"en": "x" * 301}, 0), ({"en": "x"}, -1), ({"en": "x"}, 1000)):
        with pytest.raises(Invalid):
            await sellers.mark(root, omar.id, about, position)
    for attempt in (sellers.mark(omar, omar.id, {"en": "Me"}), sellers.unmark(omar, omar.id)):
        with pytest.raises(Forbidden):
            await attempt
    assert await sellers.list_public() == []


@pytest.mark.usefixtures("committed_db")
async def test_two_admins_mark_at_once(services: Services, root: Actor) -> None:
    sellers, omar = services.identity.sellers, await person(services.identity, 4711)
    await asyncio.gather(*(sellers.mark(root, omar.id, {"en": f"Text {number}"}) for number in range(5)))
    assert len(await sellers.list_public()) == 1
