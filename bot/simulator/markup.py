"""Keyboards: checked as Telegram checks them, refused with its words."""

from typing import Any
from urllib.parse import urlsplit

from bot.simulator.config import is_loopback
from bot.simulator.errors import ApiError, bad_request

_ACTIONS = ("url", "callback_data", "web_app", "copy_text", "pay", "login_url", "switch_inline_query",
            "switch_inline_query_current_chat", "switch_inline_query_chosen_chat", "callback_game")  # fmt: skip
_MAX_BUTTONS = 100
_STYLES = {"danger", "success", "primary"}


def check_web_app_url(url: Any, where: str) -> str:
    """Return a Mini App address; raises 400 unless it is https, or http on loopback, which only we allow."""
    text = str(url or "")
    parts = urlsplit(text)
    if parts.scheme == "https" and parts.hostname:
        return text
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
        return text
    raise bad_request(f"{where} URL '{text}' is invalid: Only HTTPS links are allowed")


def _text_of(button: Any, kind: str) -> str:
    text = button.get("text") if isinstance(button, dict) else button
    if not isinstance(text, str):
        raise bad_request(f'can\'t parse {kind} button: Field "text" must be of type String')
    if not text.strip():
        raise bad_request("BUTTON_TEXT_INVALID" if kind == "inline keyboard" else "keyboard button text is empty")
    return text


def _check_inline(button: Any, private: bool) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    _text_of(button, "inline keyboard")
    chosen = [action for action in _ACTIONS if button.get(action) is not None and button.get(action) is not False]
    if not chosen:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(chosen) > 1:
        raise bad_request("can't parse inline keyboard button: exactly one optional field must be used")
    if "style" in button and button["style"] not in _STYLES:
        raise bad_request("can't parse inline keyboard button: invalid button style specified")
    action, value = chosen[0], button[chosen[0]]
    if action == "callback_data" and not 1 <= len(str(value).encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if action == "url":
        _check_url(str(value))
    if action == "copy_text" and not (isinstance(value, dict) and 1 <= len(str(value.get("text", ""))) <= 256):
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if action == "web_app":
        if not private:
            raise bad_request("BUTTON_TYPE_INVALID")
        check_web_app_url(value.get("url") if isinstance(value, dict) else None, "inline keyboard button Web App")


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return
    if parts.scheme in {"tg", "ton", "mailto", "tel"}:
        return
    raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def _rows(markup: dict[str, Any], field: str) -> list[list[Any]]:
    rows = markup[field]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(f'can\'t parse reply keyboard markup JSON object: Field "{field}" must be an Array of Arrays')
    if sum(len(row) for row in rows) > _MAX_BUTTONS:
        raise bad_request("REPLY_MARKUP_TOO_LONG")
    return rows


def check_markup(markup: dict[str, Any] | None, private: bool) -> dict[str, Any] | None:
    """Return a reply_markup as it is kept, None for none or an empty inline keyboard; raises the 400s."""
    if not markup:
        return None
    if "inline_keyboard" in markup:
        rows = [row for row in _rows(markup, "inline_keyboard") if row]
        for row in rows:
            for button in row:
                _check_inline(button, private)
        return {"inline_keyboard": rows} if rows else None
    if "keyboard" in markup:
        rows = [row for row in _rows(markup, "keyboard") if row]
        if not rows:
            raise bad_request("can't parse reply keyboard markup JSON object: keyboard is empty")
        for row in rows:
            for button in row:
                _text_of(button, "keyboard")
                if isinstance(button, dict) and button.get("web_app"):
                    check_web_app_url(button["web_app"].get("url"), "keyboard button Web App")
        return {**markup, "keyboard": rows}
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    raise _unknown_markup()


def _unknown_markup() -> ApiError:
    return bad_request("can't parse reply keyboard markup JSON object")
