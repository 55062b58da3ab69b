"""What an owner finds in the demo's back office: a file that is sold, a batch, people, an admin with less.

All of it goes through the services of the back office, so that the audit trail has it too.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from backend.audience.errors import SegmentNameTaken
from backend.audience.types import Bought, PeopleFilter
from backend.bootstrap import Services
from backend.catalog.types import ProductId, StockKind, VariantId
from backend.catalog.types.editing import ManagedProduct, ProductDraft, ProductFilter, ProductState
from backend.catalog.types.quantity_prices import QuantityPrice
from backend.catalog.types.questions import Option, Question, QuestionKind
from backend.catalog.types.stock_imports import ImportDetails
from backend.catalog.types.variants import VariantDraft, VariantRecord
from backend.demo.load import demo_key
from backend.demo.work import NOAH
from backend.identity.errors import Blocked
from backend.identity.types import PRESETS, Actor
from backend.infra.documents import Typesetter
from backend.kernel.ids import new_id
from backend.kernel.money import Money

_GUIDE_FILE: Final = Path(__file__).parent / "guide" / "passwords.typ"
_GUIDE: Final = ProductDraft(
    slug="password-guide",
    category="safekeeping",
    choice="option",
    name={"en": "Strong passwords", "ar": "كلمات مرور قوية", "ru": "Надёжные пароли"},
    summary={"en": "A short guide, as PDF", "ar": "دليل قصير بصيغة PDF", "ru": "Короткое руководство в PDF"},
    description={
        "en": "## What you get\nTwo pages to read in ten minutes. Your copy bears your name.",
        "ar": "## ماذا تحصل عليه\nصفحتان تقرؤهما في عشر دقائق، ونسختك تحمل اسمك.",
        "ru": "## Что внутри\nДве страницы на десять минут. В вашем экземпляре указано ваше имя.",
    },
    icon="shield",
    hue="teal",
    tags=["guide", "privacy"],
)
_PLANNER: Final = ProductDraft(
    slug="study-planner",
    category="skills",
    choice="duration",
    name={"en": "Study planner", "ar": "مخطط الدراسة", "ru": "Планировщик учёбы"},
    # Russian is missing: the list of the catalogue says so.
    summary={"en": "Your week on one page", "ar": "أسبوعك في صفحة واحدة"},
    description={
        "en": "## How it works\nInstall the app and paste the key.",
        "ar": "## كيف يعمل\nثبّت التطبيق والصق المفتاح.",
    },
    icon="learn",
    hue="amber",
    tags=["learning"],
)  # fmt: skip
_FIRST_ID: Final = 0x0199_0000_0000_7000_8000_0000_0000_0001
_GUIDE_VARIANT, _PLANNER_VARIANT, _OLD_VARIANT = (VariantId(UUID(int=_FIRST_ID + number)) for number in range(3))
_SHOWN_IN: Final = timedelta(days=7)
_EXPIRES_IN: Final = timedelta(days=60)
_BLOCKED_FOR: Final = timedelta(days=7)
_LADDER: Final = ((5, 1950), (10, 1800))
_UNIT_COST: Final = 1400
_NEW_KEYS: Final = 12
_TOM: Final = 700_001_008
"""One of the crowd."""
_DMITRY: Final = 700_000_003
_BALANCE: Final = Money(7500, "USD")
_QUESTIONS: Final = (
    Question(
        id="name",
        kind=QuestionKind.TEXT,
        label={"en": "What is the logo's text?", "ar": "ما نص الشعار؟", "ru": "Какой текст на логотипе?"},
        hint={"en": "As it should be written", "ar": "كما ينبغي أن يُكتب", "ru": "Так, как он должен быть написан"},
    ),
    Question(
        id="style",
        kind=QuestionKind.CHOICE,
        label={"en": "Style", "ar": "النمط", "ru": "Стиль"},
        options=(
            Option("quiet", {"en": "Quiet", "ar": "هادئ", "ru": "Спокойный"}),
            Option("bold", {"en": "Bold", "ar": "جريء", "ru": "Яркий"}),
            Option("drawn", {"en": "Drawn by hand", "ar": "مرسوم باليد", "ru": "Нарисованный от руки"}),
        ),
    ),
    Question(
        id="mail",
        kind=QuestionKind.EMAIL,
        label={"en": "E-mail for the source file", "ar": "بريد لإرسال الملف الأصلي", "ru": "Почта для исходного файла"},
        required=False,
    ),
)  # fmt: skip
_ANSWERS: Final = (("name", "Okafor Coffee"), ("style", "drawn"), ("mail", "noah@example.org"))
_NOTE: Final = "Asks for an invoice with each order. Pays within a day."


class _Nothing(msgspec.Struct, frozen=True):
    """The guide has no data of its own."""


async def load_demo_office(services: Services, root: Actor) -> None:
    """Do an owner's first days, once: what the owner changes later stays as it is."""
    if await _find(services, root, _PLANNER.slug) is not None:
        return
    await _sell_guide(services, root)
    await _change_toolkit(services, root)
    await _ask_for_logos(services, root)
    await _buy(services, root)
    await _meet_people(services, root)
    # The last one: where it is missing, a start was interrupted, and all of this is done again.
    await _plan_planner(services, root)


async def _find(services: Services, root: Actor, slug: str) -> ManagedProduct | None:
    for state in (None, ProductState.ARCHIVED):
        page = await services.catalog.products.list_managed(root, ProductFilter(query=slug, state=state))
        for product in page.items:
            if product.slug == slug:
                return product
    return None


