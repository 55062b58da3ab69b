"""What a cart needs of the variants in it."""

from __future__ import annotations

import msgspec

from backend.catalog.types import Offer


class StockedOffer(msgspec.Struct, frozen=True):
    """A variant that may have been hidden since somebody chose it.

    ``available`` is counted up to AVAILABILITY_CAP; None where any number can be bought.
    """

    offer: Offer
    for_sale: bool
    available: int | None
