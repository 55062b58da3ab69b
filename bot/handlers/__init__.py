"""The handlers, by subject."""

from __future__ import annotations

from aiogram import Router

from bot.handlers import fallback, help, language, membership, orders, payments, start, support


def routers() -> list[Router]:
    """A fresh router of every subject; the one that takes whatever is left comes last."""
    return [module.router() for module in (payments, start, help, language, orders, membership, support, fallback)]
