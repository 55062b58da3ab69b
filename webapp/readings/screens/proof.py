"""The public page of a draw's proof, and the file that checks it elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.kernel.text import Locale
from backend.readings import words
from backend.readings.types import ReadingState
from backend.readings.types.rooms import Proof

StepKey = Literal["sealed", "asked", "dealt", "opened"]


class ProofStep(msgspec.Struct, frozen=True):
    """A moment of a draw; ``at`` is None for what has not happened."""

    key: StepKey
    at: datetime | None


class ProofCard(msgspec.Struct, frozen=True):
    """A dealt card: its number in the deck, and its name."""

    card: int
    name: str
    reversed: bool


class ProofPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/proof.html; ``values`` is what the check computes with, as JSON, once the cards are dealt."""

    state: Literal["right", "wrong", "sealed", "abandoned", "lost"]
    locale: Locale
    shop: str
    spread: str
    steps: tuple[ProofStep, ...]
    commitment: str
    seed: str
    client_seed: str
    order: tuple[int, ...]
    cards: tuple[ProofCard, ...]
    committed_at: datetime
    values: str
    address: str
    values_file: str = "proof.json"
    script_file: str = "check_draw.py"
    command: str = "python3 check_draw.py proof.json"


def proof_page(proof: Proof, locale: Locale, shop: str) -> ProofPage:
    """A draw's proof in a language."""
    dealt = proof.state is ReadingState.DRAWN
    moments: tuple[tuple[StepKey, datetime | None], ...] = (
        ("sealed", proof.committed_at), ("asked", proof.asked_at), ("dealt", proof.asked_at),
        ("opened", proof.revealed_at),
    )  # fmt: skip
    return ProofPage(
        state=_state(proof),
        locale=locale,
        shop=shop,
        spread=proof.name.get(locale.value) or proof.name["en"],
        steps=tuple(ProofStep(key, at) for key, at in moments if at or proof.state is not ReadingState.ABANDONED),
        commitment=proof.commitment,
        seed=proof.seed or "",
        client_seed=proof.client_seed or "",
        order=proof.order,
        cards=tuple(ProofCard(one.card, words.card_name(one.card, locale), one.reversed) for one in proof.cards),
        committed_at=proof.committed_at,
        values=proof_values(proof).decode() if dealt else "",
        address=f"/readings/{proof.reading_id}/proof",
    )


def proof_values(proof: Proof) -> bytes:
    """What the page's check and the script for home compute with."""
    return msgspec.json.encode(
        {
            "algorithm": proof.algorithm,
            "reading_id": str(proof.reading_id),
            "spread_id": str(proof.spread_id),
            "spread_version": proof.spread_version,
            "deck_version": proof.deck_version,
            "commitment": proof.commitment,
            "seed": proof.seed,
            "client_seed": proof.client_seed,
            "reversed_cards": proof.reversed_cards,
            "order": proof.order,
            "cards": proof.cards,
        }
    )


def _state(proof: Proof) -> Literal["right", "wrong", "sealed", "abandoned", "lost"]:
    if not proof.fits:
        return "wrong"
    if proof.state is ReadingState.DRAWN:
        return "right"
    if proof.state is ReadingState.COMMITTED:
        return "sealed"
    return "abandoned" if proof.seed else "lost"
