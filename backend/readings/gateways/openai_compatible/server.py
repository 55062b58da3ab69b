"""What is known of a model server: its settings, its keys in their order, and the parameters that it does not take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from backend.readings.ports import InterpretationFailed

ASIDE_SECONDS: Final = 600.0
"""For how long a key that was refused, or whose quota is used up, is tried last."""
_TEMPERATURE: Final = 0.8


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: until a model speaks, until one does that thinks before, between two words."""

    first: float = 30.0
    thinking: float = 90.0
    gap: float = 20.0


_SHORTEST_KEY: Final = 8
"""Characters; what is shorter is the placeholder of a server without keys."""


class ModelServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model is served and how it is asked."""

    url: str
    model: str
    keys: tuple[str, ...] = ("none",)
    deadlines: Deadlines = Deadlines()
    strict: bool = True
    """Whether a text without a reason for its end counts as cut off; some servers never give one."""
    max_tokens: int = 4000

    def without_keys(self, failure: InterpretationFailed) -> InterpretationFailed:
        """The failure as admins and the log may have it: some servers repeat the key that they refuse."""
        detail = failure.detail
        for key in self.keys:
            if len(key) >= _SHORTEST_KEY:
                detail = detail.replace(key, "***")
        return InterpretationFailed(failure.failure, detail, wait=failure.wait, void=failure.void)


class Keys:
    """The keys of a server, those that work first."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys) or ("none",)
        self._aside: dict[str, float] = {}

    def usable(self, now: float) -> Iterator[str]:
        """All keys, those that are postponed last; ``now`` in seconds of a clock that never goes back."""
        yield from sorted(self._keys, key=lambda key: max(self._aside.get(key, 0.0), now))

    def postpone(self, key: str, now: float) -> None:
        """Try this key last for a while."""
        self._aside[key] = now + ASIDE_SECONDS

    def works(self, key: str) -> None:
        """Use a postponed key as before."""
        self._aside.pop(key, None)


class Parameters:
    """The optional parameters of a call, without those that the server has refused."""

    def __init__(self, server: ModelServer) -> None:
        self._values: dict[str, Any] = {
            "max_tokens": server.max_tokens,
            "temperature": _TEMPERATURE,
            "stream_options": {"include_usage": True},
        }

    def current(self) -> dict[str, Any]:
        """What is sent now."""
        return dict(self._values)

    def drop(self, name: str) -> None:
        """Send it no more. ``max_tokens`` has a newer name, which is tried in its place first."""
        value = self._values.pop(name, None)
        if name == "max_tokens":
            self._values["max_completion_tokens"] = value
