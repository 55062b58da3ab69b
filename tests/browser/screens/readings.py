"""The reading room: before and after a question, while a text comes, and when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect
from sqlalchemy import text as sql

from backend.identity.types import Actor
from backend.infra.unit_of_work import Tx
from backend.kernel.money import CREDIT, Money
from backend.readings.domain import answers, drawing, privacy
from backend.readings.repository import answers as stored_answers
from backend.readings.repository import chunks, spreads
from backend.readings.repository import readings as stored
from backend.readings.repository.answers import StoredAnswer
from backend.readings.repository.chunks import StoredChunk
from backend.readings.types import AnswerId, AnswerSource, AnswerStatus, Failure
from backend.readings.types.rooms import PackageFields, Period
from tests.browser.screens.screen import Screen, press
from tests.browser.stack import Stack
from tests.browser.telegram import Person
from tests.factories.wallet import give

if TYPE_CHECKING:
    from tests.browser.screens.world import World

_QUESTION = "I was offered work in another city. What am I not seeing?"
_SEED = "00112233445566778899aabbccddeeff"
_SO_FAR = (
    "1. The first card, where you stand\nYou have been deciding this alone, with the lamp turned so that it lights "
    "only the path. It is careful, and it leaves the people beside you in the dark.\n\n2. The second card, what "
    "crosses you\nBoth offers are held at the same height, so that neither is ever heavier. What you are not seeing "
    "may be that you have stopped"
)
_LONG = timedelta(hours=5)


class Past(msgspec.Struct, frozen=True):
    """Readings by how they ended."""

    complete: str
    running: str
    failed: str
    stopped: str
    missing: str


async def sell_credits(stack: Stack) -> None:
    """Put packages on sale, unless they are."""
    packages = stack.services.readings.packages
    if await packages.list_all(Actor.system()):
        return
    for credits, cents, period in ((5, 490, Period.ONCE), (20, 1490, Period.ONCE), (10, 790, Period.MONTHLY)):
        name = {"en": f"{credits} credits", "ar": f"{credits} قراءات", "ru": f"{credits} раскладов"}
        fields = PackageFields(name=name, credits=credits, price=Money(cents, "USD"), period=period)
        await packages.add(Actor.system(), f"credits-{credits}", fields, category="games")


async def give_credits(stack: Stack, who: Actor, credits: int) -> None:
    """Put credits into somebody's wallet."""
    async with stack.services.uow() as tx:
        await give(tx, who.id, Money(credits, CREDIT))


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """One reading of each state; packages on sale."""
    await stack.services.readings.upkeep.ensure_spreads()
    await sell_credits(stack)
    rich, saver = await stack.actor(people["rich"].id), await stack.actor(people["saver"].id)
    payer, reseller = await stack.actor(people["payer"].id), await stack.actor(people["reseller"].id)
    asking = stack.services.readings.asking
    free = await asking.commit_free_card(rich)
    await asking.turn_free_card(rich, free.reading_id, _SEED, reversed_cards=True, language=rich.language)
    return Past(
        complete=await _reading(stack, rich, "three", AnswerStatus.COMPLETE),
        running=await _reading(stack, saver, "celtic-cross", AnswerStatus.RUNNING),
        failed=await _reading(stack, payer, "celtic-cross", AnswerStatus.FAILED),
        stopped=await _reading(stack, payer, "one", AnswerStatus.STOPPED),
        missing=await _without_key(stack, reseller),
    )


