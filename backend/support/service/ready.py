"""Use cases of ready answers: written once in the back office, used in tickets in the customer's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale, fold, pick
from backend.orders import domain as orders
from backend.support import rules
from backend.support.errors import ReadyAnswerChanged
from backend.support.repository import ready, tickets
from backend.support.types import ReadyAnswer, ReadyAnswerId, TicketId

_MOST: Final = 200


class ReadyAnswersService:
    """Ready answers, for admins with the permission for tickets; Forbidden is raised to all others."""

    def __init__(self, *, uow: UnitOfWork, shop: str) -> None:
        self._uow = uow
        self._shop = shop

    async def list_all(self, actor: Actor) -> list[ReadyAnswer]:
        """All ready answers, by name."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await ready.list_all(tx, _MOST)

    async def get(self, actor: Actor, ready_id: ReadyAnswerId) -> ReadyAnswer:
        """One ready answer. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            return await ready.get(tx, ready_id)

    async def fill_in(self, actor: Actor, ready_id: ReadyAnswerId, ticket_id: TicketId) -> str:
        """A ready answer in the language of a ticket's customer, with their name and order. Raises NotFound."""
        actor.require(Permission.TICKETS)
        async with self._uow.read() as tx:
            answer, ticket = await ready.get(tx, ready_id), await tickets.get(tx, ticket_id)
            customer = await identity.get_recipient(tx, ticket.user_id)
            names = await identity.user_names(tx, [ticket.user_id])
            order = await orders.load_without_keys(tx, ticket.order_id) if ticket.order_id else None
        return rules.filled_in(
            pick(answer.texts, customer.language),
            name=names.get(ticket.user_id, ""),
            order=order.number if order else "",
            shop=self._shop,
        )

    @retry_conflicts
    async def save(
        self, actor: Actor, ready_id: ReadyAnswerId | None, version: int, name: str, texts: Mapping[str, str]
    ) -> ReadyAnswerId:
        """Add a ready answer (None), or change the one of ``version``; its id.

        Raises NotFound, ReadyAnswerChanged, and Invalid without a name and a text, or for one that is too long.
        """
        actor.require(Permission.TICKETS)
        name, written = _checked(name, texts)
        async with self._uow() as tx:
            if ready_id is None:
                ready_id = await ready.add(tx, name, written)
            elif not await ready.change(tx, ready_id, version, name, written):
                await ready.get(tx, ready_id)
                raise ReadyAnswerChanged(f"ready answer {ready_id}")
            await audit.record(tx, actor.user_id, "ready_answers.save", f"ready_answer:{ready_id}", {"name": name})
            return ready_id

    @retry_conflicts
    async def remove(self, actor: Actor, ready_id: ReadyAnswerId) -> None:
        """Delete a ready answer; does nothing where it is gone already."""
        actor.require(Permission.TICKETS)
        async with self._uow() as tx:
            if await ready.remove(tx, ready_id):
                await audit.record(tx, actor.user_id, "ready_answers.remove", f"ready_answer:{ready_id}")


def _checked(name: str, texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    name = fold(rules.clean_text(name))
    written = {language: rules.clean_text(text) for language, text in texts.items()}
    wrong = {f"text_{language}": "too_long" for language, text in written.items() if rules.sent_length(text) > _LONGEST}
    if not 0 < len(name) <= rules.LONGEST_NAME:
        wrong["name"] = "too_long" if name else "required"
    if not any(written.values()):
        wrong[f"text_{Locale.EN}"] = "required"
    if wrong:
        raise Invalid("not a ready answer", fields=wrong)
    return name, {language: text for language, text in written.items() if text}


_LONGEST: Final = 3500
"""Room for a name and an order's number within what Telegram takes."""
