"""Checks what a process needs from its machine before it starts; a failed check is one line and an exit code."""

from __future__ import annotations

import errno
import socket
import tempfile
from pathlib import Path

from backend.infra.settings import SettingsError


class CannotStart(Exception):
    """Something that this process needs is not to be had now; the message says what, in one line."""


def require_folder(variable: str, folder: str) -> None:
    """Make ``folder``, and see that a file can be written there. Raises SettingsError, which names ``variable``."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{variable}: {folder} cannot be written ({error.strerror}); name a folder that this user may write to"
        raise SettingsError(text) from None


def require_port(variable: str, host: str, port: int) -> None:
    """See that nobody listens on ``port`` yet; SO_REUSEPORT would let two share it without a word.

    Raises CannotStart, which names ``variable``.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = addresses[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = "another process listens there" if error.errno == errno.EADDRINUSE else error.strerror
        raise CannotStart(f"{variable}: cannot listen on {host} port {port}: {reason}") from None