async def _reading(stack: Stack, who: Actor, slug: str, status: AnswerStatus) -> str:
    """A reading that is asked and has come to its status before any worker sees it."""
    ring = stack.services.ring
    async with stack.services.uow() as tx:
        spread = await spreads.find(tx, slug)
        assert spread is not None
        await give(tx, who.id, Money(spread.credits + 2, CREDIT))
        waiting = await drawing.commit(tx, ring, who.id, spread)
        locked = await stored.get(tx, waiting.id, locked=True)
        await drawing.deal(tx, ring, locked, spread.body, _SEED, reversed_cards=True, language=who.language)
        answer_id = AnswerId(tx.new_id())
        sealed = await privacy.seal_text(tx, ring, who.id, _QUESTION, privacy.question_context(answer_id))
        answer = StoredAnswer(
            id=answer_id, reading_id=waiting.id, user_id=who.id, spread_id=spread.id, number=0,
            status=AnswerStatus.WAITING, attempt=1, credits=spread.credits, built_in=False, question=sealed,
            asked_at=tx.now, lease_until=tx.now + _LONG,
        )  # fmt: skip
        await stored_answers.add(tx, answer)
        await answers.ask(tx, answer, spread.body.name)
        await _bring(stack, tx, answer, status)
    return str(waiting.id)


async def _bring(stack: Stack, tx: Tx, answer: StoredAnswer, status: AnswerStatus) -> None:
    ring = stack.services.ring
    if status is AnswerStatus.FAILED:
        await answers.fail(tx, answer.id, 1, Failure.TIMEOUT_FIRST)
    elif status is AnswerStatus.STOPPED:
        await answers.stopped(tx, answer.id, 1)
    else:
        assert await answers.claim(tx, ring, answer.id, "nobody", _LONG)
        context = privacy.chunk_context(answer.id, 1, 1)
        sealed = await privacy.seal_text(tx, ring, answer.user_id, _SO_FAR, context)
        await chunks.add(tx, answer.id, 1, StoredChunk(1, False, sealed))
    if status is AnswerStatus.COMPLETE:
        await answers.complete(tx, ring, answer.id, 1, source=AnswerSource.BUILT_IN, text=f"{_SO_FAR} weighing.")


async def _without_key(stack: Stack, who: Actor) -> str:
    reading = await _reading(stack, who, "three", AnswerStatus.COMPLETE)
    async with stack.services.uow() as tx:
        statement = "DELETE FROM data_keys WHERE id IN (SELECT data_key_id FROM reading_keys WHERE user_id = :who)"
        await tx.execute(sql(statement), {"who": who.id})
    return reading


async def _typed(page: Page) -> None:
    await page.locator("#question").fill(_QUESTION)


async def _too_few(page: Page) -> None:
    await _typed(page)
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("dialog#sheet .sheet")).to_be_visible()


async def _too_long(page: Page) -> None:
    await page.locator("#question").fill("Why? " * 100)
    await page.locator("#bottom [data-main]").click()
    await expect(page.locator("#question-error")).to_be_visible()


async def _arrived(page: Page) -> None:
    await expect(page.locator("[data-reading-text] p").nth(1)).to_be_visible()


def screens(world: World) -> list[Screen]:
    """The reading room in every state."""
    past = world.readings
    return [
        Screen("readings", "/readings"),
        Screen("readings-new-here", "/readings", "poor"),
        Screen("readings-ask", "/readings/new/celtic-cross", "rich", _typed),
        Screen("readings-ask-seal", "/readings/new/year", "rich", press("button[hx-get$='/seal']")),
        Screen("readings-ask-too-long", "/readings/new/three", "rich", _too_long),
        Screen("readings-ask-too-few", "/readings/new/celtic-cross", "poor", _too_few),
        Screen("readings-cards", f"/readings/{past.running}/cards?card=5", "saver"),
        Screen("readings-cards-three", f"/readings/{past.complete}/cards"),
        Screen("readings-running", f"/readings/{past.running}", "saver", _arrived),
        Screen("readings-complete", f"/readings/{past.complete}"),
        Screen("readings-delete", f"/readings/{past.complete}", "rich", press("button[hx-get$='/delete']")),
        Screen("readings-failed", f"/readings/{past.failed}", "payer"),
        Screen("readings-stopped", f"/readings/{past.stopped}", "payer"),
        Screen("readings-key-missing", f"/readings/{past.missing}", "reseller"),
        Screen("readings-history", "/readings/history"),
        Screen("readings-history-empty", "/readings/history", "poor"),
        Screen("readings-history-key-missing", "/readings/history", "reseller"),
        Screen("readings-proofs", "/readings/proofs", "saver"),
        Screen("readings-credits", "/readings/credits"),
    ]
