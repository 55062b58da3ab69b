"""Variants of a product in the back office: their list and order, and the editor of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import OwnEditor, VariantArchived, VariantEdited
from backend.catalog.service import VariantsService
from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.catalog.types.variants import LONGEST_NAME, LONGEST_NOTE, VariantRecord, VariantsProduct, fields_of
from backend.identity.types import Permission
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import pick
from webapp.catalog.screens import variants as present
from webapp.catalog.screens.variants import LadderPart, LivePart, VariantPage
from webapp.core import forms
from webapp.core.answers import overtaken, pushed, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment
from webapp.core.site import SoukRequest, site_of

CATALOGUE: Final = requires(Permission.CATALOGUE)
WRITES: Final = [CATALOGUE, limited(WRITE)]
ONE: Final = present.BASE + "/{product_id:uuid}"
_VARIANTS: Final = ONE + "/variants"
_VARIANT: Final = _VARIANTS + "/{variant_id:uuid}"
ROOM: Final = "catalogue"
_NAME: Final = Meta(max_length=LONGEST_NAME)
_NOTE: Final = Meta(max_length=LONGEST_NOTE)
_Day = Annotated[int, Meta(ge=0, le=999_999_999)]
_Version = Annotated[int, Meta(ge=0, le=2**62)]


class VariantForm(msgspec.Struct, frozen=True, kw_only=True):
    """A variant; beside it the rows of the ladder, ``step_from`` and ``step_each``."""

    name_en: Annotated[str, _NAME] = ""
    name_ar: Annotated[str, _NAME] = ""
    name_ru: Annotated[str, _NAME] = ""
    note_en: Annotated[str, _NOTE] = ""
    note_ar: Annotated[str, _NOTE] = ""
    note_ru: Annotated[str, _NOTE] = ""
    price: forms.Amount
    reseller_price: forms.Amount | None = None
    min_quantity: forms.Count = 1
    max_quantity: forms.Count | None = None
    per_person_limit: forms.Count | None = None
    warranty_days: _Day = 0
    low_stock_at: _Day = 0
    promised_hours: forms.Count = 24
    open_places: forms.Count | None = None
    premium_months: forms.Count | None = None
    subscription: bool = False


class SaveForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a form says beside its fields: the version that was read, or the new variant's id."""

    version: _Version = 0
    intent: UUID | None = None


class MoveForm(msgspec.Struct, frozen=True):
    """A variant that goes ``to`` a place, from 1."""

    item: UUID
    to: forms.Count = 1


class CopyForm(msgspec.Struct, frozen=True):
    """The id of the copy, so that a second tap copies nothing."""

    intent: UUID


class LadderForm(msgspec.Struct, frozen=True):
    """A row of the ladder that is removed; none: one is added."""

    remove: Annotated[int, Meta(ge=0, le=20)] | None = None


class _Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A form as it was typed, its ladder read as far as it can be."""

    form: forms.Form[VariantForm]
    rows: list[tuple[str, str]]
    steps: list[QuantityPrice]
    errors: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether a draft can be made of it."""
        return self.form.value is not None and not self.errors


