"""Where an action comes from: the page, the bot, the API, the command line or the worker; for the audit trail."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

_IPV4_PREFIX: Final = 24
_IPV6_PREFIX: Final = 48


class Via(StrEnum):
    """Through what somebody acts; stored."""

    PAGE = "page"
    API = "api"
    BOT = "bot"
    CLI = "cli"
    WORKER = "worker"


class Origin(msgspec.Struct, frozen=True):
    """From where the running code was asked to act."""

    via: Via
    network: str | None = None
    """The network of the caller's address, too wide to name one line: a /24 of IPv4, a /48 of IPv6."""
    session_id: UUID | None = None


_ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)


def current() -> Origin | None:
    """From where the running code was asked to act; None where nobody said."""
    return _ORIGIN.get()


@contextmanager
def acting_from(origin: Origin) -> Iterator[None]:
    """Let everything inside be recorded as coming from ``origin``."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def of_session(session_id: UUID | None) -> None:
    """Name the session, once it is known, for the rest of what ``acting_from`` surrounds."""
    here = _ORIGIN.get()
    if here is not None and session_id is not None:
        _ORIGIN.set(msgspec.structs.replace(here, session_id=session_id))


@functools.lru_cache(4096)
def network_of(address: str) -> str | None:
    """The network of an IP address (``203.0.113.0/24``); None for anything else."""
    try:
        ip = ipaddress.ip_address(address.partition("/")[0].partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    length = _IPV4_PREFIX if ip.version == 4 else _IPV6_PREFIX
    return str(ipaddress.ip_network((ip, length), strict=False))
