"""What an admin types to find a product by its name."""

from __future__ import annotations

from typing import Final

import msgspec

from backend.catalog.rules.documents import NAMED, SLUG
from backend.catalog.rules.folding import fold
from backend.catalog.rules.queries import Query, Term
from backend.kernel.text import searched

_MOST_WORDS: Final = 8


class Name(msgspec.Struct, frozen=True):
    """The words by which a product is looked for, each the beginning of one."""

    query: Query

    def text(self, *, anywhere: bool = False) -> str:
        """It in the language of tsquery: each word is in the name, with ``anywhere`` in any text, or in the slug."""
        mark = "" if anywhere else NAMED
        words = (part[0][0].word for part in self.query.parts)
        return " & ".join(f"('{mark}{word}':* | '{SLUG}{word}':*)" for word in words)


def read_name(typed: str) -> Name | None:
    """The folded words of ``typed``; None where it has no letter and no digit."""
    words = fold(searched(typed))[:_MOST_WORDS]
    return Name(Query(tuple(((Term(word, begins=True),),) for word in words))) if words else None
