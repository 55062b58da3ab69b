"""Buttons below messages."""

from __future__ import annotations

from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, WebAppInfo

from backend.kernel.text import Locale
from bot.context import Deps, Words

LANGUAGE_PREFIX: Final = "lang:"
# Each in its own language, so that people find it who read no other.
_LANGUAGE_NAMES: Final = {Locale.EN: "English", Locale.AR: "العربية", Locale.RU: "Русский"}


def rows(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    """One button a row."""
    return InlineKeyboardMarkup(inline_keyboard=[[button] for button in buttons])


def page_button(deps: Deps, text: str, path: str) -> InlineKeyboardButton:
    """A button that opens a page of the Mini App."""
    return InlineKeyboardButton(text=text, web_app=WebAppInfo(url=deps.page(path)))


def shop_button(deps: Deps, words: Words) -> InlineKeyboardButton:
    """The button that opens the shop."""
    return page_button(deps, words.gettext("Open the shop"), "/shop")


def languages(current: Locale) -> InlineKeyboardMarkup:
    """A button for each language; the current one is marked."""
    return rows(
        *(
            InlineKeyboardButton(
                text=f"✓ {name}" if locale is current else name, callback_data=f"{LANGUAGE_PREFIX}{locale.value}"
            )
            for locale, name in _LANGUAGE_NAMES.items()
        )
    )
