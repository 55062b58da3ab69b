"""Categories in the back office: their tree and order, the editor of one, and the order of products in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.catalog.errors import CategoryEdited, CategoryNotEmpty, CategorySlugTaken, OrderChanged
from backend.catalog.service import CategoryEditorService
from backend.catalog.types import CategoryId, ProductId
from backend.catalog.types.editing import ManagedCategory
from backend.infra.i18n import mark as _
from backend.kernel.errors import AppError, Invalid
from backend.kernel.text import pick
from webapp.catalog.admin.products import READS, WRITES
from webapp.catalog.screens import categories as present
from webapp.catalog.screens import conflicts
from webapp.catalog.screens.categories import CATEGORIES, CategoriesPage
from webapp.catalog.screens.products import CATALOGUE
from webapp.core import forms
from webapp.core.answers import overtaken, pushed, replaced, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.fields import Fields
from webapp.core.responses import FORM_ERROR, Html, pictures
from webapp.core.site import SoukRequest, site_of

_ONE: Final = CATEGORIES + "/{category_id:uuid}"
_NEW: Final = {"icon": "box", "hue": "blue", "shown": "on"}


class MoveForm(msgspec.Struct, frozen=True):
    """What is moved (the rows of every list that is dragged are called lessons), and what it comes right after."""

    lesson: UUID
    after: UUID | None = None


@get(CATEGORIES, name="admin:categories", guards=READS)
async def categories(request: SoukRequest) -> Html:
    """The categories at the top, in their order."""
    return await _list(request)


@get(CATEGORIES + "/new", name="admin:new-category", guards=READS)
async def new(request: SoukRequest) -> Html:
    """The form of a new category, in the one that it was asked for in."""
    chosen = str(forms.asked(request).get("parent", ""))
    return await _editor(request, None, Fields({**_NEW, "parent": chosen}), status=200)


@post(CATEGORIES, name="admin:add-category", guards=WRITES, status_code=200)
async def add(request: SoukRequest) -> Html:
    """Add a category; the same form sent twice adds one."""
    typed = await _typed(request)
    try:
        intent = UUID(typed.get("intent", ""))
    except ValueError as error:
        raise Invalid("a form that the page does not send", fields={"intent": "invalid"}) from error
    try:
        created = await _service(request).create(request.user, present.category_draft(typed), category_id=intent)
    except (Invalid, CategorySlugTaken) as refusal:
        return await _editor(request, None, Fields(typed, _errors(refusal)))
    shown = pushed(await _one(request, created), f"{CATEGORIES}/{created}")
    return say(request, shown, _("Category added"))


@get(_ONE, name="admin:category", guards=READS)
async def category(request: SoukRequest, category_id: FromPath[UUID]) -> Html:
    """The editor of a category, and the categories in it. Raises NotFound."""
    return await _one(request, CategoryId(category_id))


@post(_ONE, name="admin:save-category", guards=WRITES, status_code=200)
async def save(request: SoukRequest, category_id: FromPath[UUID]) -> Html:
    """Change a category; refused where another admin has changed it meanwhile. Raises NotFound."""
    stored = await _stored_form(request, CategoryId(category_id))
    typed = conflicts.resolved(await _typed(request), stored.typed, conflicts.CATEGORY)
    draft, version = present.category_draft(typed), typed.get("version", "")
    try:
        await _service(request).save(request.user, CategoryId(category_id), draft, version=version)
    except (Invalid, CategorySlugTaken) as refusal:
        return await _editor(request, CategoryId(category_id), Fields(typed, _errors(refusal)))
    except CategoryEdited as why:
        return await _conflict(request, CategoryId(category_id), typed, why)
    shown = replaced(await _one(request, CategoryId(category_id)), f"{CATEGORIES}/{category_id}")
    return say(request, shown, _("Saved"))


async def _conflict(request: SoukRequest, category_id: CategoryId, typed: Mapping[str, str], why: AppError) -> Html:
    """What another admin saved meanwhile beside what was typed."""
    stored = await _stored_form(request, category_id)
    view = conflicts.conflict_page(
        "category",
        f"{CATEGORIES}/{category_id}",
        pick((await _service(request).get(request.user, category_id)).name, request.user.language),
        typed,
        stored.typed,
        await _service(request).list_all(request.user),
        site_of(request).viewer(request.user).words,
    )
    page = manage_page(request, "catalog/admin/conflict.html", view, "catalogue", back=CATEGORIES, status=409)
    return overtaken(request, page, why)


@post(_ONE + "/delete", name="admin:delete-category", guards=WRITES, status_code=200)
async def delete(request: SoukRequest, category_id: FromPath[UUID]) -> Html:
    """Delete an empty category, asked first. Raises NotFound."""
    if "sure" not in await forms.posted(request):
        words = site_of(request).viewer(request.user).words
        title, button = words.gettext("Delete this category?"), words.gettext("Delete category")
        return await question(request, title, button, danger=True, more={"sure": "on"})
    try:
        await _service(request).delete(request.user, CategoryId(category_id))
    except CategoryNotEmpty as why:
        return overtaken(request, await _one(request, CategoryId(category_id), status=409), why)
    return say(request, pushed(to_app(await _list(request)), CATEGORIES), _("Category deleted"))


@post(CATEGORIES + "/order", name="admin:order-categories", guards=WRITES, status_code=200)
async def reorder(request: SoukRequest) -> Html:
    """Put a category right after a sibling; the list that it is in. Raises NotFound."""
    form = await forms.read_form(request, MoveForm)
    moved = CategoryId(form.lesson)
    parent = (await _service(request).get(request.user, moved)).parent_id
    try:
        await _service(request).move(request.user, moved, CategoryId(form.after) if form.after else None)
    except OrderChanged as why:
        return overtaken(request, await _level(request, parent, status=409), why)
    return say(request, await _level(request, parent), _("Order changed"))


@get(_ONE + "/products", name="admin:product-order", guards=READS)
async def order(request: SoukRequest, category_id: FromPath[UUID]) -> Html:
    """The products of a category in the shop's order. Raises NotFound."""
    return await _order(request, CategoryId(category_id))


