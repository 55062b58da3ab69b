"""Whatever a model's server does, the person ends with a reading or a clear word, and pays for whole texts only."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from backend.infra.crypto import KeyRing
from backend.infra.signals import Signals
from backend.infra.unit_of_work import UnitOfWork
from backend.readings.rules.layout import spoken_positions
from backend.readings.rules.retries import LEVELS
from backend.readings.service import calling
from backend.readings.types import AnswerSource, AnswerStatus, CreditState, Failure
from tests.backend.readings.model.asking import LONG, Deadlines
from tests.backend.readings.model.desk import HELP_LINES, TEXT, Desk, desk
from tests.fakes.model_server import (
    CUT,
    DONE,
    HELD,
    STOP,
    USAGE,
    ModelServer,
    Play,
    chunk,
    event,
    refusal,
    say,
    whole,
    words,
)

MakeDesk = Callable[..., AbstractAsyncContextManager[Desk]]
HALF = TEXT[: TEXT.index("light")]
RUSSIAN = " ".join(["Вы идёте в одиночестве с фонарём."] * 12)


@pytest.fixture
def at_desk(room: UnitOfWork, ring: KeyRing, engine: AsyncEngine, database_url: str, monkeypatch: Any) -> MakeDesk:
    """A worker's part, by its server; it waits for no retry."""
    monkeypatch.setattr(calling.Tries, "delay", lambda self, wait, chance: 0.0)

    @contextlib.asynccontextmanager
    async def make(*plays: Play, **changes: Any) -> AsyncIterator[Desk]:
        server = changes.pop("server", None) or ModelServer(*plays)
        async with desk(room, ring, Signals(engine, database_url), server, **changes) as ready:
            yield ready

    return make


def levels(logs: list[Any]) -> list[str]:
    return [entry["log_level"] for entry in logs if entry["event"] == "model.failed"]


async def test_a_whole_text_is_paid_for(at_desk: MakeDesk) -> None:
    with capture_logs() as logs:
        async with at_desk(whole(TEXT)) as desk:
            done = await desk.written()
            calls = await desk.calls()
    assert (done.answer.status, done.answer.source) == (AnswerStatus.COMPLETE, AnswerSource.MODEL)
    assert (done.text, done.shown, done.credits) == (TEXT, TEXT, CreditState.USED)
    assert done.numbers == list(range(1, len(done.numbers) + 1))
    assert levels(logs) == []
    assert [(call["failure"], call["prompt_tokens"], call["completion_tokens"]) for call in calls] == [(None, 120, 80)]
    assert calls[0]["cost_micros"] == 66  # 120 at 0.15 and 80 at 0.60 a million
    assert done.answer.model == "oracle-1"


ENDS: dict[str, tuple[Failure, str, list[Play], int]] = {
    # How it ends, how loudly the log tells of it, what the server plays, how often it is called.
    "twice unreachable": (Failure.UNREACHABLE, "warning", [refusal(500, "<html>")], 2),
    "503": (Failure.UNREACHABLE, "warning", [refusal(503, {})], 2),
    "cut in the middle": (Failure.UNREACHABLE, "warning", [Play([say(HALF), CUT])], 1),
    "silent twice": (Failure.TIMEOUT_FIRST, "warning", [Play([HELD])], 2),
    "silent in the middle": (Failure.TIMEOUT_GAP, "warning", [Play([say(HALF), HELD])], 1),
    "rate limit twice": (Failure.RATE_LIMITED, "info", [refusal(429, {"error": {"code": "rate_limit"}})], 2),
    "rate limit for long": (
        Failure.RATE_LIMITED, "info", [refusal(429, {"error": {"code": "rate_limit"}}, retry_after="11")], 1,
    ),
    "no quota": (Failure.QUOTA, "error", [refusal(429, {"error": {"code": "insufficient_quota"}})], 1),
    "402": (Failure.QUOTA, "error", [refusal(402, {"error": {"message": "pay"}})], 1),
    "401": (Failure.AUTH, "error", [refusal(401, {"error": {"code": "invalid_api_key"}})], 1),
    "bad request": (Failure.BAD_REQUEST, "error", [refusal(400, {"error": "model not found"})], 1),
    "garbage twice": (Failure.GARBAGE, "warning", [Play([b"<html>"], headers={"content-type": "text/html"})], 2),
    "garbage in the middle": (Failure.GARBAGE, "warning", [Play([say(HALF), b'data: {"id"\n\n', DONE])], 1),
    "error in the middle": (Failure.GARBAGE, "warning", [Play([say(HALF), event({"error": {"message": "boom"}})])], 1),
    "empty twice": (Failure.EMPTY, "warning", [Play([DONE])], 2),
    "thoughts only, twice": (Failure.EMPTY, "warning", [Play([say("<think>hm"), STOP, DONE])], 2),
}  # fmt: skip


