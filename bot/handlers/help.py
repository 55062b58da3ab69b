"""/help, /sellers, /paysupport, /terms, /privacy: what Telegram requires of every bot that takes money."""

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
    """How it works."""
    _ = words.gettext
    lines = [
        _("<b>How it works</b>"),
        _("Choose a product in the shop and pay. Your key appears on the order page and in this chat."),
        "",
        _("/orders: your last orders"),
        _("/learn: your courses and lessons"),
        _("/readings: ask the cards"),
        _("/topup: top up your balance in this chat"),
        _("/sellers: check if a seller is one of ours"),
        _("/language: English, العربية, Русский"),
        _("/paysupport: help with a payment"),
        _("To contact us, write in this chat."),
        _("/terms and /privacy: terms of sale and privacy"),
    ]
    await message.answer("\n".join(lines), reply_markup=rows(shop_button(deps, words), *_support(deps, words)))


async def sellers(message: Message, deps: Deps, words: Words) -> None:
    """Lead to the page where a seller's name is checked."""
    _ = words.gettext
    text = _("Somebody sells in our name? Check their username or ID before you pay.")
    await message.answer(text, reply_markup=rows(page_button(deps, _("Trusted sellers"), "/sellers")))


async def paysupport(message: Message, deps: Deps, words: Words) -> None:
    """Explain where to find a payment's number, and that people can write here."""
    _ = words.gettext
    lines = [
        _("<b>Help with a payment</b>"),
        _("Your wallet's history shows every payment and order with its number."),
        _("A key doesn't work, or money didn't arrive? Write here, with the order number. We reply in this chat."),
        _("Telegram's own support cannot help with purchases made here."),
    ]
    buttons = [*_support(deps, words), page_button(deps, _("Open wallet"), "/wallet")]
    await message.answer("\n\n".join(lines), reply_markup=rows(*buttons))


async def terms(message: Message, deps: Deps, words: Words) -> None:
    """Send the terms of sale."""
    shop = words.safe(deps.settings.shop_name)
    lines = [words.gettext("<b>Terms of sale</b>"), *small_print.terms(translator(words.locale), shop)]
    await message.answer("\n\n".join(lines), reply_markup=rows(shop_button(deps, words), *_support(deps, words)))


async def privacy(message: Message, deps: Deps, words: Words) -> None:
    """Send the privacy text."""
    lines = [words.gettext("<b>Privacy</b>"), *small_print.privacy(translator(words.locale))]
    await message.answer("\n\n".join(lines), reply_markup=rows(*_support(deps, words), shop_button(deps, words)))


def router() -> Router:
    """Its router."""
    routes = Router(name="help")
    for name, handler in {"help": help_, "sellers": sellers, "terms": terms, "privacy": privacy}.items():
        routes.message.register(handler, Command(name))
    return routes
