"""The last question before money moves: asked once the form is right, naming the sum and the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from webapp.core import forms
from webapp.core.parts import SureSheet
from webapp.core.responses import Html, sheet
from webapp.core.site import SoukRequest

_ASK: Final = "ask"


async def question(
    request: SoukRequest,
    title: str,
    button: str,
    text: str = "",
    *,
    danger: bool = False,
    more: Mapping[str, str] | None = None,
) -> Html:
    """A sheet that sends the same form once more, without the ``ask`` that it came with, and with ``more`` fields."""
    values = {**await forms.posted(request), **(more or {})}
    fields = tuple((name, value) for name, value in values.items() if name != _ASK and isinstance(value, str))
    return sheet(request, "sheets/_sure.html", SureSheet(request.url.path, title, button, text, fields, danger))


def isolated(name: str) -> str:
    """A name in a sentence, whatever its direction."""
    return f"\u2068{name}\u2069"
