"""Messages to admins about goods by hand."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from backend.catalog.domain import hand_work
from backend.catalog.types.hand_work import HandWorkDue, HandWorkGiven, HandWorkOpened
from backend.identity import domain as identity
from backend.identity.types import Permission
from backend.infra.unit_of_work import Tx
from backend.kernel.ids import OrderLineId, UserId
from backend.kernel.text import pick
from backend.notifications.notice import Audience, Draft, Notice, Params, admins, person
from backend.notifications.types import Message
from backend.orders import domain as orders
from backend.orders.domain import answers

_LONGEST_ANSWER: Final = 100


async def _work_opened(draft: Draft, params: Params) -> Message | None:
    """What is to be prepared, unless an admin has taken it before the message is sent."""
    _ = draft.words.translator.gettext
    return await _about(draft, params, _("<b>To prepare: order {number}</b>"), only_free=True)


async def _work_due(draft: Draft, params: Params) -> Message | None:
    _ = draft.words.translator.gettext
    return await _about(draft, params, _("<b>Due soon: order {number}</b>"))


async def _work_given(draft: Draft, params: Params) -> Message | None:
    """What was given to the reader, unless it has gone on to another admin before the message is sent."""
    _ = draft.words.translator.gettext
    return await _about(draft, params, _("<b>Handed over to you: order {number}</b>"), only_of=params["to"])


async def _about(
    draft: Draft, params: Params, head: str, *, only_free: bool = False, only_of: str = ""
) -> Message | None:
    line_id = OrderLineId(UUID(params["line_id"]))
    work = await hand_work.get_work(draft.tx, line_id)
    if not work.is_open or (only_free and work.taken_by) or (only_of and str(work.taken_by) != only_of):
        return None
    order, line = await orders.load_line(draft.tx, line_id)
    words = draft.words
    _ = words.translator.gettext
    rows = [
        head.format(number=words.number(order.number)),
        words.thing(line, work.quantity),
        _("Promised by {time}").format(time=draft.moment(work.due_at)),
        *await _answers(draft, line_id),
    ]
    return Message("\n".join(rows), (words.admin_button(f"/orders/work/{line_id}"),))


async def _answers(draft: Draft, line_id: OrderLineId) -> list[str]:
    """What the buyer has answered, a line each; long ones are read on the page."""
    given = (await answers.open_all(draft.tx, draft.ring, [line_id])).get(line_id, ())
    locale, rows = draft.words.locale, []
    for one in given:
        text = " ".join((pick(one.shown, locale) or one.text).split())
        cut = text if len(text) <= _LONGEST_ANSWER else text[: _LONGEST_ANSWER - 1] + "…"
        label = html.escape(pick(one.label, locale), quote=False)
        rows.append(f"{label}: <code>{html.escape(cut, quote=False)}</code>")
    return rows


async def _preparer(tx: Tx, event: HandWorkDue) -> Sequence[UserId]:
    """Who has taken it; every admin for orders, where nobody has or they are none of these any more."""
    admins = [admin.user_id for admin in await identity.list_admins(tx, Permission.ORDERS)]
    return [event.taken_by] if event.taken_by in admins else admins


NOTICES: Final = (
    Notice(
        event=HandWorkOpened,
        kind="hand_work_opened",
        audience=admins(Permission.ORDERS),
        key="hand_work_opened:{line_id}",
        compose=_work_opened,
    ),
    Notice(
        event=HandWorkDue,
        kind="hand_work_due",
        audience=Audience(_preparer, each=True),
        key="hand_work_due:{line_id}",
        compose=_work_due,
    ),
    Notice(
        event=HandWorkGiven,
        kind="hand_work_given",
        audience=person(lambda event: event.to),
        key="hand_work_given:{job}",
        compose=_work_given,
    ),
)
