"""Readings as pictures: downloaded, shared with others, sent to one's own chat. See decisions/0106."""

from __future__ import annotations

import re
from typing import Final

from backend.identity.types import Actor
from backend.infra.documents import Typesetter
from backend.infra.i18n import translator
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale, pick
from backend.readings.deck.cards import card_name
from backend.readings.ports import ChatPicture, Chats
from backend.readings.service.picture import draw_share_picture
from backend.readings.service.rooms import RoomsService
from backend.readings.types import AnswerStatus, ReadingId
from backend.readings.types.pictures import SharedCard, SharedReading
from backend.readings.types.rooms import ReadingPage

_LONGEST_MESSAGE: Final = 3500
"""Characters of a chat message; Telegram takes 4096 UTF-16 units."""
_SENTENCE: Final = re.compile(r"\S[^.!?…؟]*[.!?…؟]")
_LONGEST_SENTENCE: Final = 240


class SharingService:
    """Pictures without the question: what is shared says which cards lay, not what was asked.

    ``link`` is where the picture's code leads: the bot, or the shop's own address.
    """

    def __init__(self, *, rooms: RoomsService, typesetter: Typesetter, chats: Chats, shop: str, link: str) -> None:
        self._rooms = rooms
        self._typesetter = typesetter
        self._chats = chats
        self._shop = shop
        self._link = link

    async def picture(self, actor: Actor, reading_id: ReadingId) -> bytes:
        """The picture of a complete reading of the actor's, as PNG. Raises NotFound."""
        return await self._draw(await self._complete(actor, reading_id))

    async def share(self, actor: Actor, reading_id: ReadingId) -> str | None:
        """The id of a prepared message with the picture; None where Telegram can't prepare one now. Raises NotFound."""
        reading = await self._complete(actor, reading_id)
        return await self._chats.prepare(actor.telegram_id, await self._chat_picture(reading, actor.language))

    async def send(self, actor: Actor, reading_id: ReadingId) -> bool:
        """Send the picture and all texts to the actor's chat; False where it can't be written to. Raises NotFound."""
        reading = await self._complete(actor, reading_id)
        picture = await self._chat_picture(reading, actor.language)
        return await self._chats.send(actor.telegram_id, picture, _messages(reading))

    async def _complete(self, actor: Actor, reading_id: ReadingId) -> ReadingPage:
        reading = await self._rooms.get(actor, reading_id)
        if reading.answers[0].status is not AnswerStatus.COMPLETE:
            raise NotFound("a reading without a text")
        return reading

    async def _chat_picture(self, reading: ReadingPage, language: Locale) -> ChatPicture:
        _ = translator(language).gettext
        button = _("Ask the cards") if self._link.startswith("https://") else ""
        return ChatPicture(
            png=await self._draw(reading), caption=pick(reading.body.name, language), button=button, url=self._link
        )

    async def _draw(self, reading: ReadingPage) -> bytes:
        locale = Locale.closest(reading.language)
        few = len(reading.cards) <= 3
        cards = tuple(
            SharedCard(
                drawn=drawn,
                name=card_name(drawn.card, locale),
                orientation=_reversed(locale) if drawn.reversed else "",
                position=pick(at.name, locale) if few else "",
            )
            for drawn, at in zip(reading.cards, reading.body.positions, strict=True)
        )
        text = reading.answers[0].text
        shared = SharedReading(
            locale=locale,
            spread=pick(reading.body.name, locale),
            cards=cards,
            shop=self._shop,
            link=self._link,
            address=self._link.removeprefix("https://").removeprefix("http://"),
            sentence=last_sentence(text) if isinstance(text, str) else "",
        )
        return await draw_share_picture(self._typesetter, shared)


def _reversed(locale: Locale) -> str:
    return translator(locale).pgettext("card", "reversed")


def last_sentence(text: str) -> str:
    """The first sentence of a text's last paragraph, which sums it up; empty where it is too long for a picture."""
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    match = _SENTENCE.match(paragraphs[-1].strip()) if paragraphs else None
    return match[0] if match and len(match[0]) <= _LONGEST_SENTENCE else ""


def _messages(reading: ReadingPage) -> tuple[str, ...]:
    """All texts of a reading, with the questions before them, in as few messages as they need."""
    blocks: list[str] = []
    for answer in reading.answers:
        if isinstance(answer.question, str) and answer.question:
            blocks.append(f"— {answer.question}")
        if isinstance(answer.text, str):
            blocks += [part for part in answer.text.split("\n\n") if part.strip()]
    messages: list[str] = []
    for block in blocks:
        for piece in (block[at : at + _LONGEST_MESSAGE] for at in range(0, len(block), _LONGEST_MESSAGE)):
            if messages and len(messages[-1]) + len(piece) + 2 <= _LONGEST_MESSAGE:
                messages[-1] += f"\n\n{piece}"
            else:
                messages.append(piece)
    return tuple(messages)
