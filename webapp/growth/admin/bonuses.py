"""Rules for top-up bonuses: listing, adding, approving and stopping them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueId
from backend.growth.types import BonusRule, BonusRuleId, NewBonusRule
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth.admin.value_form import OfferFields, names_of_first, read_offer, value_form
from webapp.growth.screens import admin as present
from webapp.growth.screens.admin import BonusesPage, MethodChoice, NewBonusPage
from webapp.payments.admin.payments import PAYMENTS
from webapp.payments.screens.methods import method_title

_MONEY = requires(Permission.MONEY)
_PATH: Final = "/admin/bonuses"


class BonusForm(OfferFields, frozen=True, kw_only=True):
    """A rule for top-ups of ``amount`` or more."""

    amount: forms.AmountOrPreset
    maximum: forms.Amount | None = None
    method: Annotated[str, Meta(max_length=32)] = ""


class PercentForm(BonusForm, frozen=True, kw_only=True):
    """The bonus is a percentage of the top-up."""

    value: forms.BasisPoints


class FixedForm(BonusForm, frozen=True, kw_only=True):
    """The bonus is an amount."""

    value: forms.Amount


@get(_PATH, name="admin:bonuses", guards=[_MONEY])
async def bonuses(request: SoukRequest) -> Html:
    """The rules, those that await approval first."""
    return await _list_page(request)


@get(_PATH + "/new", name="admin:new-bonus", guards=[_MONEY])
async def new_bonus(request: SoukRequest) -> Html:
    """The form for a new rule."""
    return await _form(request, forms.Form(), status=200)


@post(_PATH, name="admin:add-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def add(request: SoukRequest) -> Html:
    """Add a rule, or ask a second admin to approve it."""
    form = await read_offer(request, PercentForm, FixedForm)
    if form.value is None:
        return await _form(request, form)
    if form.value.method and form.value.method not in await _methods(request):
        return await _form(request, form, {"method": "unknown"})
    rule = _rule(form.value, site_of(request).viewer(request.user).timezone)
    try:
        added = await site_of(request).services.growth.bonuses.add_rule(request.user, rule)
    except Invalid as refusal:
        return await _form(request, form, refusal.fields)
    return await _added(request, added)


def _rule(form: FixedForm | PercentForm, zone: tzinfo) -> NewBonusRule:
    return NewBonusRule(
        minimum=form.amount,
        basis_points=form.value if isinstance(form, PercentForm) else None,
        fixed=form.value if isinstance(form, FixedForm) else None,
        maximum=form.maximum,
        starts_at=form.starts_at(zone),
        ends_at=form.ends_at(zone),
        first_only=form.first_only,
        method=form.method,
    )


@post(_PATH + "/{value_id:uuid}/approve", name="admin:approve-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def approve(request: SoukRequest, value_id: FromPath[UUID]) -> Html:
    """Add a rule that another admin asked for. Raises NotFound, SecondAdminNeeded."""
    services = site_of(request).services
    return await _added(request, await services.growth.bonuses.approve_rule(request.user, ValueId(value_id)))


@post(_PATH + "/{rule_id:uuid}/stop", name="admin:stop-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, rule_id: FromPath[UUID]) -> Html:
    """Stop a rule. Raises NotFound."""
    site = site_of(request)
    await site.services.growth.bonuses.stop_rule(request.user, BonusRuleId(rule_id))
    words = site.viewer(request.user).words
    return toast(replaced(await _list_page(request), _PATH), words.gettext("Bonus stopped"))


async def _added(request: SoukRequest, rule: BonusRule | None) -> Html:
    words = site_of(request).viewer(request.user).words
    message = words.gettext("Bonus added") if rule else words.gettext("Waiting for a second admin")
    return toast(replaced(await _list_page(request), _PATH), message)


async def _methods(request: SoukRequest) -> list[str]:
    """The names of the payment methods that a rule can be limited to."""
    return [method.name for method in await site_of(request).services.payments.methods.enabled(request.user)]


async def _form(
    request: SoukRequest,
    form: forms.Form[BonusForm],
    refused: Mapping[str, str] | None = None,
    *,
    status: int = FORM_ERROR,
) -> Html:
    viewer = site_of(request).viewer(request.user)
    methods = tuple(MethodChoice(name, method_title(name, viewer)) for name in await _methods(request))
    view = NewBonusPage(form=value_form(request, form, refused), methods=methods)
    return manage_page(request, "growth/admin/new_bonus.html", view, "payments", back=_PATH, status=status)


async def _list_page(request: SoukRequest) -> Html:
    site = site_of(request)
    rules = await site.services.growth.bonuses.rules(request.user)
    requests = await site.services.growth.bonuses.awaiting_approval(request.user)
    names = await names_of_first(request, requests)
    viewer = site.viewer(request.user)
    view = BonusesPage(
        present.requested_bonuses(requests, names, request.user, viewer) + present.bonus_rows(rules, viewer)
    )
    return manage_page(request, "growth/admin/bonuses.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (bonuses, new_bonus, add, approve, stop)
