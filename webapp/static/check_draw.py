"""Checks the proof of a draw, offline: python3 check_draw.py proof.json

It needs nothing but Python 3.8. The file with the values is the one that the page of the proof offers. It says whether
the seal that was shown before the question fits the seed, and whether both seeds give the cards that were dealt.
"""

import hashlib
import hmac
import json
import sys
import uuid
from typing import Any, Dict, List

Proof = Dict[str, Any]
CARDS = 78


def commitment(proof: Proof) -> str:
    """The seal: SHA-256 of the seed and of what it was made for."""
    subject = uuid.UUID(proof["reading_id"]).bytes + uuid.UUID(proof["spread_id"]).bytes
    versions = proof["spread_version"].to_bytes(4, "big") + proof["deck_version"].to_bytes(4, "big")
    seed = bytes.fromhex(proof["seed"])
    return hashlib.sha256(b"souk/commit/v1" + seed + subject + versions).hexdigest()


def block(proof: Proof, label: bytes, counter: int) -> bytes:
    """32 bytes that follow from both seeds."""
    client = proof["client_seed"].encode("ascii")
    message = label + len(client).to_bytes(2, "big") + client + counter.to_bytes(4, "big")
    return hmac.new(bytes.fromhex(proof["seed"]), message, hashlib.sha256).digest()


def order(proof: Proof) -> List[int]:
    """All 78 cards as they lay."""
    deck, counter = list(range(CARDS)), 0
    words = []  # type: List[int]
    for last in range(CARDS - 1, 0, -1):
        while True:
            if not words:
                data, counter = block(proof, b"souk/draw/v1", counter), counter + 1
                words = [int.from_bytes(data[at : at + 4], "big") for at in range(0, 32, 4)]
            word = words.pop(0)
            if word < 2**32 - 2**32 % (last + 1):
                break
        other = word % (last + 1)
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def orientations(proof: Proof) -> List[bool]:
    """Whether each of 78 cards, as they lay, is upside down."""
    data = block(proof, b"souk/turn/v1", 0)
    return [proof["reversed_cards"] and bool(data[place // 8] >> (7 - place % 8) & 1) for place in range(CARDS)]


def check(proof: Proof) -> List[str]:
    """What is wrong with a proof; an empty list for nothing."""
    wrong = []
    if commitment(proof) != proof["commitment"]:
        wrong.append("The seal does not fit the seed.")
    lay = order(proof)
    if lay != proof["order"]:
        wrong.append("The seeds give another order of the deck.")
    dealt = list(zip(lay, orientations(proof)))
    if dealt[: len(proof["cards"])] != [tuple(card) for card in proof["cards"]]:
        wrong.append("The seeds give other cards.")
    return wrong


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        problems = check(json.load(file))
    print("\n".join(problems) or "Nobody moved a card: the seal fits, and the cards follow from both seeds.")
    sys.exit(1 if problems else 0)
