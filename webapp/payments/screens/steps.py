"""The steps of a payment, from its start to what has become of it."""

from __future__ import annotations

from backend.payments.types import OPEN, ActionKind, Intent, IntentStatus
from webapp.core.parts import StepView


def steps_of(intent: Intent, status: IntentStatus) -> tuple[StepView, ...]:
    """What has happened to the payment, and what comes next; ``status`` is the one that people see now."""
    started = StepView("asked", "done", intent.created_at)
    return (started, *(_next_steps(intent, status) if status in OPEN else _last_steps(intent, status)))


def _next_steps(intent: Intent, status: IntentStatus) -> tuple[StepView, ...]:
    """What an open payment has seen, and what is to come."""
    changed, later = intent.updated_at, StepView("balance", "todo")
    if status is IntentStatus.UNDERPAID:
        return (StepView("part", "done", changed, amount=intent.credited), StepView("rest", "now"))
    confirming = status is IntentStatus.CONFIRMING
    if intent.action is not None and intent.action.kind is ActionKind.DEPOSIT:
        if confirming:
            return (StepView("receipt_received", "done", changed), StepView("in_review", "now"), later)
        return (StepView("receipt", "now"), later)
    if confirming:
        return (StepView("seen", "done", changed), StepView("confirming", "now"), later)
    return (StepView("seen", "now"), later)


def _last_steps(intent: Intent, status: IntentStatus) -> tuple[StepView, ...]:
    """How a payment ended."""
    changed = intent.updated_at
    if status is IntentStatus.FAILED:
        return (StepView("failed", "bad", changed),)
    if status is IntentStatus.EXPIRED:
        return (StepView("expired", "bad", changed),)
    if status is IntentStatus.CANCELLED:
        return (StepView("cancelled", "bad", changed),)
    arrived = StepView("balance", "done", amount=intent.credited)
    if status is IntentStatus.REFUNDED:
        return (arrived, StepView("refunded", "done", changed, amount=-intent.refunded))
    if status is IntentStatus.PARTIALLY_REFUNDED:
        return (arrived, StepView("partially_refunded", "done", changed, amount=-intent.refunded))
    return (arrived,)
