"""A person's draws: how many were sealed for them, what became of them, and the proofs of those never asked."""

from __future__ import annotations

from datetime import datetime

import msgspec

from backend.readings.types import ReadingId
from backend.readings.types.rooms import Proofs
from webapp.readings.screens.words import in_language


class UnaskedDraw(msgspec.Struct, frozen=True, kw_only=True):
    """A draw that was sealed and never asked; its proof is public."""

    spread: str
    committed_at: datetime
    proof: str


class DrawsPage(msgspec.Struct, frozen=True, kw_only=True):
    """readings/proofs.html; ``unasked`` are the latest of ``unasked_count``."""

    committed: int
    drawn: int
    waiting: int
    unasked_count: int
    unasked: tuple[UnaskedDraw, ...]


def proof_url(public_url: str, reading_id: ReadingId, language: str) -> str:
    """The public page of a draw's proof, in a language."""
    return f"{public_url.rstrip('/')}/readings/{reading_id}/proof?lang={language}"


def draws_page(proofs: Proofs, public_url: str, language: str) -> DrawsPage:
    """The page of a person's draws."""
    return DrawsPage(
        committed=proofs.committed,
        drawn=proofs.drawn,
        waiting=proofs.waiting,
        unasked_count=proofs.abandoned_count,
        unasked=tuple(
            UnaskedDraw(
                spread=in_language(one.name, language),
                committed_at=one.committed_at,
                proof=proof_url(public_url, one.reading_id, language),
            )
            for one in proofs.abandoned
        ),
    )
