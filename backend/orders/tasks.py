"""Background work of orders."""

from __future__ import annotations

from typing import Final

from backend.catalog.types.files import FileSold
from backend.catalog.types.fulfilment import LineFailed, LineFulfilled
from backend.identity.types import LinkFollowed, PersonBlocked
from backend.infra.jobs import Cron, Handler, Job, Task
from backend.orders.service import SETTLE, OrdersServices
from backend.orders.types.bulk import BulkStarted
from backend.payments.types import RenewalChanged, SubscriptionCharged, TopUpSucceeded

_EXPIRE_EVERY_SECONDS = 15
_SUBSCRIPTIONS_EVERY_SECONDS = 60
_SETTLE_PAYMENT: Final = Handler(SETTLE, TopUpSucceeded, when=lambda event: event.order_id is not None)
_CANCEL_BLOCKED: Final = Handler("orders.cancel_blocked", PersonBlocked)
_DELIVER_LINE: Final = Handler("orders.deliver_line", LineFulfilled)
_PREPARE_FILE: Final = Handler("orders.prepare_file", FileSold)
_FAIL_LINE: Final = Handler("orders.fail_line", LineFailed)
_SETTLE_CHARGE: Final = Handler("orders.settle_charge", SubscriptionCharged)
_NOTE_RENEWAL: Final = Handler("orders.note_renewal", RenewalChanged)
_STOP_BLOCKED: Final = Handler("orders.stop_blocked", PersonBlocked)
_RUN_BULK: Final = Handler("orders.run_bulk", BulkStarted)
_NOTE_LINK: Final = Handler("orders.note_link", LinkFollowed)
HANDLERS: Final = (
    _SETTLE_PAYMENT,
    _CANCEL_BLOCKED,
    _DELIVER_LINE,
    _FAIL_LINE,
    _PREPARE_FILE,
    _SETTLE_CHARGE,
    _NOTE_RENEWAL,
    _STOP_BLOCKED,
    _NOTE_LINK,
    _RUN_BULK,
)
"""The events that orders react to."""


def tasks(services: OrdersServices) -> list[Task]:
    """The tasks: pay an order when its payment arrives; cancel what a blocked person has reserved; end slow lines;
    make a charge of a subscription an order, and follow what its provider reports; act on many orders."""

    async def settle(event: TopUpSucceeded, _job: Job) -> None:
        await services.settlement.settle_payment(event)

    async def cancel_blocked(event: PersonBlocked, _job: Job) -> None:
        await services.reservations.cancel_blocked(event)

    async def settle_line(event: LineFulfilled | LineFailed, _job: Job) -> None:
        await services.settlement.settle_line(event)

    async def prepare_file(event: FileSold, _job: Job) -> None:
        if services.copies is not None:
            await services.copies.prepare(event)

    async def settle_charge(event: SubscriptionCharged, _job: Job) -> None:
        await services.renewing.settle_charge(event)

    async def note_renewal(event: RenewalChanged, _job: Job) -> None:
        await services.renewing.note_state(event)

    async def stop_blocked(event: PersonBlocked, _job: Job) -> None:
        await services.renewing.stop_blocked(event)

    async def note_link(event: LinkFollowed, _job: Job) -> None:
        await services.links.note(event)

    async def run_bulk(event: BulkStarted, _job: Job) -> None:
        await services.bulk.run(event.bulk_id)

    return [
        _RUN_BULK.runs(run_bulk),
        _NOTE_LINK.runs(note_link),
        _SETTLE_PAYMENT.runs(settle),
        _CANCEL_BLOCKED.runs(cancel_blocked),
        _DELIVER_LINE.runs(settle_line),
        _FAIL_LINE.runs(settle_line),
        _PREPARE_FILE.runs(prepare_file),
        _SETTLE_CHARGE.runs(settle_charge),
        _NOTE_RENEWAL.runs(note_renewal),
        _STOP_BLOCKED.runs(stop_blocked),
    ]


def crons(services: OrdersServices) -> list[Cron]:
    """The timers: expire unpaid orders every 15 seconds, look
    at subscriptions whose renewal is near or has not come."""

    async def expire() -> None:
        await services.reservations.expire_lapsed()

    async def check() -> None:
        await services.renewing.check_due()

    async def remind_subscribers() -> None:
        await services.renewing.remind()

    return [
        Cron("orders.expire_lapsed", expire, seconds=_EXPIRE_EVERY_SECONDS),
        Cron("orders.check_subscriptions", check, seconds=_SUBSCRIPTIONS_EVERY_SECONDS),
        Cron("orders.remind_subscribers", remind_subscribers, seconds=_SUBSCRIPTIONS_EVERY_SECONDS),
    ]
