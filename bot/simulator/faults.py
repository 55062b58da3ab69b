"""Faults that a test orders: the next calls of a method fail in a given way."""

from typing import Literal

import msgspec

from bot.simulator.errors import ApiError, ConnectionDropped, NoAnswer, too_many_requests

PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n"
)


class Fault(msgspec.Struct, kw_only=True):
    """The next `times` calls of `method` ("*" for any) fail.

    Kinds: "429" with `retry_after` seconds, "error" with `status` and `description`, "drop" breaks the connection,
    "html" answers `body` with `status`, as a proxy before Telegram does.
    """

    method: str
    kind: Literal["429", "error", "drop", "html"] = "429"
    times: int = 1
    retry_after: int = 1
    status: int = 500
    description: str = "Internal Server Error"
    body: str = PAGE


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
            if fault.kind == "html":
                raise NoAnswer(fault.status, fault.body)
            raise ApiError(fault.status, fault.description)