@get(_VARIANTS, name="admin:variants", guards=[CATALOGUE])
async def variants(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The variants of a product in their order. Raises NotFound."""
    return await _list(request, ProductId(product_id))


@post(_VARIANTS + "/order", name="admin:order-variants", guards=WRITES, status_code=200)
async def reorder(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Move a variant to another place. Raises NotFound."""
    form = await forms.read_form(request, MoveForm)
    await _service(request).reorder(request.user, ProductId(product_id), VariantId(form.item), form.to)
    return say(request, await _list(request, ProductId(product_id)), _("Order changed"))


@get(_VARIANTS + "/new", name="admin:new-variant", guards=[CATALOGUE])
async def new(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The form of a new variant. Raises NotFound, OwnEditor."""
    product = await _product(request, product_id)
    if not product.editable:
        raise OwnEditor()
    return await _form(request, product, present.new_form(product), (), intent=forms.new_intent())


@post(_VARIANTS, name="admin:add-variant", guards=WRITES, status_code=200)
async def add(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Add a variant, once for each form. Raises NotFound, OwnEditor."""
    product, typed = await _product(request, product_id), await _typed(request)
    intent = (await forms.read_form(request, SaveForm)).intent
    if intent is None:
        raise Invalid("a new variant without its id", fields={"intent": forms.REQUIRED})
    if not typed.complete:
        return await _again(request, product, typed, {}, intent=intent.hex)
    try:
        draft = present.draft_of(typed.form, typed.steps)
        await _service(request).add(request.user, product.id, VariantId(intent), draft)
    except Invalid as refusal:
        return await _again(request, product, typed, dict(refusal.fields), intent=intent.hex)
    return say(request, pushed(await _list(request, product.id), present.variants_path(product.id)), _("Variant added"))


@get(_VARIANT, name="admin:variant", guards=[CATALOGUE])
async def variant(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """The form of a variant. Raises NotFound, OwnEditor."""
    return await _stored(request, product_id, variant_id)


@post(_VARIANT, name="admin:save-variant", guards=WRITES, status_code=200)
async def save(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Change a variant; who saves an older version is shown the difference. Raises NotFound, OwnEditor."""
    product, typed = await _product(request, product_id), await _typed(request)
    record = await _service(request).get(request.user, product.id, VariantId(variant_id))
    version = (await forms.read_form(request, SaveForm)).version
    if not typed.complete:
        return await _again(request, product, typed, {}, record, version=version)
    draft = present.draft_of(typed.form, typed.steps)
    try:
        await _service(request).change(request.user, product.id, record.id, draft, version=version)
    except Invalid as refusal:
        return await _again(request, product, typed, dict(refusal.fields), record, version=version)
    except VariantEdited as why:
        record = await _service(request).get(request.user, product.id, record.id)
        shown = await _again(request, product, typed, {}, record, version=record.version, compare=True, status=409)
        return overtaken(request, shown, why)
    except VariantArchived as why:
        return overtaken(request, await _stored(request, product_id, variant_id, status=409), why)
    return await _done(request, product, _("Saved"))


@post(_VARIANTS + "/live", name="admin:variant-live", guards=WRITES, status_code=200)
async def live(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """What follows from a form while it is typed: hints, and the ladder as buyers see it. Raises NotFound."""
    product, typed = await _product(request, product_id), await _typed(request)
    own = (await forms.read_form(request, SaveForm)).intent
    part = await _live(request, product, typed, VariantId(own) if own else None)
    return fragment(request, "catalog/admin/_variant_live.html", part)


@post(_VARIANTS + "/ladder", name="admin:variant-ladder", guards=WRITES, status_code=200)
async def ladder(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The rows of the ladder after one was added or removed, and what follows; nothing is stored. Raises NotFound."""
    product, pressed = await _product(request, product_id), await forms.read_form(request, LadderForm)
    rows = present.typed_ladder(await forms.posted(request))
    if pressed.remove is None:
        rows.append(("", ""))
    else:
        rows = [row for place, row in enumerate(rows) if place != pressed.remove]
    focus = len(rows) - 1 if pressed.remove is None else None
    own = (await forms.read_form(request, SaveForm)).intent
    live = await _live(request, product, await _typed(request, rows), VariantId(own) if own else None)
    part = LadderPart(present.variants_path(product.id), present.ladder_rows(rows), live, focus=focus)
    return fragment(request, "catalog/admin/_ladder_answer.html", part)


@post(_VARIANT + "/copy", name="admin:copy-variant", guards=WRITES, status_code=200)
async def copy(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Copy a variant, hidden, and open the copy. Raises NotFound, OwnEditor."""
    intent = (await forms.read_form(request, CopyForm)).intent
    await _service(request).copy(request.user, ProductId(product_id), VariantId(variant_id), VariantId(intent))
    shown = await _stored(request, product_id, intent)
    path = f"{present.variants_path(ProductId(product_id))}/{intent}"
    return say(request, pushed(shown, path), _("Copied. The copy is hidden."))


@post(_VARIANT + "/hide", name="admin:hide-variant", guards=WRITES, status_code=200)
async def hide(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Hide a variant; a toast offers to undo that. Raises NotFound, OwnEditor."""
    return await _hidden(request, product_id, variant_id, hidden=True)


@post(_VARIANT + "/show", name="admin:show-variant", guards=WRITES, status_code=200)
async def show(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Sell a hidden variant again; a toast offers to undo that. Raises NotFound, OwnEditor."""
    return await _hidden(request, product_id, variant_id, hidden=False)


@post(_VARIANT + "/archive", name="admin:archive-variant", guards=WRITES, status_code=200)
async def archive(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Put a variant into the recycle bin; a toast offers to undo that. Raises NotFound, OwnEditor."""
    await _service(request).archive(request.user, ProductId(product_id), VariantId(variant_id))
    return await _undoable(request, product_id, f"{variant_id}/restore", _("Moved to the recycle bin"))


@post(_VARIANT + "/restore", name="admin:restore-variant", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, product_id: FromPath[UUID], variant_id: FromPath[UUID]) -> Html:
    """Bring a variant back from the recycle bin. Raises NotFound, OwnEditor."""
    await _service(request).restore(request.user, ProductId(product_id), VariantId(variant_id))
    shown = replaced(await _list(request, ProductId(product_id)), present.variants_path(ProductId(product_id)))
    return say(request, shown, _("Brought back"))


async def _done(request: SoukRequest, product: VariantsProduct, text: str) -> Html:
    return say(request, pushed(await _list(request, product.id), present.variants_path(product.id)), text)


async def _hidden(request: SoukRequest, product_id: UUID, variant_id: UUID, *, hidden: bool) -> Html:
    product, one = ProductId(product_id), VariantId(variant_id)
    try:
        await _service(request).set_hidden(request.user, product, one, hidden=hidden)
    except VariantArchived as why:
        return overtaken(request, await _list(request, product, status=409), why)
    text = _("Variant hidden") if hidden else _("Variant is on sale")
    return await _undoable(request, product_id, f"{variant_id}/{'show' if hidden else 'hide'}", text)


async def _undoable(request: SoukRequest, product_id: UUID, undo: str, text: str) -> Html:
    path = present.variants_path(ProductId(product_id))
    words = site_of(request).viewer(request.user).words
    shown = await _list(request, ProductId(product_id), undo=f"{path}/{undo}", undo_text=words.gettext(text))
    return replaced(shown, path)


async def _list(
    request: SoukRequest, product_id: ProductId, *, undo: str = "", undo_text: str = "", status: int = 200
) -> Html:
    listed = await _service(request).list_of(request.user, product_id)
    view = present.variant_list(listed, request.user.language, undo=undo, undo_text=undo_text)
    up = f"{present.BASE}/{product_id}"
    return manage_page(request, "catalog/admin/variants.html", view, ROOM, back=up, status=status)


async def _stored(request: SoukRequest, product_id: UUID, variant_id: UUID, *, status: int = 200) -> Html:
    product, currency = await _product(request, product_id), site_of(request).settings.shop_currency
    if not product.editable:
        raise OwnEditor()
    record = await _service(request).get(request.user, product.id, VariantId(variant_id))
    rows = present.stored_ladder(record, currency)
    typed = present.stored_form(record, currency)
    hints = await _service(request).hints(request.user, product.id, record.draft, record.id)
    part = present.live_part(record.draft, hints, request.user.language)
    return await _form(request, product, typed, rows, record, version=record.version, live=part, status=status)


async def _again(
    request: SoukRequest,
    product: VariantsProduct,
    typed: _Typed,
    errors: dict[str, str],
    record: VariantRecord | None = None,
    *,
    version: int = 0,
    intent: str = "",
    compare: bool = False,
    status: int = FORM_ERROR,
) -> Html:
    """The form with what was typed and what is wrong with it; ``compare``: with what is stored now, too."""
    part = await _live(request, product, typed, record.id if record else None)
    wrong = {**typed.form.errors, **typed.errors, **errors}
    return await _form(
        request, product, dict(typed.form.typed), typed.rows, record, errors=wrong, version=version, intent=intent,
        live=part, compare=compare, status=status,
    )  # fmt: skip


async def _form(
    request: SoukRequest,
    product: VariantsProduct,
    typed: dict[str, str],
    rows: Sequence[tuple[str, str]],
    record: VariantRecord | None = None,
    *,
    errors: dict[str, str] | None = None,
    version: int = 0,
    intent: str = "",
    live: LivePart | None = None,
    compare: bool = False,
    status: int = 200,
) -> Html:
    locale, currency = request.user.language, site_of(request).settings.shop_currency
    uses = fields_of(product.kind)
    view = VariantPage(
        path=present.variants_path(product.id),
        form=Fields(typed, errors or {}),
        ladder=present.ladder_rows(rows, errors or {}),
        live=live or LivePart(),
        uses=uses,
        currency=currency,
        product=present.product_title(product, locale),
        title=pick(record.draft.name, locale) if record else "",
        id=str(record.id) if record else "",
        intent=str(record.id) if record else intent,
        code=record.code if record else "",
        version=version,
        hidden=record.hidden if record else False,
        archived=record is not None and record.archived_at is not None,
        copy_intent=forms.new_intent(),
        differences=present.differences(record, typed, rows, uses, currency) if record and compare else (),
        file=present.file_path(product, record.id, request.user) if record else "",
    )
    return manage_page(request, "catalog/admin/variant.html", view, ROOM, back=view.path, status=status)


async def _typed(request: SoukRequest, ladder: Sequence[tuple[str, str]] | None = None) -> _Typed:
    """The posted form, with these rows of the ladder or its own. Rows of which nothing is typed are left out."""
    form = await forms.read(request, VariantForm)
    posted = present.typed_ladder(await forms.posted(request)) if ladder is None else ladder
    rows = [row for row in posted if any(row)]
    currency = site_of(request).settings.shop_currency
    steps: list[QuantityPrice] = []
    errors: dict[str, str] = {}
    for place, (quantity, each) in enumerate(rows):
        step = forms.fill({"quantity": quantity, "price": each}, _StepForm, currency)
        errors |= {
            f"{name}_{place}": step.errors[field]
            for name, field in (("from", "quantity"), ("each", "price"))
            if field in step.errors
        }
        if step.value is not None:
            steps.append(QuantityPrice(step.value.quantity, step.value.price))
    return _Typed(form=form, rows=rows, steps=steps, errors=errors)


class _StepForm(msgspec.Struct, frozen=True):
    quantity: forms.Count
    price: forms.Amount


async def _live(request: SoukRequest, product: VariantsProduct, typed: _Typed, own: VariantId | None) -> LivePart:
    """What follows from what is typed; nothing where it can't be read yet."""
    if typed.form.value is None:
        return LivePart()
    draft = present.draft_of(typed.form, typed.steps)
    hints = await _service(request).hints(request.user, product.id, draft, own)
    return present.live_part(draft, hints, request.user.language)


async def _product(request: SoukRequest, product_id: UUID) -> VariantsProduct:
    return (await _service(request).list_of(request.user, ProductId(product_id))).product


def _service(request: SoukRequest) -> VariantsService:
    return site_of(request).services.catalog.variants


HANDLERS: Final = (
    variants, reorder, new, add, variant, save, live, ladder, copy, hide, show, archive, restore,
)  # fmt: skip
