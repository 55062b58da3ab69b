"""Partners, as admins see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from backend.growth.types.attribution import Partner, PartnerId
from webapp.core import forms

PARTNERS: Final = "/admin/partners"


class PartnerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A partner: what stands in links, how many people came by them, and how often these joined a course."""

    id: PartnerId
    link: str
    """The start parameter of links that name this partner."""
    name: str
    people: int
    enrolments: int
    stopped: bool


class PartnersPage(msgspec.Struct, frozen=True):
    """All partners, the latest first."""

    rows: tuple[PartnerRow, ...]


class PartnerForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is typed of a new partner."""

    name: str = ""
    code: str = ""


class NewPartnerPage(msgspec.Struct, frozen=True):
    """The form for a partner."""

    form: forms.Form[PartnerForm]


def partner_rows(partners: Sequence[Partner], enrolments: Mapping[PartnerId, int]) -> tuple[PartnerRow, ...]:
    """The rows of the list."""
    return tuple(
        PartnerRow(
            id=one.id,
            link=f"p_{one.code}",
            name=one.name,
            people=one.people,
            enrolments=enrolments.get(one.id, 0),
            stopped=one.stopped_at is not None,
        )
        for one in partners
    )
