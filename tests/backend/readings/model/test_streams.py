"""Every way in which a model's server answers, well or badly, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.readings.types import Failure
from tests.backend.readings.model.asking import Deadlines, asking, interpretation, outcome
from tests.fakes.model_server import (
    CUT,
    DONE,
    HELD,
    JSON,
    ROLE,
    SSE,
    STOP,
    USAGE,
    ModelServer,
    Play,
    chunk,
    event,
    refusal,
    say,
    whole,
)

HELLO = "1. The Hermit, here. Hello."
HI = say(HELLO)
COMPLETION = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "oracle-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": HELLO}, "finish_reason": "stop"}],
}  # fmt: skip


def crlf(*parts: bytes) -> bytes:
    return b"".join(parts).replace(b"data: ", b"data:").replace(b"\n", b"\r\n")


GOOD: dict[str, list[Any]] = {
    "normal, with usage": [ROLE, HI, STOP, USAGE, DONE],
    "comments keep the line open": [b": OPENROUTER PROCESSING\n\n", ROLE, b": ping\n\n", HI, STOP, DONE],
    "CRLF and no space": [crlf(ROLE, HI, STOP, DONE)],
    "no [DONE]": [ROLE, HI, STOP],
    "no [DONE], and the line held open": [ROLE, HI, STOP, HELD],
    "line held open after [DONE]": [ROLE, HI, STOP, DONE, HELD],
    "text after [DONE]": [ROLE, HI, STOP, DONE, say("more")],
    "byte-order mark before the text": [b"\xef\xbb", b"\xbf" + HI, STOP, DONE],
    "finish_reason is an empty text": [chunk({"content": HELLO}, ""), STOP, DONE],
    "choices are null": [event({"choices": None}), HI, STOP, DONE],
    "no choices": [event({"type": "ping"}), HI, STOP, DONE],
    "delta is null": [event({"choices": [{"index": 0, "delta": None, "finish_reason": None}]}), HI, STOP, DONE],
    "content is null": [chunk({"role": "assistant", "content": None, "tool_calls": None}), HI, STOP, DONE],
    "content is a list": [chunk({"content": [{"type": "text", "text": HELLO}, {"type": "image"}]}), STOP, DONE],
    "a chunk is a text": [event("hello"), HI, STOP, DONE],
    "a chunk is null": [event(None), HI, STOP, DONE],
    "reasoning_content": [chunk({"reasoning_content": "hmm"}), HI, STOP, DONE],
    "reasoning": [chunk({"reasoning": "hmm"}), HI, STOP, DONE],
    "think tags, cut": [say("<th"), say("ink>hm"), say("m</thi"), say("nk>\n\n"), HI, STOP, DONE],
    "another word for the end": [HI, chunk({}, "end_turn"), DONE],
    "a character cut between bytes": [HI[:-30], HI[-30:], STOP, DONE],
}


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD)
async def test_a_whole_text(steps: list[Any]) -> None:
    server = ModelServer(Play(steps))
    async with asking(server) as model:
        result = await outcome(model)
    assert (result.text, result.failed) == (HELLO, None)
    assert len(server.calls) == 1


@pytest.mark.parametrize("kind", [JSON, SSE])
async def test_a_server_that_does_not_stream_is_read_all_the_same(kind: dict[str, str]) -> None:
    async with asking(ModelServer(Play([json.dumps(COMPLETION).encode()], headers=kind))) as model:
        result = await outcome(model)
    assert (result.text, result.failed) == (HELLO, None)


BAD: dict[str, tuple[Failure, str, list[Any]]] = {
    "only [DONE]": (Failure.EMPTY, "", [DONE]),
    "empty body": (Failure.EMPTY, "", []),
    "only a comment": (Failure.EMPTY, "", [b": ping\n\n"]),
    "no words": (Failure.EMPTY, "", [ROLE, STOP, DONE]),
    "white space": (Failure.EMPTY, "", [say(" \n "), STOP, DONE]),
    "thoughts only": (Failure.EMPTY, "", [chunk({"reasoning_content": "hmm"}), STOP, DONE]),
    "think tag never closed": (Failure.EMPTY, "", [say("<think>hmm"), STOP, DONE]),
    "length, after thoughts only": (Failure.EMPTY, "", [chunk({"reasoning": "hmm"}), chunk({}, "length"), DONE]),
    "no reason for the end": (Failure.TRUNCATED, HELLO, [ROLE, HI]),
    "no reason, with [DONE]": (Failure.TRUNCATED, HELLO, [ROLE, HI, DONE]),
    "length": (Failure.TRUNCATED, HELLO, [HI, chunk({}, "length"), DONE]),
    "content filter": (Failure.REFUSED, "", [chunk({}, "content_filter"), DONE]),
    "content filter in the middle": (Failure.REFUSED, HELLO, [HI, chunk({}, "content_filter"), DONE]),
    "refusal": (Failure.REFUSED, "", [chunk({"refusal": "no"}), STOP, DONE]),
    "error object": (Failure.UNREACHABLE, HELLO, [HI, event({"error": {"message": "boom", "code": 502}}), DONE]),
    "error event": (
        Failure.GARBAGE, HELLO, [HI, b"event: error\n" + event({"error": {"message": "boom", "code": "x"}})],
    ),
    "error event without error": (
        Failure.BAD_REQUEST, HELLO, [HI, b"event: error\n" + event({"message": "boom", "code": 400}), DONE],
    ),
    "error is a text": (Failure.QUOTA, "", [ROLE, event({"error": "quota exceeded"}), DONE]),
    "error is empty": (Failure.GARBAGE, HELLO, [HI, event({"error": {}}), DONE]),
    "object: error": (
        Failure.BAD_REQUEST, "", [event({"object": "error", "message": "boom", "type": "BadRequest", "code": 400})],
    ),
    "error beside choices": (
        Failure.GARBAGE, HELLO,
        [HI, chunk({"content": ""}, "error", error={"code": "server_error", "message": "dropped"})],
    ),
    "finish_reason error": (Failure.GARBAGE, HELLO, [HI, chunk({}, "error"), DONE]),
    "calls a tool": (Failure.GARBAGE, "", [chunk({"tool_calls": [{"index": 0}]}), chunk({}, "tool_calls"), DONE]),
    "bad JSON": (Failure.GARBAGE, HELLO, [HI, b'data: {"id": \n\n', DONE]),
    "bad UTF-8": (Failure.GARBAGE, HELLO, [HI, b"data: \xff\xfe\n\n"]),
    "noise only": (Failure.GARBAGE, "", [event("hello"), DONE]),
    "thoughts without an opening tag": (Failure.GARBAGE, "I think", [say("I think"), say("</think>"), HI, STOP, DONE]),
}  # fmt: skip


@pytest.mark.parametrize(("failure", "text", "steps"), BAD.values(), ids=BAD)
async def test_a_text_that_is_not_whole(failure: Failure, text: str, steps: list[Any]) -> None:
    server = ModelServer(Play(steps))
    async with asking(server) as model:
        result = await outcome(model)
    assert (result.failure, result.text) == (failure, text)
    assert len(server.calls) == 1


async def test_a_broken_connection_is_no_end() -> None:
    async with asking(ModelServer(Play([ROLE, HI, CUT]))) as model:
        result = await outcome(model)
    assert result.failure is Failure.UNREACHABLE


async def test_nobody_listens() -> None:
    async with asking(ModelServer(whole(HELLO))) as model:
        pass
    result = await outcome(model)
    await model.close()
    assert result.failure is Failure.UNREACHABLE


@pytest.mark.parametrize("kind", [{"content-type": "text/html"}, SSE])
async def test_a_page_is_no_text(kind: dict[str, str]) -> None:
    async with asking(ModelServer(Play([b"<html>502</html>"], headers=kind))) as model:
        assert (await outcome(model)).failure is Failure.GARBAGE


@pytest.mark.parametrize("kind", [JSON, SSE])
async def test_an_error_with_status_200(kind: dict[str, str]) -> None:
    body = b'{"error": {"message": "no credit", "code": 402}}'
    async with asking(ModelServer(Play([body], headers=kind))) as model:
        assert (await outcome(model)).failure is Failure.QUOTA


STATUSES = {
    "401": (Failure.AUTH, refusal(401, {"error": {"message": "bad key", "code": "invalid_api_key"}})),
    "402": (Failure.QUOTA, refusal(402, {"error": {"message": "pay", "code": 402}})),
    "403": (Failure.AUTH, refusal(403, {"error": {"message": "no access"}})),
    "403 flagged": (Failure.REFUSED, refusal(403, {"error": {"message": "Your input was flagged"}})),
    "404": (Failure.BAD_REQUEST, refusal(404, {"error": "model not found"})),
    "429": (Failure.RATE_LIMITED, refusal(429, {"error": {"message": "slow", "code": "rate_limit"}}, retry_after="7")),
    "429 insufficient_quota": (Failure.QUOTA, refusal(429, {"error": {"message": "q", "code": "insufficient_quota"}})),
    "400 filtered": (Failure.REFUSED, refusal(400, {"error": {"message": "x", "code": "content_filter"}})),
    "400 error is a text": (Failure.BAD_REQUEST, refusal(400, {"error": "model not found"})),
    "400 detail": (Failure.BAD_REQUEST, refusal(400, {"detail": "x"})),
    "500 page": (Failure.UNREACHABLE, refusal(500, "<html>")),
    "503": (Failure.UNREACHABLE, refusal(503, {}, x_should_retry="true")),
    "504": (Failure.TIMEOUT_FIRST, refusal(504, "")),
    "302": (Failure.GARBAGE, refusal(302, "", location="http://127.0.0.1:1/")),
}


@pytest.mark.parametrize(("failure", "play"), STATUSES.values(), ids=STATUSES)
async def test_an_error_status_is_one_call(failure: Failure, play: Play) -> None:
    server = ModelServer(play)
    async with asking(server) as model:
        result = await outcome(model)
    assert result.failure is failure
    assert len(server.calls) == 1
    assert result.failed
    assert result.failed.wait == (7.0 if "retry-after" in play.headers else None)


SILENT: dict[str, tuple[Failure, list[Any], dict[str, float]]] = {
    "no headers' body": (Failure.TIMEOUT_FIRST, [HELD], {"first": 0.1}),
    "pings for ever": (Failure.TIMEOUT_FIRST, [ROLE, *[b": ping\n\n", 0.02] * 100], {"first": 0.2}),
    "thoughts for ever": (
        Failure.TIMEOUT_FIRST, [*[chunk({"reasoning": "hm"}), 0.02] * 100], {"first": 0.1, "thinking": 0.3},
    ),
    "silence in the middle": (Failure.TIMEOUT_GAP, [HI, HELD], {"gap": 0.1}),
    "pings in the middle": (Failure.TIMEOUT_GAP, [HI, *[b": ping\n\n", 0.02] * 100], {"gap": 0.2}),
    "empty chunks in the middle": (Failure.TIMEOUT_GAP, [HI, *[say(""), 0.02] * 100], {"gap": 0.2}),
}  # fmt: skip


@pytest.mark.parametrize(("failure", "steps", "limits"), SILENT.values(), ids=SILENT)
async def test_silence_has_a_deadline(failure: Failure, steps: list[Any], limits: dict[str, float]) -> None:
    deadlines = Deadlines(**({"first": 30.0, "thinking": 30.0, "gap": 30.0} | limits))
    async with asking(ModelServer(Play(steps)), deadlines=deadlines) as model:
        assert (await outcome(model)).failure is failure


async def test_who_thinks_first_has_more_time() -> None:
    steps = [chunk({"reasoning": "hm"}), 0.3, HI, STOP, DONE]
    async with asking(ModelServer(Play(steps)), deadlines=Deadlines(first=0.15, thinking=30, gap=30)) as model:
        assert (await outcome(model)).text == HELLO


async def test_a_server_whose_thoughts_have_no_opening_tag_is_remembered() -> None:
    thoughts = Play([say("I think"), say("</think>"), HI, STOP, DONE])
    async with asking(ModelServer(thoughts)) as model:
        first = await outcome(model)
        assert first.failed
        assert first.failed.void
        assert (await outcome(model)).text == HELLO
    async with asking(ModelServer(whole(HELLO))) as model:
        model.thinks_silently = True
        assert (await outcome(model)).text == HELLO


async def test_a_reader_that_leaves_ends_the_call() -> None:
    server = ModelServer(Play([HI, HELD]))
    async with asking(server) as model:
        writing = model.interpret(interpretation())
        assert await anext(writing) == HELLO
        await writing.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(writing)
    assert server.broken <= 1
