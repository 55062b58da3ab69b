"""Who writes a text: the model where there is one and it works, else the built-in interpreter. See decision 0103."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
import structlog

from backend.infra.metrics import MODEL_CALLS
from backend.infra.unit_of_work import UnitOfWork
from backend.readings import words
from backend.readings.domain.answers import Work
from backend.readings.ports import Interpretation, Interpreter
from backend.readings.repository import calls, prompts
from backend.readings.rules.questions import Concern, concern_of
from backend.readings.rules.retries import FAILED_IN_A_ROW, paused_until
from backend.readings.service.calling import Calling, ModelReading
from backend.readings.service.writing import Pen
from backend.readings.types import AnswerSource, Failure, Usage
from backend.readings.types.models import Prompt

_WORDS: Final = re.compile(r"\S+\s*|\s+")
log = structlog.get_logger(__name__)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a text ended: by whom it is, or why there is none."""

    source: AnswerSource | None = None
    failure: Failure | None = None
    """Also where the built-in interpreter wrote in the model's place, or closed its text: then nothing is charged."""
    free: bool = False
    """Nothing is charged, although nothing failed."""
    usage: Usage | None = None


Closing = Callable[[Interpretation, str], str]
"""Makes a last paragraph for a text that was cut off."""


class Authors:
    """Writes texts with a pen.

    ``pace`` is how many seconds the built-in interpreter takes for a word, so that its text can be read along;
    ``help_lines`` are the seller's for people in distress, by language.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        calling: Calling | None,
        built_in: Interpreter,
        closing: Closing,
        pace: float,
        help_lines: Callable[[str], str],
    ) -> None:
        self._uow = uow
        self._calling = calling
        self._built_in = built_in
        self._closing = closing
        self._pace = pace
        self._help_lines = help_lines

    async def warm(self) -> None:
        """Prepare the first call of the model."""
        if self._calling is not None:
            await self._calling.model.warm()

    async def write(self, work: Work, pen: Pen) -> Ending:
        """Write a whole text, or say why there is none; raises nothing that a model does."""
        task = work.interpretation
        concern = concern_of(task.question)
        if concern is Concern.DISTRESS:
            pen.begin_again(words.in_distress(task.language, self._help_lines(task.language)))
            return Ending(source=AnswerSource.BUILT_IN, free=True)
        pen.begin_again(words.caveat(concern, task.language))
        if work.built_in or self._calling is None:
            await self._plainly(task, pen)
            return Ending(source=AnswerSource.BUILT_IN)
        prompt, paused = await self._prepared(self._calling, task.language)
        if paused is not None:
            MODEL_CALLS.labels("paused").inc()
            log.warning("model.paused", failure=paused.value)
            return Ending(failure=paused)
        return await self._by_model(self._calling, work, prompt, pen)

    async def _by_model(self, calling: Calling, work: Work, prompt: Prompt, pen: Pen) -> Ending:
        reading = ModelReading(calling, work, prompt, pen, closing=partial(self._closing, work.interpretation))
        failure = await reading.write()
        usage = reading.usage()
        if reading.to_be_written_plainly:
            await self._plainly(work.interpretation, pen)
            return Ending(source=AnswerSource.BUILT_IN, failure=failure, usage=usage)
        if failure is None or failure is Failure.TRUNCATED:
            return Ending(source=AnswerSource.MODEL, failure=failure, usage=usage)
        return Ending(failure=failure, usage=usage)

    async def _prepared(self, calling: Calling, language: str) -> tuple[Prompt, Failure | None]:
        """The prompt; and why the model is left alone at the moment, if it is."""
        async with self._uow.read() as tx:
            prompt = await prompts.find_latest(tx, language)
            latest = await calls.list_latest(tx, calling.name, FAILED_IN_A_ROW)
            until = paused_until(latest)
            paused = latest[0].failure if until is not None and tx.now < until else None
        return prompt or Prompt(language=language, version=0, body=None), paused

    async def _plainly(self, task: Interpretation, pen: Pen) -> None:
        async for piece in self._built_in.interpret(task):
            for word in _WORDS.findall(piece):
                pen.add(word)
                await asyncio.sleep(self._pace)
