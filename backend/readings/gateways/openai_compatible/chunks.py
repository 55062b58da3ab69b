"""What a chunk of a stream says, whatever shape its server gives it.

Servers send other things than the API's types promise: no choices, no delta, text as a list, errors in between. Nothing
here trusts a type.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

_REASONING: Final = ("reasoning_content", "reasoning", "thinking")
_MOST_TOKENS: Final = 10_000_000


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one chunk adds."""

    text: str = ""
    thinks: bool = False
    refused: bool = False
    finish: str = ""
    """Why the text ends, in small letters; empty while it goes on."""
    model: str = ""
    tokens: tuple[int, int] | None = None
    """Of the request, and of the answer."""
    fault: dict[str, Any] | None = None
    """An error object."""
    noise: bool = False
    """Nothing that belongs into a stream."""


def field(value: Any, name: str) -> Any:
    """A member of a model of the library, its extra members included, or of a dict; None where there is none."""
    if isinstance(value, dict):
        return value.get(name)
    member = getattr(value, name, None)
    if member is None:
        extra = getattr(value, "model_extra", None)
        member = extra.get(name) if isinstance(extra, dict) else None
    return member


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (item if isinstance(item, str) else field(item, "text") for item in content)
    return "".join(text for text in texts if isinstance(text, str))


def _tokens(usage: Any) -> tuple[int, int] | None:
    counts = tuple(field(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    if all(isinstance(count, int) and 0 <= count <= _MOST_TOKENS for count in counts):
        return counts[0], counts[1]
    return None


def _fault(chunk: Any) -> dict[str, Any] | None:
    error = field(chunk, "error")
    if error is not None:
        return error if isinstance(error, dict) else {"message": str(error)}
    names = ("message", "code", "type")
    if field(chunk, "object") == "error" or (not field(chunk, "choices") and field(chunk, "message")):
        return {name: field(chunk, name) for name in names}
    return None


def read(chunk: Any) -> Part:
    """What a chunk says; one that cannot be read is noise."""
    if chunk is None or isinstance(chunk, (str, int, float, list)):
        return Part(noise=True)
    if (fault := _fault(chunk)) is not None:
        return Part(fault=fault)
    model = field(chunk, "model")
    model, tokens = model if isinstance(model, str) else "", _tokens(field(chunk, "usage"))
    choices = field(chunk, "choices")
    if not isinstance(choices, list) or not choices:
        return Part(model=model, tokens=tokens, noise=choices is None)
    choice = choices[0]
    # A server that ignores ``stream`` sends a whole message.
    delta = field(choice, "delta") or field(choice, "message")
    finish = field(choice, "finish_reason")
    return Part(
        text=_text(field(delta, "content")),
        thinks=any(field(delta, name) for name in _REASONING),
        refused=bool(field(delta, "refusal")),
        finish=finish.strip().lower() if isinstance(finish, str) else "",
        model=model,
        tokens=tokens,
    )
