"""Variants, questions at purchase and the recycle bin in the back office; and what a buyer is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from playwright.async_api import Page, expect

from backend.catalog.types import ProductId, VariantId
from backend.catalog.types.questions import Option, Question, QuestionKind
from backend.identity.types import Actor
from backend.kernel.ids import new_id
from tests.browser.screens.screen import Screen, press
from tests.browser.stack import Stack
from tests.factories.catalog import import_rows

if TYPE_CHECKING:
    from tests.browser.screens.world import World

SLUG = "portrait-drawing"
_ROWS = [
    {
        "type": "product",
        "slug": SLUG,
        "category": "creative",
        "name_en": "Portrait drawing",
        "name_ar": "رسم بورتريه",
        "name_ru": "Портрет",
        "kind": "by_hand",
    },
    {
        "type": "variant",
        "product": SLUG,
        "code": "pencil",
        "name_en": "In pencil",
        "name_ar": "بالقلم الرصاص",
        "name_ru": "Карандашом",
        "price": "9.00",
    },
]  # fmt: skip
_QUESTIONS = (
    Question(
        id="question1",
        kind=QuestionKind.EMAIL,
        label={"en": "Where do we send it?", "ar": "إلى أين نرسله؟", "ru": "Куда прислать?"},
        hint={"en": "An address you read every day", "ar": "بريد تقرؤه كل يوم", "ru": "Почта, которую вы читаете"},
    ),
    Question(
        id="question2",
        kind=QuestionKind.CHOICE,
        label={"en": "Size", "ar": "الحجم", "ru": "Размер"},
        options=(
            Option("largeone", {"en": "A4, for a wall", "ar": "A4 للحائط", "ru": "A4, на стену"}),
            Option("smallone", {"en": "A5, for a desk", "ar": "A5 للمكتب", "ru": "A5, на стол"}),
        ),
    ),
    Question(
        id="question3",
        kind=QuestionKind.LONG_TEXT,
        label={"en": "Wishes", "ar": "ملاحظات", "ru": "Пожелания"},
        required=False,
    ),
    Question(id="question4", kind=QuestionKind.YES_NO, label={"en": "With a frame", "ar": "مع إطار", "ru": "В рамке"}),
)


class Past(msgspec.Struct, frozen=True):
    """A product with several variants, one of them, an archived copy of it; and a product that asks questions."""

    product: ProductId
    variant: VariantId
    archived: VariantId
    asking: ProductId

    @property
    def path(self) -> str:
        """How the addresses of the first product's pages begin."""
        return f"/admin/catalogue/products/{self.product}"


async def live(stack: Stack, admin: Actor) -> Past:
    """Have a copy of a variant archived, and questions asked."""
    catalog = stack.services.catalog
    product = (await catalog.storefront.product(admin, "ebook-library")).id
    first = (await catalog.variants.list_of(admin, product)).variants[0].id
    copy = VariantId(new_id())
    await catalog.variants.copy(admin, product, first, copy)
    await catalog.variants.archive(admin, product, copy)
    report = await import_rows(catalog, _ROWS)
    assert report.applied, report.problems
    asking = (await catalog.storefront.product(admin, SLUG)).id
    await catalog.questions.save(admin, asking, _QUESTIONS, version=0)
    return Past(product, first, copy, asking)


def screens(world: World) -> list[Screen]:
    """From the list inwards, then what a buyer sees."""
    past = world.variants
    questions, purchase = f"/admin/catalogue/products/{past.asking}/questions", press("#bottom [data-main]")
    return [
        Screen("manage-variants", f"{past.path}/variants", "admin"),
        Screen("manage-variant", f"{past.path}/variants/{past.variant}", "admin"),
        Screen("manage-variant-archived", f"{past.path}/variants/{past.archived}", "admin"),
        Screen("manage-variant-new", f"{past.path}/variants/new", "admin"),
        Screen("manage-variant-ladder", f"{past.path}/variants/new", "admin", add_step),
        Screen("manage-questions", questions, "admin"),
        Screen("manage-questions-none", f"{past.path}/questions", "admin"),
        Screen("manage-questions-choice", f"{past.path}/questions", "admin", add_choice),
        Screen("manage-bin", "/admin/bin", "admin"),
        Screen("confirm-questions", f"/shop/{SLUG}", act=purchase),
        Screen("confirm-questions-error", f"/shop/{SLUG}", act=answer_nothing),
    ]


async def add_step(page: Page) -> None:
    """Add a row of the ladder."""
    await page.locator("#ladder .cell--action").click()
    await expect(page.locator("#from_0")).to_be_visible()


async def add_choice(page: Page) -> None:
    """Add a question with several answers."""
    await page.locator('[hx-vals*="add:choice"]').click()
    await expect(page.locator("input[id*='_option'][id$='_en']").first).to_be_visible()


async def answer_nothing(page: Page) -> None:
    """Confirm a purchase without the answers that it needs."""
    await press("#bottom [data-main]")(page)
    await page.locator("#purchase button[type=submit], button[form=purchase]").first.click()
    await expect(page.locator(".field__err:not(:empty)").first).to_be_visible()
    await expect(page.locator(".toast")).to_have_count(0)  # it covers the button for a while
