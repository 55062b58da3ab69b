"""The interpreter that needs no server: it composes texts by the rules in ``backend.readings.rules.composing``."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from backend.readings.ports import Interpretation
from backend.readings.rules.composing.ending import ending
from backend.readings.rules.composing.follow_up import follow_up
from backend.readings.rules.composing.reading import compose
from backend.readings.types import AnswerSource

_PIECE: Final = re.compile(r"\S+\s*")


class BuiltInInterpreter:
    """Writes readings and answers to further questions, at once and always."""

    source = AnswerSource.BUILT_IN

    async def interpret(self, task: Interpretation) -> AsyncIterator[str]:
        """The text word by word."""
        for piece in _PIECE.findall(follow_up(task) if task.before else compose(task)):
            yield piece


def closing(task: Interpretation, text: str) -> str:
    """A last paragraph for a model's ``text`` that broke off."""
    return ending(task, text)
