"""Products in the back office: the list, the editor of one with a live preview, copies, the archive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from markupsafe import Markup
from msgspec import Meta

from backend.catalog.errors import ProductEdited, ProductSlugTaken
from backend.catalog.service import ProductsService
from backend.catalog.types import ChoiceKind, ProductId, StockKind
from backend.catalog.types.editing import EditedProduct, ProductDraft, ProductFilter, ProductState, StockState
from backend.identity.types import Permission
from backend.infra.formatting import timezone
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale, ascii_digits, pick
from webapp.catalog.screens import conflicts
from webapp.catalog.screens import products as present
from webapp.catalog.screens.products import CATALOGUE, CountriesPart, PreviewPart, ProductPage
from webapp.catalog.screens.variants import VariantList, variant_list
from webapp.core import forms
from webapp.core.answers import asked_by, asked_for_more, overtaken, pushed, replaced, say
from webapp.core.back_office import manage_page
from webapp.core.confirming import question
from webapp.core.fields import Fields, texts
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.looks import tile
from webapp.core.responses import FORM_ERROR, Html, fragment, pictures
from webapp.core.site import SoukRequest, site_of

READS: Final = [requires(Permission.CATALOGUE)]
WRITES: Final = [requires(Permission.CATALOGUE), limited(WRITE)]
ONE: Final = CATALOGUE + "/products/{product_id:uuid}"
_LARGEST_FORM: Final = 500_000
_TAG_ENDS: Final = re.compile("[,;،]")
_NEW: Final = {"choice": ChoiceKind.OPTION.value, "icon": "box", "hue": "indigo", "kind": StockKind.UNIQUE_KEYS.value}
_SWITCHES: Final = ("shown", "premium_only")


class ProductsQuery(msgspec.Struct, frozen=True):
    """What is looked for, what the list is narrowed to, and which page of it is asked for."""

    q: Annotated[str, Meta(max_length=200)] = ""
    state: ProductState | None = None
    stock: StockState | None = None
    category: Annotated[str, Meta(max_length=64)] = ""
    cursor: Annotated[str, Meta(max_length=200)] = ""


class PreviewForm(msgspec.Struct, frozen=True):
    """The language whose description is typed."""

    language: Locale


class IntentForm(msgspec.Struct, frozen=True):
    """What makes an action that is sent twice one action."""

    intent: UUID


@get(CATALOGUE, name="admin:catalogue", guards=READS)
async def products(request: SoukRequest) -> Html:
    """Products in any state, the newest first; a search or a next page comes as rows only."""
    query, site, actor = forms.read_query(request, ProductsQuery), site_of(request), request.user
    chosen = ProductFilter(query=query.q, state=query.state, stock=query.stock, category=query.category)
    listed = await site.services.catalog.products.list_managed(actor, chosen, query.cursor or None)
    categories = await site.services.catalog.categories.list_all(actor)
    more = asked_for_more(request, query.cursor)
    view = present.products_page(
        listed, chosen, categories, actor.language, pictures(request), site.settings.shop_currency, more=more
    )
    if more or asked_by(request, "results"):
        return fragment(request, "catalog/admin/_product_rows.html", view)
    return manage_page(request, "catalog/admin/products.html", view, "catalogue")


@get(CATALOGUE + "/new", name="admin:new-product", guards=READS)
async def new(request: SoukRequest) -> Html:
    """The form of a new product, in the category that the list showed."""
    chosen = str(forms.asked(request).get("category", ""))
    return await _editor(request, None, Fields({**_NEW, "category": chosen}), status=200)


@post(CATALOGUE, name="admin:add-product", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def add(request: SoukRequest) -> Html:
    """Add a product, hidden until it is shown; the same form sent twice adds one."""
    typed = await _typed(request)
    intent, kind = _intent(typed), _kind(typed)
    if kind is None:
        return await _editor(request, None, Fields(typed, {"kind": "unknown_value"}))
    try:
        draft = _draft(request, typed, None)
        created = await _service(request).create(request.user, kind, draft, product_id=intent)
    except (Invalid, ProductSlugTaken) as refusal:
        return await _editor(request, None, Fields(typed, _errors(refusal)))
    shown = pushed(await product_page(request, created), f"{CATALOGUE}/products/{created}")
    return say(request, shown, _("Product added. Give it a variant with a price."))


@get(ONE, name="admin:product", guards=READS)
async def product(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The editor of a product. Raises NotFound."""
    return await product_page(request, ProductId(product_id))