@post(_ONE + "/products/order", name="admin:order-products", guards=WRITES, status_code=200)
async def reorder_products(request: SoukRequest, category_id: FromPath[UUID]) -> Html:
    """Put a product right after another one of its category. Raises NotFound."""
    form, chosen = await forms.read_form(request, MoveForm), CategoryId(category_id)
    after = ProductId(form.after) if form.after else None
    try:
        await _service(request).move_product(request.user, chosen, ProductId(form.lesson), after)
    except OrderChanged as why:
        return overtaken(request, await _order(request, chosen, status=409), why)
    return say(request, await _order(request, chosen), _("Order changed"))


async def _stored_form(request: SoukRequest, category_id: CategoryId) -> Fields:
    """The form of a category as it is stored. Raises NotFound."""
    listed = await _service(request).list_all(request.user)
    return _form_of(await _service(request).get(request.user, category_id), listed)


def _form_of(stored: ManagedCategory, listed: Sequence[ManagedCategory]) -> Fields:
    values = present.category_values(stored, listed)
    marks = {"version": present.category_draft(values).version, "base": conflicts.base_of(values, conflicts.CATEGORY)}
    return Fields({**values, **marks})


def _service(request: SoukRequest) -> CategoryEditorService:
    return site_of(request).services.catalog.categories


async def _typed(request: SoukRequest) -> dict[str, str]:
    sent = await forms.posted(request)
    return {"shown": "", **{name: value for name, value in sent.items() if isinstance(value, str)}}


def _errors(refusal: Invalid | CategorySlugTaken) -> dict[str, str]:
    return dict(refusal.fields) if isinstance(refusal, Invalid) else {"slug": "taken"}


async def _level(request: SoukRequest, parent: CategoryId | None, *, status: int = 200) -> Html:
    """The page on which the categories right below ``parent`` are."""
    return await _list(request, status=status) if parent is None else await _one(request, parent, status=status)


async def _list(request: SoukRequest, *, status: int = 200) -> Html:
    listed = await _service(request).list_all(request.user)
    view = CategoriesPage(present.category_rows(listed, None, request.user.language))
    return manage_page(request, "catalog/admin/categories.html", view, "catalogue", back=CATALOGUE, status=status)


async def _one(request: SoukRequest, category_id: CategoryId, *, status: int = 200) -> Html:
    return await _editor(request, category_id, None, status=status)


async def _editor(
    request: SoukRequest, category_id: CategoryId | None, form: Fields | None, *, status: int = FORM_ERROR
) -> Html:
    """The editor with what was typed, or with what is stored."""
    stored = await _service(request).get(request.user, category_id) if category_id else None
    listed = await _service(request).list_all(request.user)
    if form is None and stored is not None:
        form = _form_of(stored, listed)
    form = form or Fields()
    intent = form.text("intent") or forms.new_intent()
    view = present.category_page(form, listed, stored, intent, request.user.language)
    up = f"{CATEGORIES}/{stored.parent_id}" if stored and stored.parent_id else CATEGORIES
    return manage_page(request, "catalog/admin/category.html", view, "catalogue", back=up, status=status)


async def _order(request: SoukRequest, category_id: CategoryId, *, status: int = 200) -> Html:
    stored = await _service(request).get(request.user, category_id)
    products = await _service(request).list_order(request.user, category_id)
    view = present.order_page(stored, products, request.user.language, pictures(request))
    up = f"{CATEGORIES}/{category_id}"
    return manage_page(request, "catalog/admin/order.html", view, "catalogue", back=up, status=status)


HANDLERS: Final = (categories, new, add, category, save, delete, reorder, order, reorder_products)
