"""Top-up bonuses: the rules, and what each has given."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueId
from backend.growth.types import BonusRule, BonusRuleId, NewBonusRule
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from webapp.core import forms
from webapp.core.answers import replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth import screens as present
from webapp.growth.screens import BonusesPage, NewBonusPage, WayChoice
from webapp.payments.admin.payments import PAYMENTS
from webapp.payments.screens.methods import method_title

_MONEY = requires(Permission.MONEY)
_PATH: Final = "/admin/bonuses"
_Typed = Annotated[str, Meta(max_length=32)]


class BonusForm(msgspec.Struct, frozen=True):
    """From which ``amount`` on, how much, at most, when, for whom; days as 2026-11-21, the last one included."""

    preset: _Typed = ""
    amount: _Typed = ""
    kind: Literal["percent", "fixed"] = "percent"
    value: _Typed = ""
    maximum: _Typed = ""
    starts: _Typed = ""
    ends: _Typed = ""
    first_only: bool = False
    way: _Typed = ""


@get(_PATH, name="admin:bonuses", guards=[_MONEY])
async def bonuses(request: SoukRequest) -> Html:
    """The rules, those that run first."""
    return await _list_page(request)


@get(_PATH + "/new", name="admin:new-bonus", guards=[_MONEY])
async def new_bonus(request: SoukRequest) -> Html:
    """What a rule says."""
    return await _form(request, BonusForm(), {})


@post(_PATH, name="admin:add-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def add(request: SoukRequest) -> Html:
    """Make a rule."""
    form = await forms.read_form(request, BonusForm)
    site = site_of(request)
    try:
        made = await site.services.growth.bonuses.add_rule(request.user, await _rule(request, form))
    except Invalid as refusal:
        return await _form(request, form, refusal.fields)
    return await _added(request, made)


@post(_PATH + "/{value_id:uuid}/approve", name="admin:approve-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def approve(request: SoukRequest, value_id: FromPath[UUID]) -> Html:
    """Make a rule that another admin asked for. Raises NotFound, SecondAdminNeeded."""
    return await _added(
        request, await site_of(request).services.growth.bonuses.approve_rule(request.user, ValueId(value_id))
    )


@post(_PATH + "/{rule_id:uuid}/stop", name="admin:stop-bonus", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, rule_id: FromPath[UUID]) -> Html:
    """Let a rule give nothing any more. Raises NotFound."""
    site = site_of(request)
    await site.services.growth.bonuses.stop_rule(request.user, BonusRuleId(rule_id))
    words = site.viewer(request.user).words
    return toast(replaced(await _list_page(request), _PATH), words.gettext("The bonus is over"))


async def _added(request: SoukRequest, made: BonusRule | None) -> Html:
    words = site_of(request).viewer(request.user).words
    told = words.gettext("The bonus runs") if made else words.gettext("Waiting for a second admin")
    return toast(replaced(await _list_page(request), _PATH), told)


async def _rule(request: SoukRequest, form: BonusForm) -> NewBonusRule:
    """What the form says. Raises Invalid with every field that is wrong."""
    site, wrong = site_of(request), dict[str, str]()
    services, viewer = site.services, site.viewer(request.user)

    def money(name: str, text: str) -> Money | None:
        try:
            return services.payments.methods.read_amount(text)
        except Invalid:
            wrong[name] = "not_a_number" if text else "required"
            return None

    minimum = money("amount", form.amount or form.preset)
    fixed = money("value", form.value) if form.kind == "fixed" else None
    maximum = money("maximum", form.maximum) if form.maximum else None
    points, starts, ends = None, None, None
    try:
        points = present.read_basis_points(form.value) if form.kind == "percent" else None
    except ValueError:
        wrong["value"] = "not_a_number" if form.value else "required"
    for name, text in (("starts", form.starts), ("ends", form.ends)):
        try:
            day = present.read_day(text, viewer, after=name == "ends")
        except (ValueError, OverflowError):
            wrong[name] = "not_a_day"
        else:
            starts, ends = (day, ends) if name == "starts" else (starts, day)
    if form.way and form.way not in {way.name for way in await services.payments.methods.enabled(request.user)}:
        wrong["way"] = "unknown"
    if wrong or minimum is None:
        raise Invalid("a rule", fields=wrong)
    return NewBonusRule(
        minimum=minimum,
        basis_points=points,
        fixed=fixed,
        maximum=maximum,
        starts_at=starts,
        ends_at=ends,
        first_only=form.first_only,
        way=form.way,
    )


_FIELDS: Final = {"minimum": "amount", "percent": "value", "fixed": "value", "until": "ends"}


async def _form(request: SoukRequest, form: BonusForm, wrong: dict[str, str]) -> Html:
    site = site_of(request)
    viewer = site.viewer(request.user)
    ways = await site.services.payments.methods.enabled(request.user)
    view = NewBonusPage(
        presets=present.presets(site.services.growth.gifts.limits, form.amount or form.preset),
        ways=tuple(WayChoice(way.name, method_title(way.name, viewer)) for way in ways),
        amount=form.amount,
        kind=form.kind,
        value=form.value,
        maximum=form.maximum,
        starts=form.starts,
        ends=form.ends,
        first_only=form.first_only,
        way=form.way,
        errors={_FIELDS.get(name, name): code for name, code in wrong.items()},
    )
    status = FORM_ERROR if wrong else 200
    return manage_page(request, "growth/admin/new_bonus.html", view, "payments", back=_PATH, status=status)


async def _list_page(request: SoukRequest) -> Html:
    site = site_of(request)
    found = await site.services.growth.bonuses.rules(request.user)
    waiting = await site.services.growth.bonuses.waiting(request.user)
    names = await site.services.identity.people.names_of(request.user, [first.by for first, _ in waiting])
    viewer = site.viewer(request.user)
    view = BonusesPage(
        present.waiting_bonuses(waiting, names, request.user, viewer) + present.bonus_rows(found, viewer)
    )
    return manage_page(request, "growth/admin/bonuses.html", view, "payments", back=PAYMENTS)


HANDLERS: Final = (bonuses, new_bonus, add, approve, stop)
