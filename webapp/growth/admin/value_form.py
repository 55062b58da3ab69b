"""What the forms for vouchers, bonuses and promo codes have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, Literal

import msgspec

from backend.approvals.types import FirstApproval
from backend.kernel.ids import UserId
from webapp.core import forms
from webapp.core.site import SoukRequest, site_of
from webapp.growth.screens.admin import ValueForm
from webapp.growth.screens.gifts import presets

_FIELDS: Final = {
    "people": "count",
    "codes": "count",
    "expires": "ends",
    "minimum": "amount",
    "percent": "value",
    "fixed": "value",
}
"""A service's name of what it refused -> the field of the form."""


class ValueFields(msgspec.Struct, frozen=True, kw_only=True):
    """An amount, and the last day on which it can be had."""

    amount: forms.AmountOrPreset
    ends: forms.Day | None = None


class OfferFields(msgspec.Struct, frozen=True, kw_only=True):
    """A percentage or an amount, for purchases or top-ups from the first day (``starts``) to the last (``ends``)."""

    kind: Literal["percent", "fixed"] = "percent"
    starts: forms.Day | None = None
    ends: forms.Day | None = None
    first_only: bool = False

    def starts_at(self, zone: tzinfo) -> datetime | None:
        """When the first day begins."""
        return forms.day_starts(self.starts, zone) if self.starts else None

    def ends_at(self, zone: tzinfo) -> datetime | None:
        """When the last day ends."""
        return forms.day_ends(self.ends, zone) if self.ends else None


async def read_offer(request: SoukRequest, percent: type[Any], fixed: type[Any]) -> forms.Form[Any]:
    """The form that was posted, as ``percent`` or ``fixed`` by its ``kind``: the two read the value differently."""
    kind = (await forms.posted(request)).get("kind")
    form: forms.Form[Any] = await forms.read(request, fixed if kind == "fixed" else percent)
    return form


async def names_of_first(request: SoukRequest, requests: Sequence[tuple[FirstApproval, Any]]) -> Mapping[UserId, str]:
    """The names of the admins who gave the first approval of ``requests``."""
    people = site_of(request).services.identity.people
    return await people.names_of(request.user, [first.by for first, _ in requests])


def errors_of(
    form: forms.Form[Any], refused: Mapping[str, str] | None, fields: Mapping[str, str] = _FIELDS
) -> dict[str, str]:
    """The error code of each wrong field; ``fields`` maps a service's name of what it ``refused`` to the field."""
    return {fields.get(name, name): code for name, code in {**form.errors, **(refused or {})}.items()}


def value_form(request: SoukRequest, form: forms.Form[Any], refused: Mapping[str, str] | None = None) -> ValueForm:
    """The form to show, with the errors of its fields and of what a service ``refused``."""
    limits = site_of(request).services.growth.vouchers.limits
    return ValueForm(
        presets=presets(limits, form.text("amount") or form.text("preset")),
        typed=form.typed,
        errors=errors_of(form, refused),
    )
