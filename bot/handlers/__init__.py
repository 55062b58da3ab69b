"""The handlers, by subject."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import (
    assignments,
    courses,
    fallback,
    help,
    inline,
    language,
    membership,
    orders,
    payments,
    start,
    support,
)


def routers() -> list[Router]:
    """A fresh router of every subject; the one that takes whatever is left comes last."""
    subjects = (payments, start, help, language, inline, orders, courses, membership, assignments, support, fallback)
    return [subject.router() for subject in subjects]
