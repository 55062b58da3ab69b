"""Promo codes: listing, making, approving and stopping them, and who used them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Final, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.approvals.types import ValueId
from backend.growth.types.promos import NewPromo, Promo, PromoId, PromoScope
from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from backend.kernel.money import Money
from webapp.core import forms
from webapp.core.answers import pushed, replaced
from webapp.core.back_office import manage_page
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, toast
from webapp.core.site import SoukRequest, site_of
from webapp.growth.admin.value_form import OfferFields, errors_of, names_of_first, read_offer
from webapp.growth.screens import promos as present
from webapp.growth.screens.admin import ValueForm
from webapp.growth.screens.promos import PROMOS, NewPromoPage, PromosPage
from webapp.payments.admin.payments import PAYMENTS

_MONEY = requires(Permission.MONEY)
_FIELDS: Final = {"amount": "value", "percent": "value"}
"""A service's name of what it refused -> the field of the form."""


class PromoForm(OfferFields, frozen=True, kw_only=True):
    """One ``code``, or ``codes`` random ones. ``goods`` says whether the code is for all, some, or a kind of goods."""

    intent: Annotated[str, Meta(max_length=64)] = ""
    code: Annotated[str, Meta(max_length=100)] = ""
    codes: forms.Count = 1
    uses: forms.Count | None = None
    per_person: forms.Count | None = None
    goods: Literal["all", "category", "product", "unique_keys", "shared_key"] = "all"
    category: Annotated[str, Meta(max_length=100)] = ""
    product: Annotated[str, Meta(max_length=300)] = ""
    minimum: forms.PositiveAmount | None = None
    note: Annotated[str, Meta(max_length=200)] = ""


class PercentForm(PromoForm, frozen=True, kw_only=True):
    """The code takes off a percentage."""

    value: forms.BasisPoints


class FixedForm(PromoForm, frozen=True, kw_only=True):
    """The code takes off an amount."""

    value: forms.PositiveAmount


@get(PROMOS, name="admin:promos", guards=[_MONEY])
async def promos(request: SoukRequest) -> Html:
    """The promotions, those that await approval first."""
    return await _list_page(request)


@get(PROMOS + "/new", name="admin:new-promo", guards=[_MONEY])
async def new_promo(request: SoukRequest) -> Html:
    """The form for a new promotion."""
    return await _form(request, forms.Form(), status=200)


@post(PROMOS, name="admin:make-promo", guards=[_MONEY, limited(WRITE)], status_code=200)
async def make(request: SoukRequest) -> Html:
    """Make a promotion, or ask a second admin to approve it. The same ``intent`` again makes no second one."""
    form = await read_offer(request, PercentForm, FixedForm)
    if form.value is None:
        return await _form(request, form)
    site = site_of(request)
    new = _new(form.value, site.viewer(request.user).timezone)
    intent = form.value.intent or forms.new_intent()
    try:
        promo = await site.services.growth.promos.make(request.user, new, idempotency_key=intent)
    except Invalid as refusal:
        return await _form(request, form, refusal.fields)
    return await _after_making(request, promo)


def _new(form: PercentForm | FixedForm, zone: tzinfo) -> NewPromo:
    scope, target = _scope(form)
    return NewPromo(
        basis_points=form.value if isinstance(form, PercentForm) else 0,
        amount=form.value if isinstance(form, FixedForm) else None,
        code=form.code,
        codes=form.codes,
        uses=form.uses,
        per_person=form.per_person,
        scope=scope,
        target=target,
        minimum=form.minimum,
        starts_at=form.starts_at(zone),
        ends_at=form.ends_at(zone),
        first_only=form.first_only,
        note=form.note,
    )


def _scope(form: PromoForm) -> tuple[PromoScope, str]:
    match form.goods:
        case "all":
            return PromoScope.ALL, ""
        case "category":
            return PromoScope.CATEGORY, form.category
        case "product":  # a slug, or the link of the product's page
            return PromoScope.PRODUCT, form.product.partition("?")[0].rstrip("/").rpartition("/")[2]
        case kind:
            return PromoScope.KIND, kind


@get(PROMOS + "/{promo_id:uuid}", name="admin:promo", guards=[_MONEY])
async def promo(request: SoukRequest, promo_id: FromPath[UUID]) -> Html:
    """One promotion with its codes and uses. Raises NotFound."""
    return await _detail(request, PromoId(promo_id))


@post(PROMOS + "/{value_id:uuid}/approve", name="admin:approve-promo", guards=[_MONEY, limited(WRITE)], status_code=200)
async def approve(request: SoukRequest, value_id: FromPath[UUID]) -> Html:
    """Make a promotion that another admin asked for. Raises NotFound, SecondAdminNeeded, Invalid."""
    services = site_of(request).services
    return await _after_making(request, await services.growth.promos.approve(request.user, ValueId(value_id)))


@post(PROMOS + "/{promo_id:uuid}/stop", name="admin:stop-promo", guards=[_MONEY, limited(WRITE)], status_code=200)
async def stop(request: SoukRequest, promo_id: FromPath[UUID]) -> Html:
    """Stop a promotion. Raises NotFound."""
    site = site_of(request)
    await site.services.growth.promos.stop(request.user, PromoId(promo_id))
    words = site.viewer(request.user).words
    return toast(await _detail(request, PromoId(promo_id)), words.gettext("Promo code stopped"))


async def _after_making(request: SoukRequest, promo: Promo | None) -> Html:
    words = site_of(request).viewer(request.user).words
    if promo is None:
        return toast(replaced(await _list_page(request), PROMOS), words.gettext("Waiting for a second admin"))
    shown = pushed(await _detail(request, promo.id), f"{PROMOS}/{promo.id}")
    return toast(shown, words.gettext("Promo code added"))


async def _form(
    request: SoukRequest,
    form: forms.Form[PromoForm],
    refused: Mapping[str, str] | None = None,
    *,
    status: int = FORM_ERROR,
) -> Html:
    errors = errors_of(form, refused, {**_FIELDS, "target": form.text("goods")})
    categories = await site_of(request).services.catalog.storefront.categories(request.user)
    view = NewPromoPage(
        form=ValueForm((), form.typed, errors),
        categories=tuple(categories),
        intent=form.text("intent") or forms.new_intent(),
    )
    return manage_page(request, "growth/admin/new_promo.html", view, "payments", back=PROMOS, status=status)


async def _list_page(request: SoukRequest) -> Html:
    site = site_of(request)
    promos = await site.services.growth.promos.list_all(request.user)
    requests = await site.services.growth.promos.awaiting_approval(request.user)
    names = await names_of_first(request, requests)
    viewer, nothing = site.viewer(request.user), Money.zero(site.settings.shop_currency)
    rows = tuple(present.promo_row(promo, figures, viewer) for promo, figures in promos)
    view = PromosPage(present.requested(requests, names, request.user, viewer, nothing) + rows)
    return manage_page(request, "growth/admin/promos.html", view, "payments", back=PAYMENTS)


async def _detail(request: SoukRequest, promo_id: PromoId) -> Html:
    site = site_of(request)
    detail = await site.services.growth.promos.detail(request.user, promo_id)
    names = await site.services.identity.people.names_of(request.user, [use.user_id for use in detail.uses])
    view = present.promo_page(detail, names, request.user, site.viewer(request.user))
    return manage_page(request, "growth/admin/promo.html", view, "payments", back=PROMOS)


HANDLERS: Final = (promos, new_promo, make, promo, approve, stop)
