"""Every chat message of the shop. A message is one ``Notice`` in the file of the slice where its event happens."""

from __future__ import annotations

from typing import Any, Final

from backend.notifications.notice import Edit, Notice
from backend.notifications.notices import (
    approvals,
    assignments,
    carts,
    catalog,
    certificates,
    community,
    courses,
    growth,
    hand_work,
    orders,
    payments,
    premium,
    readings,
    subscriptions,
    support,
    wallet,
    warranty,
)

NOTICES: Final[tuple[Notice[Any] | Edit[Any], ...]] = (
    *orders.NOTICES,
    *hand_work.NOTICES,
    *carts.NOTICES,
    *subscriptions.NOTICES,
    *warranty.NOTICES,
    *payments.NOTICES,
    *growth.NOTICES,
    *premium.NOTICES,
    *courses.NOTICES,
    *community.NOTICES,
    *assignments.NOTICES,
    *certificates.NOTICES,
    *readings.NOTICES,
    *approvals.NOTICES,
    *wallet.NOTICES,
    *catalog.NOTICES,
    *support.NOTICES,
)
