"""What the forms for vouchers and bonuses have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

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
    """The fields that both forms post; ``ends`` is the last day."""

    amount: forms.AmountOrPreset
    ends: forms.Day | None = None


def value_form(request: SoukRequest, form: forms.Form[Any], refused: Mapping[str, str] | None = None) -> ValueForm:
    """The form to show, with the errors of its fields and of what a service ``refused``."""
    limits = site_of(request).services.growth.vouchers.limits
    errors = {_FIELDS.get(name, name): code for name, code in {**form.errors, **(refused or {})}.items()}
    return ValueForm(
        presets=presets(limits, form.text("amount") or form.text("preset")),
        typed=form.typed,
        errors=errors,
    )
