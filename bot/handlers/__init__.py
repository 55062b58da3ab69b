"""The handlers, by subject."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import (
    admins,
    assignments,
    community,
    courses,
    fallback,
    help,
    inline,
    language,
    membership,
    orders,
    payments,
    readings,
    start,
    support,
)


def routers() -> list[Router]:
    """A fresh router of every subject; the one that takes whatever is left comes last."""
    talk = (
        start,
        admins,
        help,
        language,
        inline,
        orders,
        courses,
        readings,
        membership,
        assignments,
        support,
        fallback,
    )
    subjects = (payments, community, *talk)
    return [subject.router() for subject in subjects]
