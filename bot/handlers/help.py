"""/help, /paysupport, /terms, /privacy: what Telegram requires of every bot that takes money."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import InlineKeyboardButton, Message

from backend.infra.i18n import translator
from backend.notifications import words as small_print
from bot.context import Deps, Words
from bot.keyboards import page_button, rows, shop_button


def _support(deps: Deps, words: Words) -> list[InlineKeyboardButton]:
    url = deps.settings.support_link
    return [InlineKeyboardButton(text=words.gettext("Write to us"), url=url)] if url else []


async def help_(message: Message, deps: Deps, words: Words) -> None:
    """How this works."""
    _ = words.gettext
    lines = [
        _("<b>How this works</b>"),
        _("Open the shop, choose, and pay from your wallet. The key comes at once: on the order's page and here."),
        "",
        _("/orders: your last orders"),
        _("/topup: money for your wallet, paid here in the chat"),
        _("/language: English, العربية, Русский"),
        _("/paysupport: help with a payment"),
        _("Or just write here: your message reaches us."),
        _("/terms and /privacy: the small print, kept small"),
    ]
    await message.answer("\n".join(lines), reply_markup=rows(shop_button(deps, words), *_support(deps, words)))


async def paysupport(message: Message, deps: Deps, words: Words) -> None:
    """Help with a payment: where its number is, and that we read what is written here."""
    _ = words.gettext
    lines = [
        _("<b>Help with a payment</b>"),
        _("Every payment and every order is in your wallet's history, with its number."),
        _("A key doesn't work, or money didn't arrive? Write here, with the order number. We reply in this chat."),
        _("Telegram's own support cannot help with purchases made here."),
    ]
    buttons = [*_support(deps, words), page_button(deps, _("Open wallet"), "/wallet")]
    await message.answer("\n\n".join(lines), reply_markup=rows(*buttons))


async def terms(message: Message, deps: Deps, words: Words) -> None:
    """Terms of sale."""
    shop = words.safe(deps.settings.shop_name)
    lines = [words.gettext("<b>Terms of sale</b>"), *small_print.terms(translator(words.locale), shop)]
    await message.answer("\n\n".join(lines), reply_markup=rows(shop_button(deps, words), *_support(deps, words)))


async def privacy(message: Message, deps: Deps, words: Words) -> None:
    """What we know about a person."""
    lines = [words.gettext("<b>What we know about you</b>"), *small_print.privacy(translator(words.locale))]
    await message.answer("\n\n".join(lines), reply_markup=rows(*_support(deps, words), shop_button(deps, words)))


def router() -> Router:
    """Its router."""
    made = Router(name="help")
    for name, handler in {"help": help_, "terms": terms, "privacy": privacy}.items():
        made.message.register(handler, Command(name))
    return made
