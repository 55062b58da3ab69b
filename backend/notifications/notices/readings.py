"""What people are told of their readings."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.kernel.text import pick
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.types import Message
from backend.readings.domain import answers
from backend.readings.types import ReadingReady

_PATIENCE: Final = timedelta(seconds=30)
"""An open page has shown the text by then."""


async def _ready(draft: Draft, params: Params) -> Message | None:
    """The way to a text that was written while its person was away; nothing where they have read it meanwhile.

    Neither the question nor the text is in the message: chats are on more screens than the Mini App.
    """
    event, words = msgspec.convert(params, ReadingReady), draft.words
    name = await answers.spread_name(draft.tx, event.reading_id)
    if name is None or not await answers.is_unread(draft.tx, event.answer_id, event.attempt):
        return None
    _ = words.translator.gettext
    rows = [_("<b>Your reading is ready</b>"), words.isolated(pick(name, words.locale))]
    return Message("\n".join(rows), (words.button(_("Open reading"), f"/readings/{event.reading_id}"),))


NOTICES: Final = (
    Notice(
        event=ReadingReady,
        kind="reading_ready",
        audience=person(lambda event: event.user_id),
        key="reading_ready:{answer_id}:{attempt}",
        compose=_ready,
        urgent=False,
        not_before=lambda event: event.at + _PATIENCE,
    ),
)
