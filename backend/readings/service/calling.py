"""A text by the model: its calls, and what is done about each that fails. See decision 0103."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from backend.infra.metrics import MODEL_CALLS, MODEL_FIRST_WORD, MODEL_TOKENS
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.domain.answers import Work
from backend.readings.ports import CallFigures, InterpretationFailed, Model
from backend.readings.repository import calls
from backend.readings.rules.languages import LanguageCheck
from backend.readings.rules.plain import plain
from backend.readings.rules.retries import LEVELS, Next, Price, Tries
from backend.readings.rules.wholeness import last_sentence
from backend.readings.service.writing import Pen
from backend.readings.types import AnswerId, Failure, Usage
from backend.readings.types.models import ModelCall, Prompt

_HEADING: Final = re.compile(r"\d{1,2}\.")
_CHANCES: Final = 1024
log = structlog.get_logger(__name__)


class Calling(msgspec.Struct, frozen=True, kw_only=True):
    """The model, and what its calls may take: ``total`` seconds for one text, all its calls together."""

    uow: UnitOfWork
    model: Model
    name: str
    server: str
    """The host of its server."""
    price: Price
    total: float

    async def record(self, figures: CallFigures, failed: InterpretationFailed | None, answer: AnswerId | None) -> None:
        """Keep what a call took and how it ended, and tell the log and the metrics."""
        failure = failed.failure if failed else None
        outcome = failure.value if failure else "whole"
        cost = self.price.of(figures.prompt_tokens, figures.completion_tokens)
        MODEL_CALLS.labels(outcome).inc()
        MODEL_TOKENS.labels("prompt").inc(figures.prompt_tokens)
        MODEL_TOKENS.labels("completion").inc(figures.completion_tokens)
        if figures.first_word is not None:
            MODEL_FIRST_WORD.observe(figures.first_word)
        if failed:
            seconds = round(figures.seconds, 3)
            log.log(LEVELS[failed.failure], "model.failed", failure=outcome, detail=failed.detail, seconds=seconds)
        async with self.uow() as tx:
            call = ModelCall(
                at=tx.now, asked_model=self.name, model=figures.model, failure=failure, seconds=figures.seconds,
                first_word=figures.first_word, prompt_tokens=figures.prompt_tokens,
                completion_tokens=figures.completion_tokens, cost_micros=cost,
            )  # fmt: skip
            await calls.add(tx, call, answer)


class ModelReading:
    """One text by the model. ``closing`` makes a last paragraph for a text that was cut off."""

    def __init__(
        self, calling: Calling, work: Work, prompt: Prompt, pen: Pen, *, closing: Callable[[str], str]
    ) -> None:
        self.to_be_written_plainly = False
        """Whether the built-in interpreter is to write the text in the model's place."""
        self._calling = calling
        self._work = work
        self._interpretation = msgspec.structs.replace(work.interpretation, prompt=prompt.body)
        self._version = prompt.version
        self._pen = pen
        self._preface = pen.text
        self._closing = closing
        self._tries = Tries()
        self._all = CallFigures(model=calling.name)

    def usage(self) -> Usage:
        """What all calls took together."""
        figures = self._all
        return Usage(
            model=figures.model,
            prompt_version=self._version,
            input_tokens=figures.prompt_tokens,
            output_tokens=figures.completion_tokens,
            cost_micros=self._calling.price.of(figures.prompt_tokens, figures.completion_tokens),
            first_word_ms=None if figures.first_word is None else round(figures.first_word * 1000),
        )

    async def write(self) -> Failure | None:
        """Write until the text is whole (None), closed (TRUNCATED), or given up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._calling.total
        while (failed := await self._call(until)) is not None:
            going_on = bool(self._interpretation.written)
            shown = self._pen.text != self._preface and not failed.void
            todo = self._tries.next(failed.failure, failed.wait, shown=shown, going_on=going_on)
            if todo is Next.AGAIN:
                wait = self._tries.delay(failed.wait, secrets.randbelow(_CHANCES) / _CHANCES)
                if loop.time() + wait >= until:
                    return failed.failure
                if failed.void:
                    self._pen.begin_again(self._preface)
                await asyncio.sleep(wait)
            elif todo is Next.INSIST:
                self._pen.begin_again(self._preface)
                self._interpretation = msgspec.structs.replace(self._interpretation, insist=True)
            elif todo is Next.GO_ON:
                self._go_on()
            elif todo is Next.CLOSE and self._close():
                return Failure.TRUNCATED
            elif todo is Next.FAIL:
                return failed.failure
            else:
                self._pen.begin_again(self._preface)
                self.to_be_written_plainly = True
                return failed.failure
        return None

    def _own(self) -> str:
        return self._pen.text.removeprefix(self._preface)

    def _go_on(self) -> None:
        """From the last whole sentence: what begins after it fits whatever the model writes next."""
        written = last_sentence(self._own())
        self._pen.begin_again(self._preface + written)
        self._interpretation = msgspec.structs.replace(self._interpretation, written=written)

    def _close(self) -> bool:
        written = last_sentence(self._own())
        if written:
            self._pen.begin_again(f"{self._preface}{written}\n\n{self._closing(written)}")
        return bool(written)

    async def _call(self, until: float) -> InterpretationFailed | None:
        text = self._calling.model.interpret(self._interpretation)
        check, failed = LanguageCheck(self._interpretation.language), None
        try:
            async with asyncio.timeout_at(until):
                async for piece in text:
                    self._add(check.feed(plain(piece)))
                    if check.wrong:
                        break
            self._end(check)
        except InterpretationFailed as error:
            failed = self._cut(check, error)
        except TimeoutError:
            failed = InterpretationFailed(Failure.TIMEOUT_TOTAL)
        finally:
            await text.aclose()
        self._sum(text.figures)
        await self._calling.record(text.figures, failed, self._work.answer_id)
        return failed

    def _cut(self, check: LanguageCheck, failed: InterpretationFailed) -> InterpretationFailed:
        if failed.failure is not Failure.TRUNCATED:
            return failed
        try:
            self._end(check)
        except InterpretationFailed as wrong:
            return wrong
        return failed

    def _end(self, check: LanguageCheck) -> None:
        self._add(check.rest())
        if check.wrong:
            raise InterpretationFailed(Failure.WRONG_LANGUAGE)

    def _add(self, piece: str) -> None:
        if piece and self._interpretation.written and self._own() == self._interpretation.written:
            piece = ("\n\n" if _HEADING.match(piece) else " ") + piece
        self._pen.add(piece)

    def _sum(self, figures: CallFigures) -> None:
        total = self._all
        total.model = figures.model
        total.prompt_tokens += figures.prompt_tokens
        total.completion_tokens += figures.completion_tokens
        if total.first_word is None:
            total.first_word = figures.first_word
