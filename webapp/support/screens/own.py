"""A customer's own conversation with the shop."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from backend.support.types import LONGEST_TEXT, TEXT_KIND, Thread, TicketState

SUPPORT = "/me/support"


class OwnBubble(msgspec.Struct, frozen=True, kw_only=True):
    """A message; ``media`` is what it is beside its text, which the chat has."""

    at: datetime
    mine: bool
    text: str
    media: str


class OwnSupport(msgspec.Struct, frozen=True, kw_only=True):
    """support/support.html: what was written, and the form to write; ``state`` is empty before anything was."""

    bubbles: tuple[OwnBubble, ...]
    number: str
    state: TicketState | Literal[""]
    intent: str
    live: str = ""
    typed: str = ""
    text_error: Literal["", "required", "too_long"] = ""
    longest: int = LONGEST_TEXT


def own_support(thread: Thread | None, intent: str) -> OwnSupport:
    """The page, from the customer's latest ticket."""
    return OwnSupport(
        bubbles=tuple(
            OwnBubble(
                at=one.at,
                mine=not one.message.is_answer,
                text=one.text or "",
                media="" if one.message.kind == TEXT_KIND else one.message.kind,
            )
            for one in (thread.messages if thread else ())
        ),
        number=thread.ticket.number if thread else "",
        state=thread.ticket.state if thread else "",
        intent=intent,
    )
