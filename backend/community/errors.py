"""How calls about groups fail."""

from __future__ import annotations


class NoRight(Exception):
    """The bot lacks a right in the chat."""


class NotInChat(Exception):
    """The bot is not in the chat, or the chat is gone."""


class LinkGone(Exception):
    """The link was revoked."""
