"""Draws are by chance, broken shuffles are found out, and nothing public before the tap foretells a draw."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from backend.readings.rules import drawing
from backend.readings.types import CARDS, DECK_VERSION, ReadingId, SpreadId
from tests.backend.readings.fairness import unfair
from tests.machines import many

Shuffle = Callable[[Iterator[int]], list[int]]
_CLIENT_SEED = "a-seed-that-a-phone-made"


def _seed(number: int) -> bytes:
    return hashlib.sha512(b"draw %d" % number).digest()


@pytest.mark.long
def test_draws_are_by_chance() -> None:
    orders = [bytes(drawing.order(_seed(number), _CLIENT_SEED)) for number in range(many(50_000))]
    assert all(len(set(order)) == CARDS for order in orders[:1000])
    assert unfair(orders) == []


def test_orientations_are_by_chance() -> None:
    draws = 20_000
    turns = [drawing.orientations(_seed(number), _CLIENT_SEED) for number in range(draws)]
    for place in range(CARDS):
        up = sum(turn[place] for turn in turns)
        assert abs(up - draws / 2) < 6 * (draws / 4) ** 0.5
    together = sum(turn[0] == turn[1] for turn in turns)
    assert abs(together - draws / 2) < 6 * (draws / 4) ** 0.5


def test_a_card_s_orientation_does_not_follow_from_the_card() -> None:
    draws = [drawing.draw(_seed(number), _CLIENT_SEED, 1, reversed_cards=True)[0] for number in range(8000)]
    low = [card.reversed for card in draws if card.card < CARDS // 2]
    assert abs(sum(low) - len(low) / 2) < 6 * (len(low) / 4) ** 0.5


def _biased(words: Iterator[int]) -> list[int]:
    """The remainder of a byte: 22 of 78 cards come a third more often."""
    deck = list(range(CARDS))
    for last in range(CARDS - 1, 0, -1):
        other = next(words) % 256 % (last + 1)
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def _off_by_one(words: Iterator[int]) -> list[int]:
    """No card may stay where it is."""
    deck = list(range(CARDS))
    for last in range(CARDS - 1, 0, -1):
        other = next(words) % last
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def _reused(words: Iterator[int]) -> list[int]:
    """One random value for each swap."""
    deck, word = list(range(CARDS)), next(words)
    for last in range(CARDS - 1, 0, -1):
        other = word % (last + 1)
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def _orders(shuffle: Shuffle, draws: int) -> list[bytes]:
    chance = random.Random(78)
    words = iter(lambda: chance.getrandbits(32), -1)
    return [bytes(shuffle(words)) for _ in range(draws)]


def test_what_the_product_shuffles_with_passes_with_other_words() -> None:
    assert unfair(_orders(drawing.shuffled, 8000)) == []


@pytest.mark.parametrize("broken", [_biased, _off_by_one, _reused])
def test_broken_shuffles_are_found_out(broken: Shuffle) -> None:
    assert unfair(_orders(broken, 8000)) != []


def test_words_that_would_favour_a_card_are_skipped() -> None:
    too_large = 2**32 - 2**32 % CARDS
    rest = [0] * CARDS
    skipped = drawing.shuffled(iter([too_large, 2**32 - 1, 5, *rest]))
    assert skipped == drawing.shuffled(iter([5, *rest]))
    assert drawing.shuffled(iter([too_large - 1, *rest])) != skipped


Guess = Callable[[bytes, bytes, int], int]


def _first_byte(public: bytes, ids: bytes, number: int) -> int:
    return public[0] % CARDS


def _as_a_seed(public: bytes, ids: bytes, number: int) -> int:
    """The commitment as if it were the seed, as in the casino whose published hash was the outcome's key."""
    return drawing.order(public + public, _CLIENT_SEED)[0]


def _as_a_word(public: bytes, ids: bytes, number: int) -> int:
    return drawing.shuffled(_stream(public))[0]


def _hashed(public: bytes, ids: bytes, number: int) -> int:
    return drawing.shuffled(_stream(hashlib.sha256(public + ids).digest()))[0]


def _by_ids(public: bytes, ids: bytes, number: int) -> int:
    return drawing.order((ids * 4)[:64], _CLIENT_SEED)[0]


def _stream(data: bytes) -> Iterator[int]:
    while True:
        yield from (int.from_bytes(data[at : at + 4], "big") for at in range(0, 32, 4))
        data = hashlib.sha256(data).digest()


@pytest.mark.parametrize("guess", [_first_byte, _as_a_seed, _as_a_word, _hashed, _by_ids])
def test_nothing_public_before_the_tap_foretells_the_draw(guess: Guess) -> None:
    draws, right = 3000, 0
    for number in range(draws):
        ids = hashlib.sha256(b"ids %d" % number).digest()
        reading, spread = ReadingId(UUID(bytes=ids[:16])), SpreadId(UUID(bytes=ids[16:]))
        public = drawing.commitment(_seed(number), reading, spread, 1, DECK_VERSION)
        right += guess(public, ids, number) == drawing.order(_seed(number), _CLIENT_SEED)[0]
    chance = draws / CARDS
    assert right < chance + 6 * chance**0.5


def test_the_reader_s_seed_changes_the_draw() -> None:
    firsts = {drawing.order(_seed(1), f"{_CLIENT_SEED}-{number}")[0] for number in range(400)}
    assert len(firsts) > CARDS * 0.9
