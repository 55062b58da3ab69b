"""Faults that a test orders: the next calls of a method fail in a given way."""

from typing import Literal

import msgspec

from bot.simulator.errors import ApiError, ConnectionDropped, too_many_requests


class Fault(msgspec.Struct, kw_only=True):
    """The next `times` calls of `method` ("*" for any) fail.

    Kinds: "429" with `retry_after` seconds, "error" with `status` and `description`, "drop" breaks the connection.
    """

    method: str
    kind: Literal["429", "error", "drop"] = "429"
    times: int = 1
    retry_after: int = 1
    status: int = 500
    description: str = "Internal Server Error"


class Faults:
    """The faults that wait for their calls, first ordered first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Order a fault."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self.waiting.clear()

    def strike(self, method: str) -> None:
        """Raise what the first fitting fault asks for, and count it down; nothing where none fits."""
        for fault in self.waiting:
            if fault.method != "*" and fault.method.lower() != method.lower():
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
            if fault.kind == "429":
                raise too_many_requests(fault.retry_after)
            if fault.kind == "drop":
                raise ConnectionDropped
            raise ApiError(fault.status, fault.description)
