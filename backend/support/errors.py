"""Refusals of support."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind


class BotBlocked(AppError):
    """The person has blocked the bot: nothing that is written to them arrives."""

    code = "bot_blocked"
    kind = Kind.CONFLICT


class ReadyAnswerChanged(AppError):
    """Another admin has changed the ready answer since the form was opened."""

    code = "ready_answer_changed"
    kind = Kind.CONFLICT
