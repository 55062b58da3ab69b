"""The registry of messages: one row is one message, and its tasks and subscriptions follow from it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from backend import bootstrap
from backend.bootstrap import build
from backend.infra.jobs import subscriptions
from backend.infra.settings import Settings
from backend.kernel.events import Event
from backend.kernel.ids import UserId
from backend.notifications import tasks as notifications_tasks
from backend.notifications.notice import Draft, Edit, Notice, Params, person
from backend.notifications.notices import NOTICES
from backend.notifications.service import NotificationsService
from backend.notifications.types import Message
from tests.backend.notifications.conftest import Shop
from tests.bot.telegram import EMMA, Telegram
from tests.fakes.clock import FakeClock

STORED_TASKS = {
    "OrderPaid": ("notifications.order_paid_buyer",),
    "CertificateIssued": ("certificates.print",),
    "CertificateReprinted": ("certificates.print_again",),
    "CertificatePrinted": ("notifications.certificate_printed",),
    "CertificateRevoked": ("notifications.certificate_revoked",),
    "CertificateRestored": ("notifications.certificate_restored",),
    "FileSold": ("orders.prepare_file",),
    "OrderFileReady": ("notifications.order_file_ready",),
    "KeysRequested": ("notifications.order_keys_to_chat",),
    "SubscriptionCharged": ("orders.settle_charge",),
    "RenewalChanged": ("orders.note_renewal",),
    "SubscriptionChanged": ("notifications.subscription_changed",),
    "SubscriptionRenewsSoon": ("notifications.subscription_renews_soon",),
    "SubscriptionChargeKept": ("notifications.subscription_charge_kept",),
    "RenewalNotChanged": ("notifications.renewal_not_changed",),
    "TopUpSucceeded": ("orders.settle_payment", "notifications.top_up_succeeded", "growth.credit_bonus"),
    "OrderPaymentKept": ("notifications.order_payment_kept",),
    "OrderRefunded": ("notifications.order_refunded",),
    "RefundEnded": ("notifications.refund_ended", "growth.take_bonus_back"),
    "PaymentTakenBack": ("growth.take_bonus_back_too",),
    "BonusCredited": ("notifications.bonus_credited",),
    "GiftCardRedeemed": ("notifications.gift_redeemed",),
    "PaymentUnmatched": ("notifications.payment_unmatched",),
    "DepositProved": ("notifications.deposit_proved",),
    "DepositJudged": ("notifications.deposit_judged",),
    "ReconciliationDiffered": ("notifications.reconciliation_differed",),
    "ReconciliationFailed": ("notifications.reconciliation_failed",),
    "ApprovalAsked": ("notifications.approval_asked",),
    "BotUnblocked": ("courses.send_unblocked",),
    "TimezoneChosen": ("courses.plan_by_zone",),
    "PersonBlocked": ("orders.cancel_blocked", "orders.stop_blocked", "community.note_blocked"),
    "CourseGrantChanged": ("community.note_access",),
    "GroupInvited": ("notifications.group_invited",),
    "GroupAdded": ("notifications.group_added",),
    "GroupTroubled": ("notifications.group_troubled",),
    "WalletAdjusted": ("notifications.wallet_adjusted",),
    "SupportAsked": ("notifications.support_asked",),
    "SupportAnswered": ("notifications.support_answered",),
    "SupportUndelivered": ("notifications.support_undelivered",),
    "SupportShown": ("notifications.support_shown",),
    "TicketHandedOver": ("notifications.ticket_handed_over",),
    "TicketClosed": ("notifications.ticket_closed",),
    "StockLow": ("notifications.stock_low",),
    "HandWorkOpened": ("notifications.hand_work_opened",),
    "HandWorkDue": ("notifications.hand_work_due",),
    "HandWorkGiven": ("notifications.hand_work_given",),
    "BulkStarted": ("orders.run_bulk",),
    "PeopleBulkStarted": ("audience.run_bulk",),
    "CartFilled": ("notifications.cart_filled",),
    "WishFound": ("notifications.wish_found",),
    "PremiumEnding": ("notifications.premium_ending",),
    "PremiumEnded": ("notifications.premium_ended",),
    "LinkFollowed": ("orders.note_link",),
    "CourseJoined": ("notifications.course_joined",),
    "CourseUpgraded": ("notifications.course_upgraded",),
    "CourseDowngraded": ("notifications.course_downgraded",),
    "CourseAccessEnded": ("notifications.course_access_ended",),
    "CourseCompleted": ("notifications.course_completed",),
    "ReminderDue": ("notifications.reminder_due",),
    "SubmissionReceived": ("notifications.submission_received",),
    "SubmissionFilesAdded": ("notifications.submission_files_added",),
    "SubmissionNotTaken": ("notifications.submission_not_taken",),
    "SubmissionReassigned": ("notifications.submission_reassigned",),
    "SubmissionOverdue": ("notifications.submission_overdue",),
    "FeedbackSent": ("notifications.feedback_sent",),
    "FeedbackCorrected": ("notifications.feedback_corrected",),
    "WarrantyClaimed": ("notifications.warranty_claimed",),
    "WarrantyDecided": ("notifications.warranty_decided",),
    "BatchSwitched": ("catalog.switch_batch",),
    "StockChangeStarted": ("catalog.change_stock",),
    "StockImportSent": ("catalog.check_import",),
    "StockImportStarted": ("catalog.run_import",),
    "FavouriteChanged": ("notifications.favourite_changed",),
    "StockArrived": ("catalog.serve_line",),
    "StockHeld": ("notifications.stock_held",),
    "HoldEnded": ("notifications.hold_ended",),
    "HoldUndelivered": ("catalog.pass_on",),
    "ReadingReady": ("notifications.reading_ready",),
}
"""Jobs in the outbox hold these names: a task that is renamed leaves them without one."""

STORED_KINDS = {
    "order_paid", "order_keys", "order_file", "order_for_admins", "top_up", "stock_low", "refund_ended",
    "refund_failed",
    "order_line_delivered", "cart_left", "wish_found", "premium_ending", "premium_ended",
    "subscription_changed", "subscription_renews_soon", "subscription_charge_kept",
    "subscription_charge_for_admins", "renewal_not_changed",
    "hand_work_opened", "hand_work_due", "hand_work_given",
    "certificate_printed", "certificate_revoked", "certificate_restored",
    "course_joined", "course_upgraded", "course_downgraded", "course_access_ended", "course_completed",
    "course_reminder",
    "group_invited", "group_added", "group_troubled",
    "submission_to_review", "submission_received", "submission_given", "submission_overdue", "submission_answered",
    "submission_file", "submission_taken", "submission_not_taken",
    "warranty_claimed", "warranty_replaced", "warranty_rejected",
    "payment_unmatched", "deposit_proved", "reconciliation_differed", "reconciliation_failed", "order_payment_kept",
    "order_refunded", "order_of_blocked", "approval_asked", "wallet_adjusted", "gift_redeemed", "support_asked",
    "support_answer", "support_undelivered", "ticket_handed_over", "ticket_rating", "stock_held", "favourite_changed",
    "reading_ready",
}  # fmt: skip
"""Rows of the table of notifications hold these."""


class VoteCast(Event, frozen=True, kw_only=True):
    """An event that only this test knows."""

    user_id: UserId
    votes: int


async def _vote_cast(draft: Draft, params: Params) -> Message:
    return Message(f"<b>{params['votes']} votes</b>", (draft.words.wallet_button(),))


VOTE = Notice(
    event=VoteCast,
    kind="vote_cast",
    audience=person(lambda event: event.user_id),
    key="vote_cast:{job}",
    compose=_vote_cast,
)


@pytest.fixture
async def voting(
    other_settings: Callable[..., Settings],
    telegram: Telegram,
    committed_db: None,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shop]:
    """The backend as ``build`` puts it together, with VOTE in the registry."""
    names = subscriptions(notifications_tasks.handlers([VOTE]))
    monkeypatch.setattr(bootstrap, "SUBSCRIPTIONS", {**bootstrap.SUBSCRIPTIONS, **names})
    monkeypatch.setattr(NotificationsService.__init__, "__kwdefaults__", {"notices": (*NOTICES, VOTE)})
    services = build(other_settings(telegram_api_url=telegram.url), clock=clock)
    async with services.running(listen=False):
        yield Shop(services, clock)


async def test_one_row_is_a_message_that_is_sent(voting: Shop, telegram: Telegram) -> None:
    reader = await voting.buyer()
    async with voting.services.uow() as tx:
        tx.emit(VoteCast(user_id=reader.id, votes=3))
    assert [job.task for job in await voting.jobs("notifications.vote_cast")] == ["notifications.vote_cast"]
    await voting.work()
    (message,) = await telegram.person(EMMA).heard()
    assert message["text"] == "3 votes"
    (row,) = await voting.notifications("vote_cast")
    assert row.status == "sent"
    assert row.params == {"user_id": str(reader.id), "votes": 3}


def test_tasks_keep_the_names_that_stored_jobs_hold() -> None:
    assert {event: bootstrap.SUBSCRIPTIONS[event] for event in STORED_TASKS} == STORED_TASKS


def test_the_retired_task_still_runs(shop: Shop) -> None:
    names = [task.name for task in notifications_tasks.tasks(shop.services.notifications)]
    assert "notifications.order_paid_admins" in names


def test_kinds_keep_their_stored_values() -> None:
    assert {notice.kind for notice in NOTICES if isinstance(notice, Notice)} == STORED_KINDS


def test_notices_of_one_kind_are_composed_alike() -> None:
    composers: dict[str, Any] = {}
    for notice in NOTICES:
        if isinstance(notice, Notice):
            assert composers.setdefault(notice.kind, notice.compose) is notice.compose


@pytest.mark.parametrize("row", NOTICES, ids=lambda row: getattr(row, "kind", row.thread))
def test_a_key_names_facts_of_its_event(row: Notice[Any] | Edit[Any]) -> None:
    known = {*row.event.__struct_encode_fields__, "job", "refund_id", "file_id"}
    templates = [row.thread, *([row.key] if isinstance(row, Notice) else [])]
    assert {name for template in templates for name in re.findall(r"\{(\w+)\}", template)} <= known
