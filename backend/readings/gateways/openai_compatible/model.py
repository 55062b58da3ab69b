"""A reading written by a model: one call of its server, watched word by word."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

from backend.readings.gateways.openai_compatible import faults
from backend.readings.gateways.openai_compatible.chunks import Part, read
from backend.readings.gateways.openai_compatible.client import head_of, make_client
from backend.readings.gateways.openai_compatible.server import Keys, ModelServer, Parameters
from backend.readings.gateways.openai_compatible.thinking import Thoughts
from backend.readings.ports import CallFigures, Interpretation, InterpretationFailed
from backend.readings.rules.prompts import messages
from backend.readings.rules.wholeness import looks_whole
from backend.readings.types import AnswerSource, Failure
from backend.readings.types.models import Message

if TYPE_CHECKING:
    from openai import AsyncOpenAI

GRACE_SECONDS: Final = 0.5
"""How long the figures of a call are waited for after its text has ended."""
_FULL: Final = frozenset({"length", "max_tokens", "max_output_tokens"})
_FILTERED: Final = frozenset({"content_filter", "safety", "refusal", "prohibited_content", "blocklist"})
_WRONG: Final = frozenset({"error", "tool_calls", "function_call"})
_OTHER_KEY: Final = frozenset({Failure.AUTH, Failure.QUOTA})
_SSE: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


class OpenAiCompatible:
    """Has readings written by a model. Several calls may run side by side."""

    source = AnswerSource.MODEL

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.keys = Keys(server.keys)
        self.parameters = Parameters(server)
        self.thinks_silently = False
        """Whether the server has sent thoughts without an opening tag: then they are waited for from the start."""
        self._client: AsyncOpenAI | None = None

    def interpret(self, task: Interpretation) -> Writing:
        """One call; begins when it is first asked for a piece."""
        return Writing(self, messages(task), looks_whole(task))

    def say(self, asked: list[Message]) -> Writing:
        """One call with these messages, whose text may be anything."""
        return Writing(self, asked, lambda text: bool(text.strip()))

    def client(self) -> AsyncOpenAI:
        """The client, made at the first call."""
        if self._client is None:
            limits = self.server.deadlines
            self._client = make_client(self.server.url, silence=max(limits.first, limits.thinking, limits.gap) + 5)
        return self._client

    async def warm(self) -> None:
        """Import the library before the first call needs it, without holding up the loop."""
        await asyncio.to_thread(self.client)

    async def close(self) -> None:
        """Close the connections, where there are any."""
        if self._client is not None:
            await self._client.close()
            self._client = None


class Writing:
    """The text of one call, in pieces that may be shown. Raises InterpretationFailed; ``aclose`` ends the call."""

    def __init__(self, model: OpenAiCompatible, asked: list[Message], whole: Any) -> None:
        self.figures = CallFigures(model=model.server.model)
        self._model = model
        self._asked = asked
        self._whole = whole
        self._parts: AsyncGenerator[Part, None] | None = None
        self._thoughts = Thoughts(silent=model.thinks_silently)
        self._text = ""
        self._finish = ""
        self._refused = self._noise = self._ended = self._closed = False
        self._began = self._moved = 0.0
        self._thinking = False

    def __aiter__(self) -> Writing:
        return self

    async def __anext__(self) -> str:
        while not (self._ended or self._closed):
            try:
                part = await self._next()
            except StopAsyncIteration:
                self._ended = True
                if rest := self._visible(self._thoughts.rest()):
                    return rest
            else:
                if piece := self._take(part):
                    return piece
        if not self._closed:
            await self.aclose()
            self._judge()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the call, and its connection with it."""
        self._closed = True
        parts, self._parts = self._parts, None
        if parts is not None:
            with contextlib.suppress(RuntimeError):  # it is running: its own cancellation closes it
                await parts.aclose()

    async def _next(self) -> Part:
        now = asyncio.get_running_loop().time()
        if self._parts is None:
            self._began = self._moved = now
            self._parts = self._read()
        try:
            async with asyncio.timeout_at(self._deadline()):
                return await anext(self._parts)
        except TimeoutError:
            if self._finish:  # the line is held open, but the text has ended
                raise StopAsyncIteration from None
            await self.aclose()
            raise InterpretationFailed(Failure.TIMEOUT_GAP if self._text else Failure.TIMEOUT_FIRST) from None
        except StopAsyncIteration:
            raise
        except InterpretationFailed as failure:
            raise self._model.server.without_keys(failure) from None
        except Exception as error:
            await self.aclose()
            raise self._model.server.without_keys(faults.of_error(error)) from None
        finally:
            self.figures.seconds = asyncio.get_running_loop().time() - self._began

    def _deadline(self) -> float:
        limits = self._model.server.deadlines
        if self._finish:
            return self._moved + GRACE_SECONDS
        if self._text:
            return self._moved + limits.gap
        # Comments and empty chunks that keep the line open are no words.
        return self._began + (limits.thinking if self._thinking else limits.first)

    def _take(self, part: Part) -> str:
        if part.fault is not None:
            raise faults.of_fault(part.fault)
        figures = self.figures
        figures.model = part.model or figures.model
        if part.tokens:
            figures.prompt_tokens, figures.completion_tokens = part.tokens
        self._noise |= part.noise
        self._refused |= part.refused
        self._thinking |= part.thinks
        piece = self._visible(self._thoughts.feed(part.text)) if part.text else ""
        self._thinking |= bool(part.text.strip()) and not piece
        if self._thoughts.unopened:
            self._model.thinks_silently = True
            raise InterpretationFailed(Failure.GARBAGE, "thoughts without an opening tag", void=True)
        if piece or part.thinks or (part.finish and not self._finish):
            self._moved = asyncio.get_running_loop().time()
        figures.finish = self._finish = self._finish or part.finish
        return piece

    def _visible(self, piece: str) -> str:
        piece = piece if self._text else piece.lstrip()
        if piece and self.figures.first_word is None:
            self.figures.first_word = asyncio.get_running_loop().time() - self._began
        self._text += piece
        return piece

    def _judge(self) -> None:
        """Raise InterpretationFailed unless the text is whole."""
        if self._refused or self._finish in _FILTERED:
            raise InterpretationFailed(Failure.REFUSED, self._finish or "refusal")
        if self._finish in _WRONG:
            raise InterpretationFailed(Failure.GARBAGE, f"finish_reason {self._finish}")
        if not self._text.strip():
            failure = Failure.GARBAGE if self._noise and not self._finish else Failure.EMPTY
            raise InterpretationFailed(failure, "thoughts only" if self._thinking else self._finish)
        if self._finish in _FULL:
            raise InterpretationFailed(Failure.TRUNCATED, self._finish)
        if not self._finish and (self._model.server.strict or not self._whole(self._text)):
            raise InterpretationFailed(Failure.TRUNCATED, "no finish_reason")

    async def _read(self) -> AsyncGenerator[Part, None]:
        """The parts of the answer, asked for with each key until one is taken."""
        model, now = self._model, asyncio.get_running_loop().time()
        failed: InterpretationFailed | None = None
        for key in model.keys.usable(now):
            silent = True
            try:
                async with contextlib.aclosing(self._call(key)) as parts:
                    async for part in parts:
                        if part.fault is not None:
                            raise faults.of_fault(part.fault)
                        silent = silent and not part.text
                        yield part
            except Exception as error:
                failed = faults.of_error(error)
                if failed.failure in _OTHER_KEY and silent:
                    model.keys.postpone(key, now)
                    continue
                raise failed from None
            model.keys.works(key)
            return
        assert failed is not None
        raise failed

    async def _call(self, key: str) -> AsyncGenerator[Part, None]:
        stream = await self._opened(key)
        async with stream:
            some = False
            async for chunk in stream:
                some = True
                yield read(chunk)
            if not some:
                for part in _whole_body(head_of(stream.response)):
                    yield part

    async def _opened(self, key: str) -> Any:
        """The stream; a parameter that the server does not take is left out once for all, and the call made again."""
        client = self._model.client().with_options(api_key=key)
        while True:
            options = self._model.parameters.current()
            try:
                return await client.chat.completions.create(
                    model=self._model.server.model,
                    messages=[{"role": message.role, "content": message.text} for message in self._asked],  # type: ignore[misc]
                    stream=True,
                    **options,
                )
            except Exception as error:
                if (name := faults.disliked_parameter(error, options)) is None:
                    raise
                self._model.parameters.drop(name)


def _whole_body(body: bytes) -> list[Part]:
    """What a body without one event is: a whole message, an error, nothing. Raises InterpretationFailed."""
    body = body.strip()
    if not body or body.startswith(_SSE):
        return []
    try:
        answer = json.loads(body)
    except ValueError:
        raise InterpretationFailed(Failure.GARBAGE, f"no stream: {body[:80]!r}") from None
    part = read(answer)
    if part.noise or not isinstance(answer, dict):
        raise InterpretationFailed(Failure.GARBAGE, f"no stream: {body[:80]!r}")
    return [part]