@pytest.mark.parametrize(("failure", "level", "plays", "count"), ENDS.values(), ids=ENDS)
async def test_a_failure_costs_nothing(
    at_desk: MakeDesk, failure: Failure, level: str, plays: list[Play], count: int
) -> None:
    server = ModelServer(*plays)
    silent = any(HELD in play.steps for play in plays)
    limits = Deadlines(first=0.2, thinking=0.2, gap=0.2) if silent else LONG
    with capture_logs() as logs:
        async with at_desk(server=server, deadlines=limits) as desk:
            done = await desk.written()
            await desk.interpreting.interpret(done.answer.id)  # the job comes again
            again = await desk.now(done.answer)
            calls = await desk.calls()
    assert (done.answer.status, done.answer.failure) == (AnswerStatus.FAILED, failure)
    assert (done.credits, again.credits) == (CreditState.RETURNED, CreditState.RETURNED)
    assert len(server.calls) == count
    assert [call["failure"] for call in calls] == [failure.value] * count
    assert levels(logs) == [level] * count
    assert HALF.startswith(done.shown)


SECOND: dict[str, Play] = {
    "unreachable": refusal(500, "<html>"),
    "rate limit": refusal(429, {"error": {"code": "rate_limit"}}, retry_after="0.5"),
    "garbage": Play([event("hello"), DONE]),
    "empty": Play([DONE]),
    "silent": Play([HELD]),
    "thoughts without an opening tag": Play([say("I think"), say("</think>"), STOP, DONE]),
}


@pytest.mark.parametrize("first", SECOND.values(), ids=SECOND)
async def test_what_works_the_second_time_is_paid_for(at_desk: MakeDesk, first: Play) -> None:
    limits = Deadlines(first=0.3, thinking=0.3, gap=5) if HELD in first.steps else LONG
    async with at_desk(first, whole(TEXT), deadlines=limits) as desk:
        done = await desk.written()
    assert (done.answer.status, done.credits) == (AnswerStatus.COMPLETE, CreditState.USED)
    assert (done.text, done.shown) == (TEXT, TEXT)


async def test_all_calls_together_have_a_deadline(at_desk: MakeDesk) -> None:
    slow = Play([*words(TEXT, every=0.05), HELD])
    async with at_desk(slow, total=0.3) as desk:
        done = await desk.written()
    assert (done.answer.failure, done.credits) == (Failure.TIMEOUT_TOTAL, CreditState.RETURNED)


async def test_no_retry_is_begun_past_the_deadline(at_desk: MakeDesk, monkeypatch: Any) -> None:
    monkeypatch.setattr(calling.Tries, "delay", lambda self, wait, chance: 5.0)
    server = ModelServer(refusal(500, ""))
    async with at_desk(server=server, total=1) as desk:
        done = await desk.written()
    assert (done.answer.failure, len(server.calls)) == (Failure.UNREACHABLE, 1)


@pytest.mark.parametrize("play", [
    Play([chunk({}, "content_filter"), DONE]),
    Play([chunk({"refusal": "no"}), STOP, DONE]),
    Play([say(HALF), chunk({}, "content_filter"), DONE]),
    refusal(400, {"error": {"code": "content_filter"}}),
])  # fmt: skip
async def test_a_refusal_ends_in_the_built_in_text(at_desk: MakeDesk, play: Play) -> None:
    server = ModelServer(play)
    with capture_logs() as logs:
        async with at_desk(server=server) as desk:
            done = await desk.written()
    assert (done.answer.status, done.answer.source) == (AnswerStatus.COMPLETE, AnswerSource.BUILT_IN)
    assert (done.answer.failure, done.credits) == (Failure.REFUSED, CreditState.RETURNED)
    assert spoken_positions(done.text, 3) == {1, 2, 3}
    assert done.shown == done.text
    assert HALF not in done.text
    assert (len(server.calls), levels(logs)) == (1, ["info"])


async def test_a_text_that_was_cut_off_is_continued_from_its_last_sentence(at_desk: MakeDesk) -> None:
    server = ModelServer(
        Play([say(HALF), chunk({}, "length"), USAGE, DONE]), whole("There is light. 3 cards say so.")
    )  # fmt: skip
    async with at_desk(server=server) as desk:
        done = await desk.written()
        calls = await desk.calls()
    written = HALF[: HALF.index("lamp.") + 5]
    assert done.text == f"{written} There is light. 3 cards say so."
    assert (done.shown, done.credits) == (done.text, CreditState.USED)
    assert server.asked[1]["messages"][-2] == {"role": "assistant", "content": written}
    assert [call["failure"] for call in calls] == ["api.truncated", None]


