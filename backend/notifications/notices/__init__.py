"""Every chat message of the shop. A message is one ``Notice`` in the file of the slice where its event happens."""

from __future__ import annotations

from typing import Any, Final

from backend.notifications.notice import Edit, Notice
from backend.notifications.notices import approvals, carts, catalog, growth, orders, payments, support, wallet

NOTICES: Final[tuple[Notice[Any] | Edit[Any], ...]] = (
    *orders.NOTICES,
    *carts.NOTICES,
    *payments.NOTICES,
    *growth.NOTICES,
    *approvals.NOTICES,
    *wallet.NOTICES,
    *catalog.NOTICES,
    *support.NOTICES,
)
