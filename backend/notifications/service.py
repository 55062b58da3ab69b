"""Use cases of notifications: store the messages of an event, send them, forget old ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from backend.identity import domain as identity
from backend.identity.types import Recipient
from backend.infra.crypto import KeyRing
from backend.infra.jobs import DeadLetter, Job, RetryLater
from backend.infra.live_settings import Live
from backend.infra.metrics import MESSAGES
from backend.infra.runner import describe
from backend.infra.storage import PrivateFiles
from backend.infra.telegram.pace import Priority
from backend.infra.unit_of_work import Tx, UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.events import Event
from backend.notifications import domain, repository
from backend.notifications.errors import Rejected, SlowDown, Unreachable
from backend.notifications.messages import Words
from backend.notifications.notice import Draft, Edit, Notice, Receipts
from backend.notifications.notices import NOTICES
from backend.notifications.ports import Messenger
from backend.notifications.repository import Claimed
from backend.notifications.rules import QuietHours
from backend.notifications.types import Message, NotificationId, Outcome, Status
from backend.orders.domain.lines import Fulfillers
from backend.support import domain as support

# Longer than one call to Telegram can take (the gateway's time-out), so that two runs of a job never send side by side.
_CLAIM = timedelta(seconds=30)
_KEEP = timedelta(days=90)
_KEEP_SUBJECTS = timedelta(days=365)
log = structlog.get_logger(__name__)


class NotificationsService:
    """Sends the messages of ``notices``, to each reader in their language."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        fulfillers: Fulfillers,
        ring: KeyRing,
        files: PrivateFiles,
        messenger: Messenger,
        public_url: str,
        receipts: Receipts,
        quiet_hours: Live[QuietHours],
        timezone: str,
        notices: Sequence[Notice[Any] | Edit[Any]] = NOTICES,
    ) -> None:
        self._uow = uow
        self._receipts = receipts
        self._fulfillers = fulfillers
        self._ring = ring
        self._files = files
        self._quiet_hours = quiet_hours
        self._timezone = timezone
        self._messenger = messenger
        self._public_url = public_url
        self.notices = notices
        self._kinds = {notice.kind: notice for notice in notices if isinstance(notice, Notice)}

    async def handle(self, event: Event, job: Job) -> None:
        """Store every message that ``event`` asks for, in one transaction. Running it again stores nothing new."""
        async with self._uow() as tx:
            for notice in self.notices:
                if notice.event is type(event):
                    await domain.apply(tx, notice, event, job)

    async def send(self, notification_id: NotificationId, job: Job) -> None:
        """Send one notification: at least once, and rarely twice.

        It is claimed before Telegram is called, and marked as sent after it, so two runs side by side send once. A
        process that dies between Telegram's answer and the mark sends it again once the claim has lapsed: a repeated
        message is better than a key that never arrives.

        Raises RetryLater, DeadLetter, NotSent.
        """
        # One statement claims it, and commits by itself.
        async with self._uow.read() as tx:
            claimed = await repository.claim(tx, notification_id, _CLAIM)
            elsewhere = None if claimed else await repository.find_claim(tx, notification_id)
            if elsewhere:
                left = (elsewhere + _CLAIM - tx.now).total_seconds()
                raise RetryLater(max(left, 1.0), "another run is sending it")
        if claimed is None:
            return
        try:
            status = await self._deliver(notification_id, claimed)
        except SlowDown as slow:
            await self._settle(notification_id, Status.PENDING, claimed.revision)
            raise RetryLater(slow.seconds, str(slow)) from slow
        except Rejected as error:
            async with self._uow() as tx:
                text = describe(error)
                await repository.settle(tx, notification_id, Status.FAILED, claimed.revision, error=text)
                await self._report(tx, claimed, Outcome.REFUSED)
            MESSAGES.labels(claimed.kind, Status.FAILED).inc()
            raise DeadLetter(str(error)) from error
        except Exception as error:
            await self._settle(notification_id, Status.FAILED if job.last else Status.PENDING, claimed.revision, error)
            if job.last:
                async with self._uow() as tx:
                    await self._report(tx, claimed, Outcome.FAILED)
            raise
        MESSAGES.labels(claimed.kind, status).inc()
        log.info("notification.settled", kind=claimed.kind, status=status)

    async def purge(self) -> None:
        """Delete notifications after 90 days, and the subjects of messages after a year."""
        for delete, keep in ((repository.purge, _KEEP), (support.purge_subjects, _KEEP_SUBJECTS)):
            more = True
            while more:
                async with self._uow() as tx:
                    more = await delete(tx, tx.now - keep)

    async def _deliver(self, notification_id: NotificationId, claimed: Claimed) -> Status:
        async with self._uow.read() as tx:
            recipient = await identity.get_recipient(tx, claimed.user_id, default_timezone=self._timezone)
            now = tx.now
        notice = self._kinds[claimed.kind]
        if recipient.blocked and not notice.to_blocked:
            await self._settle(notification_id, Status.WITHHELD, claimed.revision)
            return Status.WITHHELD
        # A message that stands in the chat already may change at any hour: an edit rings no bell.
        waits = not notice.urgent and claimed.message_id is None
        if waits and (over := self._quiet_hours().end_after(now, recipient.timezone)):
            raise SlowDown((over - now).total_seconds(), "quiet hours")
        # Wait first: a key is decrypted (and its opening logged) only when its message can be sent.
        priority = Priority.ANSWERS if notice.urgent else Priority.LESSONS
        await self._messenger.turn(recipient.telegram_id, str(notification_id), priority)
        message = await self._compose(claimed, recipient)
        if message is None:
            await self._settle(notification_id, Status.WITHHELD, claimed.revision)
            return Status.WITHHELD
        try:
            message_id = await self._send_or_edit(recipient.telegram_id, claimed, message)
        except Unreachable as error:
            async with self._uow() as tx:
                await identity.mark_bot_blocked(tx, recipient.user_id, tx.now)
                await repository.settle(tx, notification_id, Status.BLOCKED, claimed.revision, error=describe(error))
                await self._report(tx, claimed, Outcome.UNREACHABLE)
            return Status.BLOCKED
        alone = message.about is None and not recipient.blocked_bot and notice.settled is None
        async with self._uow.read() if alone else self._uow() as tx:
            await repository.settle(tx, notification_id, Status.SENT, claimed.revision, message_id=message_id)
            await self._report(tx, claimed, Outcome.SENT)
            if message.about is not None:
                await support.remember(tx, recipient.telegram_id, message_id, message.about)
            if recipient.blocked_bot:
                await identity.mark_bot_blocked(tx, recipient.user_id, None)
        return Status.SENT

    async def _send_or_edit(self, chat_id: int, claimed: Claimed, message: Message) -> int:
        """Edit the message of an earlier revision, or send a new one; the message's id."""
        if claimed.message_id is not None:
            try:
                await self._messenger.edit(chat_id, claimed.message_id, message)
            except Rejected as error:
                # Deleted, or too old to be edited: send a new message.
                log.info("notification.not_edited", kind=claimed.kind, error=describe(error))
            else:
                return claimed.message_id
        return await self._messenger.send(chat_id, message)

    async def _report(self, tx: Tx, claimed: Claimed, outcome: Outcome) -> None:
        notice = self._kinds[claimed.kind]
        if notice.settled is not None:
            await notice.settled(tx, claimed.params, outcome)
        if notice.undelivered is not None and outcome in {Outcome.REFUSED, Outcome.UNREACHABLE}:
            tx.emit(notice.undelivered(claimed.params, outcome is Outcome.REFUSED))

    async def _settle(
        self, notification_id: NotificationId, status: Status, revision: int, error: Exception | None = None
    ) -> None:
        # One statement that commits by itself.
        async with self._uow.read() as tx:
            await repository.settle(tx, notification_id, status, revision, error=describe(error) if error else None)

    async def _compose(self, claimed: Claimed, recipient: Recipient) -> Message | None:
        notice, words = self._kinds[claimed.kind], Words(recipient.language, self._public_url)
        try:
            async with self._uow() as tx:
                # The reader may have been blocked while the message waited for its turn.
                if not notice.to_blocked and await identity.is_blocked(tx, recipient.user_id):
                    return None
                draft = Draft(tx, recipient, words, self._fulfillers, self._ring, self._files, self._receipts)
                return await notice.compose(draft, claimed.params)
        except NotFound:
            return None
