"""Payments as a file, for admins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import msgspec

from backend.identity import domain as identity
from backend.identity.types import Actor, Permission, PersonContact
from backend.infra import audit, spreadsheets
from backend.infra.formatting import timezone
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.ids import UserId
from backend.payments.repository import intents
from backend.payments.types import ANY_PAYMENT, Intent, IntentId, IntentStatus, PaymentsNarrowed

_BATCH: Final = 1000
PAYMENT_COLUMNS: Final = (
    "reference", "status", "customer", "username", "telegram_id", "payment_method", "amount", "credited", "refunded",
    "currency", "received", "asset", "provider_id", "transaction_id", "created_at", "updated_at",
)  # fmt: skip
"""The columns of a file of payments."""


class ExportsService:
    """Files of payments, for admins with the permission for money."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def payments(
        self,
        actor: Actor,
        *,
        method: str | None = None,
        status: IntentStatus | None = None,
        user_id: UserId | None = None,
        narrowed: PaymentsNarrowed = ANY_PAYMENT,
        header: Sequence[str] = PAYMENT_COLUMNS,
        status_of: Callable[[Intent], str] = lambda intent: intent.status.value,
        method_of: Callable[[str], str] = lambda method: method,
    ) -> AsyncIterator[str]:
        """The payments that match as CSV, in pieces; noted in the audit trail first.

        ``header``, ``status_of`` and ``method_of`` are the words of the actor's language; times are in their zone.
        Raises Forbidden.
        """
        actor.require(Permission.MONEY)
        chosen = {"method": method, "status": status, "user_id": user_id}
        async with self._uow() as tx:
            facts = {name: one for name, one in {**chosen, **msgspec.structs.asdict(narrowed)}.items() if one}
            await audit.record(tx, actor.user_id, "payments.export", "payments", facts)
        return self._pieces(actor, chosen, narrowed, header, status_of, method_of)

    async def _pieces(
        self,
        actor: Actor,
        chosen: Mapping[str, object],
        narrowed: PaymentsNarrowed,
        header: Sequence[str],
        status_of: Callable[[Intent], str],
        method_of: Callable[[str], str],
    ) -> AsyncIterator[str]:
        yield spreadsheets.first_line(header)
        before: IntentId | None = None
        # A batch at a time: nothing stays open while a slow phone downloads, and one that hangs up asks no more.
        while True:
            async with self._uow.read() as tx:
                filters = {**chosen, **msgspec.structs.asdict(narrowed)}
                rows = await intents.list_by(tx, **filters, before=before, limit=_BATCH)
                people = await identity.list_contacts(tx, {row.user_id for row in rows})
            if rows:
                yield spreadsheets.lines(
                    _cells(actor, row, people.get(row.user_id), status_of(row), method_of(row.method)) for row in rows
                )
            if len(rows) < _BATCH:
                return
            before = rows[-1].id


def _cells(
    actor: Actor, row: Intent, who: PersonContact | None, status: str, method: str
) -> Sequence[spreadsheets.Cell]:
    there = timezone(actor.timezone)
    return (
        row.reference,
        status,
        who.name if who else "",
        who.username if who else "",
        who.telegram_id if who else "",
        method,
        row.amount.decimal(),
        row.credited.decimal(),
        row.refunded.decimal(),
        row.amount.currency,
        row.received.decimal(),
        row.received.currency,
        row.external_id or "",
        row.charge_id or "",
        row.created_at.astimezone(there),
        row.updated_at.astimezone(there),
    )
