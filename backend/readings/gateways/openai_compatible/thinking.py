"""Keeps what a model thinks out of what it says: ``<think>…</think>``, also where a tag is cut between chunks."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = ("think", "thinking", "thought", "reasoning")
_OPENING: Final = re.compile(rf"<({'|'.join(_NAMES)})\s*>", re.IGNORECASE)
_CLOSING: Final = re.compile(rf"</({'|'.join(_NAMES)})\s*>", re.IGNORECASE)
_LONGEST: Final = max(map(len, _NAMES)) + 4


def _begun(text: str) -> int:
    """Where a tag begins that may be complete with the next chunk; the length of the text if none does."""
    at = text.rfind("<", max(0, len(text) - _LONGEST))
    if at < 0:
        return len(text)
    start = text[at:].lower().rstrip()
    tags = (f"<{slash}{name}>" for name in _NAMES for slash in ("", "/"))
    return at if any(tag.startswith(start) or start == tag[:-1] for tag in tags) else len(text)


class Thoughts:
    """Takes the pieces of a text, returns what may be shown of them.

    ``silent``: the server leaves out the opening tag, so the text begins with thoughts.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._inside = silent
        self._silent = silent
        self._held = ""
        self._thought = ""
        self.unopened = False
        """A closing tag came without its opening one: everything before it was thought, and has been shown."""

    def feed(self, piece: str) -> str:
        """What of the text, up to this piece, may be shown now."""
        text, self._held, shown = self._held + piece, "", ""
        while text:
            tag = (_CLOSING if self._inside else _OPENING).search(text)
            if not self._inside and (closing := _CLOSING.search(text)) and not (tag and tag.start() < closing.start()):
                self.unopened, text, shown = True, text[closing.end() :], ""
                continue
            if tag is None:
                whole = _begun(text)
                self._held, text = text[whole:], text[:whole]
                shown, text = shown + self._say(text), ""
            else:
                shown, text = shown + self._say(text[: tag.start()]), text[tag.end() :]
                self._inside = not self._inside
                self._silent, self._thought = False, ""
        return shown

    def _say(self, text: str) -> str:
        if not self._inside:
            return text
        if self._silent:
            self._thought += text
        return ""

    def rest(self) -> str:
        """What may be shown once the text has ended: a tag that was none, or a text that began with no thoughts."""
        held, self._held = self._held, ""
        if self._silent:
            return self._thought + held
        return "" if self._inside else held
