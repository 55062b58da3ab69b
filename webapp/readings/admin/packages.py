"""Packages of credits in the back office: what each gives, costs, and how it renews."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.types import VariantId
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid, NotFound
from backend.readings.types.rooms import Package, PackageFields, Period
from webapp.core import forms
from webapp.core.answers import replaced, say
from webapp.core.fields import Fields, texts
from webapp.core.looks import shop_category_choices
from webapp.core.responses import FORM_ERROR, Html
from webapp.core.site import SoukRequest, site_of
from webapp.readings.admin.common import READINGS, ROOM, WRITES, room_page
from webapp.readings.screens import packages as present
from webapp.readings.screens.packages import PackagePage, PackagesPage

PACKAGES: Final = ROOM + "/packages"
_ONE: Final = PACKAGES + "/{variant_id:uuid}"
_NAME: Final = Meta(max_length=100)


class PackageForm(msgspec.Struct, frozen=True, kw_only=True):
    """A package: names by language, credits, price, how it renews, its place."""

    name_en: Annotated[str, _NAME]
    name_ar: Annotated[str, _NAME] = ""
    name_ru: Annotated[str, _NAME] = ""
    credits: forms.Count
    price: forms.PositiveAmount
    period: Period = Period.ONCE
    position: Annotated[int, Meta(ge=0, le=10_000)] = 0
    on_sale: bool = False


class NewPackageForm(PackageForm, frozen=True, kw_only=True):
    """A new one: ``code`` stays; ``category`` is where the first package puts the product."""

    code: str
    category: Annotated[str, Meta(max_length=100)] = ""


class CreditsForm(msgspec.Struct, frozen=True):
    """How many credits one gives."""

    credits: forms.Count


@get(PACKAGES, name="admin:packages", guards=[READINGS])
async def packages(request: SoukRequest) -> Html:
    """Every package in its order, and imported variants that give no credits yet."""
    return await _list(request)


@get(PACKAGES + "/new", name="admin:new-package", guards=[READINGS])
async def new(request: SoukRequest) -> Html:
    """The form of a new package, after the others."""
    listed = await site_of(request).services.readings.packages.list_all(request.user)
    last = max((one.fields.position for one in listed), default=0)
    form = Fields({"period": Period.ONCE, "position": str(last + 1), "on_sale": "on"})
    return await _form(request, form, status=200)


@post(PACKAGES, name="admin:add-package", guards=WRITES, status_code=200)
async def add(request: SoukRequest) -> Html:
    """Add a package; the first one makes the product that people find in the shop."""
    form = await forms.read(request, NewPackageForm)
    if form.value is None:
        return await _form(request, Fields(form.typed, form.errors))
    service = site_of(request).services.readings.packages
    try:
        await service.add(request.user, form.value.code, _fields(form.value, form), category=form.value.category)
    except Invalid as refusal:
        return await _form(request, Fields(form.typed, dict(refusal.fields)))
    except NotFound:
        return await _form(request, Fields(form.typed, {"category": "required"}))
    return say(request, replaced(await _list(request), PACKAGES), _("Package added"))


@get(_ONE, name="admin:package", guards=[READINGS])
async def package(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """The form of a package. Raises NotFound."""
    stored = await _find(request, variant_id)
    return await _form(request, present.package_form(stored), stored, status=200)


@post(_ONE, name="admin:save-package", guards=WRITES, status_code=200)
async def save(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """Change a package for later buyers. Raises NotFound."""
    stored, form = await _find(request, variant_id), await forms.read(request, PackageForm)
    if form.value is None:
        return await _form(request, Fields(form.typed, form.errors), stored)
    try:
        fields = _fields(form.value, form)
        await site_of(request).services.readings.packages.change(request.user, stored.variant_id, fields)
    except Invalid as refusal:
        return await _form(request, Fields(form.typed, dict(refusal.fields)), stored)
    return say(request, replaced(await _list(request), PACKAGES), _("Saved"))


@post(_ONE + "/credits", name="admin:set-credits", guards=WRITES, status_code=200)
async def set_credits(request: SoukRequest, variant_id: FromPath[UUID]) -> Html:
    """Say how many credits an imported variant gives, so that it can be bought. Raises NotFound."""
    form, wrong = await forms.read(request, CreditsForm), ""
    if form.value is None:
        wrong = str(variant_id)
    else:
        service = site_of(request).services.readings.packages
        try:
            await service.set_credits(request.user, VariantId(variant_id), form.value.credits)
        except Invalid:
            wrong = str(variant_id)
    if wrong:
        return await _list(request, wrong, status=FORM_ERROR)
    return say(request, await _list(request), _("Saved"))


def _fields(value: PackageForm, form: forms.Form[NewPackageForm] | forms.Form[PackageForm]) -> PackageFields:
    return PackageFields(
        name=texts(form.typed, "name"),
        credits=value.credits,
        price=value.price,
        period=value.period,
        position=value.position,
        hidden=not value.on_sale,
    )


async def _find(request: SoukRequest, variant_id: UUID) -> Package:
    for one in await site_of(request).services.readings.packages.list_all(request.user):
        if one.variant_id == variant_id:
            return one
    raise NotFound("no such package")


async def _list(request: SoukRequest, wrong: str = "", *, status: int = 200) -> Html:
    service, locale = site_of(request).services.readings.packages, request.user.language
    view = PackagesPage(
        rows=present.package_rows(await service.list_all(request.user), locale),
        incomplete=present.incomplete_rows(await service.list_incomplete(request.user), locale),
        wrong=wrong,
    )
    return room_page(request, "packages.html", view, status=status)


async def _form(request: SoukRequest, form: Fields, stored: Package | None = None, *, status: int = FORM_ERROR) -> Html:
    site, actor = site_of(request), request.user
    first = stored is None and not await site.services.readings.packages.list_all(actor)
    categories = shop_category_choices(await site.services.catalog.storefront.categories(actor)) if first else ()
    view = PackagePage(
        form=form,
        currency=site.settings.shop_currency,
        categories=categories,
        id=str(stored.variant_id) if stored else "",
        code=stored.code if stored else "",
    )
    return room_page(request, "package.html", view, back=PACKAGES, status=status)


HANDLERS: Final = (packages, new, add, package, save, set_credits)