async def test_a_continuation_that_begins_with_a_heading_is_a_paragraph(at_desk: MakeDesk) -> None:
    async with at_desk(Play([say(HALF)]), whole("2. The Star, place 1\nThere is light.")) as desk:
        done = await desk.written()
    assert "lamp.\n\n2. The Star" in done.text


@pytest.mark.parametrize("second", [
    Play([say("There is lig"), chunk({}, "length"), DONE]), refusal(500, ""), refusal(401, ""), Play([DONE]),
])  # fmt: skip
async def test_twice_cut_off_is_closed_and_free(at_desk: MakeDesk, second: Play) -> None:
    server = ModelServer(Play([say(HALF), chunk({}, "length"), DONE]), second)
    async with at_desk(server=server) as desk:
        done = await desk.written()
    assert (done.answer.status, done.answer.source) == (AnswerStatus.COMPLETE, AnswerSource.MODEL)
    assert (done.answer.failure, done.credits) == (Failure.TRUNCATED, CreditState.RETURNED)
    assert done.text.startswith("1. The Hermit, place 0\nYou walk alone with a lamp.\n\n")
    assert "There is" not in done.text
    assert len(done.text) > len(HALF)
    assert (done.shown, len(server.calls)) == (done.text, 2)


async def test_a_wrong_language_is_asked_for_once_more(at_desk: MakeDesk) -> None:
    server = ModelServer(whole(TEXT * 2), whole(RUSSIAN))
    async with at_desk(server=server) as desk:
        done = await desk.written("Что теперь?", language="ru")
        calls = await desk.calls()
    assert (done.text, done.credits) == (RUSSIAN, CreditState.USED)
    assert done.numbers[0] == 1
    assert [call["failure"] for call in calls] == ["api.wrong_language", None]
    assert "ни слова на другом языке" in server.asked[1]["messages"][-1]["content"]


@pytest.mark.parametrize("language", ["ru", "ar"])
async def test_twice_in_a_wrong_language_is_the_built_in_text(at_desk: MakeDesk, language: str) -> None:
    with capture_logs() as logs:
        async with at_desk(whole(TEXT * 2)) as desk:
            done = await desk.written(language=language)
    assert (done.answer.source, done.answer.failure) == (AnswerSource.BUILT_IN, Failure.WRONG_LANGUAGE)
    assert (done.credits, levels(logs)) == (CreditState.RETURNED, ["warning", "warning"])
    assert "lamp" not in done.shown


async def test_distress_brings_help_and_no_model(at_desk: MakeDesk) -> None:
    server = ModelServer(whole(TEXT))
    async with at_desk(server=server) as desk:
        done = await desk.written("I want to kill myself")
    assert (done.answer.status, done.credits, server.calls) == (AnswerStatus.COMPLETE, CreditState.RETURNED, [])
    assert "Ring 0800 111 0 111\nDay and night" in done.text
    assert HELP_LINES not in done.text
    assert "No credit was used" in done.text


async def test_a_delicate_subject_has_its_caveat_in_front(at_desk: MakeDesk) -> None:
    async with at_desk(Play([say("You"), chunk({}, "content_filter"), DONE])) as desk:
        done = await desk.written("Shall I go to the doctor?")
    assert done.text.startswith("Cards can't replace a doctor")
    assert done.text.count("Cards can't replace") == 1


async def test_after_five_failures_the_model_is_left_alone(at_desk: MakeDesk, clock: Any) -> None:
    server = ModelServer(refusal(401, ""))
    async with at_desk(server=server) as desk:
        for _ in range(5):
            await desk.written()
        assert len(server.calls) == 5
        done = await desk.written()
        assert (done.answer.failure, done.credits, len(server.calls)) == (Failure.AUTH, CreditState.RETURNED, 5)
        clock.move(seconds=31)
        server.plays = [whole(TEXT)]
        assert (await desk.written()).credits is CreditState.USED
        server.plays = [refusal(401, "")]
        await desk.written()
        assert len(server.calls) == 7


async def test_what_says_nothing_of_the_server_does_not_count(at_desk: MakeDesk) -> None:
    server = ModelServer(refusal(400, {"error": {"code": "content_filter"}}))
    async with at_desk(server=server) as desk:
        for _ in range(6):
            await desk.written()
    assert len(server.calls) == 6


def test_every_failure_has_a_level() -> None:
    assert set(LEVELS) == set(Failure)
    assert set(LEVELS.values()) == {logging.INFO, logging.WARNING, logging.ERROR}
