"""The words that no name in Souk has: ``words`` says who breaks these rules, with its other offences."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

NAMES: Final = (
    (r"(?<!one )(?<!either )(?<!other )(?<!on its )(?<!the )\bways?\b(?! (?:in|out)\b)", "method"),
    (
        r"\b(?:anew|seldom|whoever|house|news|(?:put|set) aside|shut out)\b",
        "again, rarely, anyone, shop, report, hold, block",
    ),
    (
        # The names of tests are sentences; the others are columns, a kind of errors and a method that asyncio names.
        r"^(?!test |low stock told$|told at$|made (?:at|by)$|not found$|connection made$)"
        r".*?\b(?:told|wanted|made|kept|found)\b",
        "what it is: rows, order, message, expected, created",
    ),
)
"""In names of functions, parameters and variables, whose underscores are read as spaces."""

_TEXTS: Final = re.compile(r'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#.*|\bdef test_\w+')
_DIALECT: Final = re.compile(
    r"(?:\b|_)(?:ways?|anew|seldom|whoever|house|news|aside|shut_out|told|wanted|made|kept|found)(?:\b|_)",
    re.IGNORECASE,
)


def may_offend(code: str) -> bool:
    """Whether a module may have a name that breaks a rule: most have none, and need not be read word by word."""
    return bool(_DIALECT.search(code)) and bool(_DIALECT.search(_TEXTS.sub("", code)))


def names(file: str, code: str) -> Iterator[tuple[str, str]]:
    """The names in a module, read as words."""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.NAME:
            yield f"{file}:{token.start[0]}", token.string.strip("_").replace("_", " ")