async def _id_of(services: Services, root: Actor, slug: str) -> ProductId:
    product = await _find(services, root, slug)
    assert product is not None, f"the demo's catalogue has {slug}"
    return product.id


async def _sell_guide(services: Services, root: Actor) -> None:
    """A file that is sold, with the buyers' names on its copies."""
    known = await _find(services, root, _GUIDE.slug)
    product_id = known.id if known else await services.catalog.products.create(
        root, StockKind.FILE, _GUIDE, product_id=new_id()
    )  # fmt: skip
    name = {"en": "PDF, 2 pages", "ar": "PDF من صفحتين", "ru": "PDF, 2 страницы"}
    draft = VariantDraft(name=name, note={}, price=Money(300, "USD"))
    await services.catalog.variants.add(root, product_id, _GUIDE_VARIANT, draft)
    guide = await Typesetter(_GUIDE_FILE).pdf(_Nothing())
    await services.catalog.goods_files.upload(root, _GUIDE_VARIANT, "Strong passwords.pdf", guide)


async def _change_toolkit(services: Services, root: Actor) -> None:
    """A price for many, a new batch of keys with all that is known of it, and a variant in the recycle bin."""
    variants, product_id = services.catalog.variants, await _id_of(services, root, "pdf-toolkit")
    year = await _variant(services, root, product_id, "1-year")
    ladder = tuple(QuantityPrice(quantity, Money(cents, "USD")) for quantity, cents in _LADDER)
    draft = msgspec.structs.replace(year.draft, quantity_prices=ladder)
    await variants.change(root, product_id, year.id, draft, version=year.version)
    name = {"en": "1 week, for trying", "ar": "أسبوع للتجربة", "ru": "1 неделя на пробу"}
    await variants.add(root, product_id, _OLD_VARIANT, VariantDraft(name=name, note={}, price=Money(100, "USD")))
    await variants.archive(root, product_id, _OLD_VARIANT)
    await _add_batch(services, root, year.id)


async def _add_batch(services: Services, root: Actor, variant_id: VariantId) -> None:
    imports = services.catalog.stock_imports
    keys = "\n".join(demo_key("pdf-toolkit/autumn", number) for number in range(_NEW_KEYS))
    pasted = await imports.paste(root, keys, variant_id=variant_id)
    await imports.check(pasted.id)
    if not (await imports.get(root, pasted.id)).fresh:
        await imports.discard(root, pasted.id)
        return
    details = ImportDetails(
        batch_name="Autumn offer",
        source="Keys and More Ltd",
        unit_cost=_UNIT_COST,
        expires_at=services.clock.now() + _EXPIRES_IN,
    )
    await imports.start(root, pasted.id, details)
    await imports.add_keys(pasted.id)


async def _variant(services: Services, root: Actor, product_id: ProductId, code: str) -> VariantRecord:
    listed = await services.catalog.variants.list_of(root, product_id)
    return next(one for one in listed.variants if one.code == code)


async def _ask_for_logos(services: Services, root: Actor) -> None:
    """Questions at the purchase of what is made by hand."""
    product_id = await _id_of(services, root, "logo-design")
    _, asked = await services.catalog.questions.get(root, product_id)
    await services.catalog.questions.save(root, product_id, _QUESTIONS, version=asked.version)


async def _buy(services: Services, root: Actor) -> None:
    """Noah answers them, buys the guide, and one of the last three keys of a variant: little is left of it."""
    noah = await services.identity.access.authenticate(NOAH)
    await services.wallet.adjustments.adjust(
        root, noah.id, _BALANCE, "Balance for the demo", idempotency_key="demo:office"
    )
    bought = (("logo-design", "one-idea", _ANSWERS), (_GUIDE.slug, None, ()), ("notes-pro", "lifetime", ()))
    for slug, code, answers in bought:
        product = await services.catalog.storefront.product(noah, slug)
        variant = next(one for one in product.variants if code in (one.code, None))
        await services.orders.checkout.place(noah, variant.id, 1, f"demo-office-{slug}", answers=answers)


async def _meet_people(services: Services, root: Actor) -> None:
    """A segment, a note, a block that ends, and an admin who may do less than the owner."""
    people, noah = services.identity.people, await services.identity.access.authenticate(NOAH)
    with contextlib.suppress(SegmentNameTaken):
        chosen = PeopleFilter(bought=Bought.DAYS_30, over=1000)
        await services.audience.segments.save(root, "Buyers with over $10 left", chosen, shared=True)
    await services.identity.notes.add(root, noah.id, _NOTE, "demo-note-0001")
    with contextlib.suppress(Blocked):
        tom = await services.identity.access.actor_by_telegram_id(_TOM)
        if tom is not None:
            await people.block(root, tom.id, "Advertised another shop", services.clock.now() + _BLOCKED_FOR)
    dmitry = await services.identity.access.actor_by_telegram_id(_DMITRY)
    if dmitry is not None:
        await services.identity.admins.set_permissions(root, dmitry.id, PRESETS["support"])


async def _plan_planner(services: Services, root: Actor) -> None:
    """A product that is shown by itself, in a week."""
    draft = msgspec.structs.replace(_PLANNER, publish_at=services.clock.now() + _SHOWN_IN)
    product_id = await services.catalog.products.create(root, StockKind.UNIQUE_KEYS, draft, product_id=new_id())
    name = {"en": "1 year", "ar": "سنة واحدة", "ru": "1 год"}
    await services.catalog.variants.add(
        root, product_id, _PLANNER_VARIANT, VariantDraft(name=name, note={}, price=Money(900, "USD"))
    )
