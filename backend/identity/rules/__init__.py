"""Pure decisions about people."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from backend.identity.types import ALL_PERMISSIONS, Permission, ZoneSource
from backend.kernel.text import fold

_START_PARAM = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KNOWN = frozenset(item.value for item in Permission)
MAX_NAME = 128


# Files of the time zone database that are not time zones; PostgreSQL does not know the first.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})


@functools.cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NO_ZONES


def known_timezone(name: str | None) -> str | None:
    """The IANA name if there is such a zone, else None."""
    return name if name and name in _timezones() else None


def zone_source(stored: str | None, *, chosen: bool) -> ZoneSource:
    """Where the stored zone of a person is from."""
    if stored is None:
        return ZoneSource.UNKNOWN
    return ZoneSource.CHOSEN if chosen else ZoneSource.DEVICE


_INVITATION: Final = re.compile("a_[A-Za-z0-9_-]{32}")


def start_param(text: str | None) -> str | None:
    """The start parameter if Telegram could have made it (1 to 64 of A-Z a-z 0-9 _ -), else None.

    A gift card's code (``g_...``) is worth money, so it is replaced by ``gift``; an invitation of an admin
    (``a_...``), of which only a hash is stored, by ``invitation``.
    """
    if text and _INVITATION.fullmatch(text):
        return "invitation"
    if text and text.startswith("g_"):
        return "gift"
    return text if text and _START_PARAM.match(text) else None


def clean_name(text: str | None) -> str | None:
    """A name on one line without what PostgreSQL cannot store, cut to 128 characters; None when nothing is left."""
    if not text:
        return None
    plain = fold(_CONTROL.sub(" ", text.replace("\0", "")).encode("utf-8", "ignore").decode())
    return plain[:MAX_NAME] or None


def photo_url(text: str | None) -> str | None:
    """The address of a photo if it is https and of a sane length, else None."""
    return text if text and text.startswith("https://") and len(text) <= 1024 and text.isprintable() else None


def held(permissions: Iterable[str], *, is_root: bool) -> frozenset[Permission]:
    """The permissions of a person: all for the root admin, else those of their row that this version knows."""
    if is_root:
        return ALL_PERMISSIONS
    return frozenset(Permission(item) for item in permissions if item in _KNOWN)


def is_blocked(now: datetime, reason: str | None, until: datetime | None) -> bool:
    """Whether a block for ``reason`` (None for none) that ends by itself at ``until`` lasts now."""
    return reason is not None and (until is None or now < until)


def is_premium(now: datetime, until: datetime | None, grace: timedelta, *, endless: bool) -> bool:
    """Whether premium that lasts ``until``, and the days of ``grace`` after it, is not over; ``endless`` never is."""
    return endless or (until is not None and now < until + grace)
