"""Trusted sellers: the sheet over a person's page where an admin marks one."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.identity.types.sellers import LONGEST_ABOUT, MOST_POSITION
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from webapp.core import forms
from webapp.core.answers import to_sheet
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.people import changed_person, person_row_of
from webapp.identity.routes.sellers import PUBLIC_SELLERS
from webapp.identity.screens.admin import SellerSheet

_USERS = requires(Permission.USERS)
_SELLER: Final = "/admin/people/{user_id:uuid}/seller"
# Browsers send a line end as two signs and count it as one: the service counts.
_About = Annotated[str, Meta(max_length=2 * LONGEST_ABOUT)]


class SellerForm(msgspec.Struct, frozen=True):
    """Whether a person is a trusted seller, and what the public page says of them."""

    on: bool = False
    en: _About = ""
    ar: _About = ""
    ru: _About = ""
    position: Annotated[int, Meta(ge=0, le=MOST_POSITION)] = 0


@get(_SELLER, name="admin:seller-sheet", guards=[_USERS])
async def seller_sheet(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The sheet of one person. Raises NotFound."""
    row = await person_row_of(request, UserId(user_id))
    mark = await site_of(request).services.identity.sellers.mark_of(request.user, UserId(user_id))
    view = SellerSheet(str(user_id), row.name, on=True, link=_link(request))
    if mark is not None:
        about = mark.about
        texts = (about.get("en", ""), about.get("ar", ""), about.get("ru", ""))
        view = SellerSheet(str(user_id), row.name, True, *texts, str(mark.position), _link(request))
    return sheet(request, "identity/admin/_seller.html", view)


@post(_SELLER, name="admin:seller", guards=[_USERS, limited(WRITE)], status_code=200)
async def save_seller(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Mark a person, change what is said of them, or take the mark away. Raises NotFound."""
    sellers, form = site_of(request).services.identity.sellers, await forms.read(request, SellerForm)
    errors = dict(form.errors)
    if not form.text("on"):
        await sellers.unmark(request.user, UserId(user_id))
        return await changed_person(request, UserId(user_id))
    if form.value is not None:
        about = {"en": form.value.en, "ar": form.value.ar, "ru": form.value.ru}
        try:
            await sellers.mark(request.user, UserId(user_id), about, form.value.position)
        except Invalid as refusal:
            errors = dict(refusal.fields)
        else:
            return await changed_person(request, UserId(user_id))
    row = await person_row_of(request, UserId(user_id))
    typed = (form.text("en"), form.text("ar"), form.text("ru"), form.text("position"))
    view = SellerSheet(str(user_id), row.name, True, *typed, _link(request), errors)
    return to_sheet(fragment(request, "identity/admin/_seller.html", view, status=FORM_ERROR))


def _link(request: SoukRequest) -> str:
    return site_of(request).settings.public_url.rstrip("/") + PUBLIC_SELLERS


HANDLERS: Final = (seller_sheet, save_seller)