@post(ONE, name="admin:save-product", guards=WRITES, status_code=200, request_max_body_size=_LARGEST_FORM)
async def save(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Change a product; refused where another admin has changed it meanwhile. Raises NotFound."""
    stored, sent = await _service(request).get(request.user, ProductId(product_id)), await _typed(request)
    typed = conflicts.resolved(sent, _stored_form(request, stored).typed, conflicts.PRODUCT)
    version = _number(typed.get("version", ""))
    try:
        draft = _draft(request, typed, stored)
        saved = await _service(request).save(request.user, stored.id, draft, version=version)
    except (Invalid, ProductSlugTaken) as refusal:
        return await _editor(request, stored, Fields(typed, _errors(refusal)))
    except ProductEdited as why:
        return await _conflict(request, stored.id, typed, why)
    shown = await _editor(request, saved, _stored_form(request, saved), status=200)
    return say(request, replaced(shown, f"{CATALOGUE}/products/{saved.id}"), _("Saved"))


async def _conflict(request: SoukRequest, product_id: ProductId, typed: Mapping[str, str], why: ProductEdited) -> Html:
    """What another admin saved meanwhile beside what was typed; the product where both are the same."""
    site, actor = site_of(request), request.user
    newer = await _service(request).get(actor, product_id)
    form = _stored_form(request, newer)
    if not conflicts.differing(typed, form.typed, conflicts.PRODUCT):
        return say(request, await _editor(request, newer, form, status=200), _("Saved"))
    view = conflicts.conflict_page(
        "product",
        f"{CATALOGUE}/products/{newer.id}",
        pick(newer.draft.name, actor.language),
        typed,
        form.typed,
        await site.services.catalog.categories.list_all(actor),
        site.viewer(actor).words,
        archived=newer.archived_at is not None,
    )
    page = manage_page(request, "catalog/admin/conflict.html", view, "catalogue", back=CATALOGUE, status=409)
    return overtaken(request, page, why)


@post(CATALOGUE + "/preview", name="admin:preview-description", guards=READS, status_code=200)
async def preview(request: SoukRequest) -> Html:
    """A description as the shop would show it, while it is typed. Raises Invalid for an unknown language."""
    language = (await forms.read_form(request, PreviewForm)).language
    text = str((await forms.posted(request)).get(f"description_{language}", ""))
    return fragment(request, "catalog/admin/_description_preview.html", _preview(request, language, text))


@get(CATALOGUE + "/slug", name="admin:propose-slug", guards=READS)
async def propose_slug(request: SoukRequest) -> Html:
    """The address field with a free address made of the name that is typed."""
    name = str(forms.asked(request).get("name_en", ""))[:200]
    proposed = await _service(request).propose_slug(request.user, name) if name.strip() else ""
    view = ProductPage(
        form=Fields({"slug": proposed}), categories=(), countries=(), previews=(), tile=tile("", "indigo", "box", None)
    )
    return fragment(request, "catalog/admin/_slug.html", view)


@get(CATALOGUE + "/countries", name="admin:product-countries", guards=READS)
async def countries(request: SoukRequest) -> Html:
    """The options of a product's country."""
    named = present.country_choices(_service(request).countries(), request.user.language)
    view = CountriesPart(named, str(forms.asked(request).get("country", "")))
    return fragment(request, "catalog/admin/_countries.html", view)


@post(ONE + "/copy", name="admin:copy-product", guards=WRITES, status_code=200)
async def copy(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Add a hidden copy with the same variants, and open it. Raises NotFound."""
    intent = (await forms.read_form(request, IntentForm)).intent
    created = await _service(request).copy(request.user, ProductId(product_id), copy_id=intent)
    shown = pushed(await product_page(request, created), f"{CATALOGUE}/products/{created}")
    return say(request, shown, _("Copied. This is the copy, still hidden."))


@post(ONE + "/archive", name="admin:archive-product", guards=WRITES, status_code=200)
async def archive(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Archive a product, asked first. Raises NotFound."""
    words = site_of(request).viewer(request.user).words
    if "sure" not in await forms.posted(request):
        text = words.gettext("Nobody can buy it any more. Orders and their history keep it. You can bring it back.")
        title, button = words.gettext("Archive this product?"), words.gettext("Archive product")
        return await question(request, title, button, text, danger=True, more={"sure": "on"})
    await _service(request).archive(request.user, ProductId(product_id))
    return say(request, await product_page(request, ProductId(product_id)), _("Archived"))


@post(ONE + "/restore", name="admin:restore-product", guards=WRITES, status_code=200)
async def restore(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Bring an archived product back, hidden. Raises NotFound."""
    await _service(request).restore(request.user, ProductId(product_id))
    return say(request, await product_page(request, ProductId(product_id)), _("It's back, hidden until you show it."))


async def product_page(request: SoukRequest, product_id: ProductId, *, status: int = 200) -> Html:
    """The page of a product as it is stored. Raises NotFound."""
    stored = await _service(request).get(request.user, product_id)
    return await _editor(request, stored, _stored_form(request, stored), status=status)


def _service(request: SoukRequest) -> ProductsService:
    return site_of(request).services.catalog.products


def _stored_form(request: SoukRequest, stored: EditedProduct) -> Fields:
    values = present.product_values(stored, timezone(request.user.timezone))
    return Fields({**values, "base": conflicts.base_of(values, conflicts.PRODUCT)})


async def _typed(request: SoukRequest) -> dict[str, str]:
    """What was typed; a switch that is off is not sent at all."""
    sent = {name: value for name, value in (await forms.posted(request)).items() if isinstance(value, str)}
    return {**dict.fromkeys(_SWITCHES, ""), **sent}


def _draft(request: SoukRequest, typed: Mapping[str, str], stored: EditedProduct | None) -> ProductDraft:
    """What the form says. Raises Invalid for a time that is none."""
    publish_at = None
    if at := typed.get("publish_at", "").strip():
        publish_at = _moment(request, at)
        # With its seconds, which the field does not show.
        if stored and _stored_form(request, stored).text("publish_at") == at:
            publish_at = stored.draft.publish_at
        if publish_at is None:
            raise Invalid("no time", fields={"publish_at": "invalid"})
    return ProductDraft(
        slug=typed.get("slug", "").strip(),
        category=typed.get("category", "").strip(),
        country=typed.get("country", "").strip() or None,
        choice=typed.get("choice", ""),
        name=texts(typed, "name"),
        summary=texts(typed, "summary"),
        description=texts(typed, "description"),
        icon=typed.get("icon", ""),
        hue=typed.get("hue", ""),
        tags=[tag for tag in (part.strip() for part in _TAG_ENDS.split(typed.get("tags", ""))) if tag],
        premium_only=typed["premium_only"] == "on",
        hidden=typed["shown"] != "on",
        publish_at=publish_at,
    )


def _errors(refusal: Invalid | ProductSlugTaken) -> dict[str, str]:
    return dict(refusal.fields) if isinstance(refusal, Invalid) else {"slug": "taken"}


def _moment(request: SoukRequest, text: str) -> datetime | None:
    """The moment that a date and time field says, in the admin's time zone; None for anything else."""
    try:
        local = datetime.strptime(ascii_digits(text), "%Y-%m-%dT%H:%M")  # noqa: DTZ007 its zone follows
        return local.replace(tzinfo=timezone(request.user.timezone))
    except (ValueError, OverflowError):
        return None


def _intent(typed: Mapping[str, str]) -> UUID:
    try:
        return UUID(typed.get("intent", ""))
    except ValueError as error:
        raise Invalid("a form that the page does not send", fields={"intent": "invalid"}) from error


def _kind(typed: Mapping[str, str]) -> StockKind | None:
    try:
        return StockKind(typed.get("kind", ""))
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _preview(request: SoukRequest, language: str, text: str) -> PreviewPart:
    try:
        return PreviewPart(language, Markup(_service(request).preview(request.user, text.strip())))  # noqa: S704
    except Invalid:
        return PreviewPart(language, Markup(), too_long=True)


def _own_editor(stored: EditedProduct | None) -> str:
    """Where a product of another slice is edited."""
    places = {StockKind.COURSE: "/admin/courses", StockKind.CREDITS: "/admin/readings/packages"}
    return places.get(stored.kind, "") if stored else ""


async def _variants(request: SoukRequest, product: EditedProduct) -> VariantList:
    listed = await site_of(request).services.catalog.variants.list_of(request.user, product.id)
    return variant_list(listed, request.user.language)


async def _editor(
    request: SoukRequest, stored: EditedProduct | None, form: Fields, *, status: int = FORM_ERROR
) -> Html:
    site, actor = site_of(request), request.user
    categories = await site.services.catalog.categories.list_all(actor)
    name = pick(stored.draft.name, actor.language) if stored else ""
    picture = pictures(request)(stored.picture) if stored else None
    view = ProductPage(
        form=form,
        categories=present.category_choices(categories, actor.language),
        countries=present.chosen_country(form.text("country"), site.viewer(actor).words),
        previews=tuple(_preview(request, one.value, form.text(f"description_{one.value}")) for one in Locale),
        tile=tile(name or "?", form.text("hue"), form.text("icon"), None, picture),
        id=str(stored.id) if stored else "",
        intent=form.text("intent") or forms.new_intent(),
        title=name,
        kind=stored.kind.value if stored else form.text("kind"),
        state=stored.state if stored else None,
        listed=stored.listed if stored else False,
        variants=await _variants(request, stored) if stored and not _own_editor(stored) else None,
        missing=present.missing_texts(form.typed),
        slug=stored.draft.slug if stored else "",
        files=stored is not None and stored.kind is StockKind.FILE and actor.may(Permission.STOCK),
        own_editor=_own_editor(stored),
    )
    return manage_page(request, "catalog/admin/product.html", view, "catalogue", back=CATALOGUE, status=status)


HANDLERS: Final = (products, new, add, product, save, preview, propose_slug, countries, copy, archive, restore)
