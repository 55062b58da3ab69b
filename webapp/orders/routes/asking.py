"""The questions of a purchase, beside its sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from backend.catalog.types import VariantId
from backend.catalog.words import goods_name
from backend.orders.errors import AnswersInvalid
from backend.orders.types import OrderView
from webapp.core import forms
from webapp.core.site import SoukRequest, site_of
from webapp.orders.screens import answers as present
from webapp.orders.screens.answers import AnsweredLine
from webapp.orders.screens.checkout import ConfirmSheet, MethodsSheet

S = TypeVar("S", bound=ConfirmSheet | MethodsSheet)


async def typed(request: SoukRequest, variant: VariantId) -> tuple[tuple[str, str], ...]:
    """What was typed for the questions of one variant; of others too, so that it is refused and not lost."""
    return (await typed_all(request)).get(variant, ())


async def typed_all(request: SoukRequest) -> dict[VariantId, tuple[tuple[str, str], ...]]:
    """What was typed for the questions of each variant."""
    return present.typed_answers(await forms.posted(request))


async def with_questions(
    request: SoukRequest, view: S, key: str, titles: Mapping[VariantId, str], why: AnswersInvalid | None = None
) -> S:
    """The sheet with the questions of the goods in ``titles``; ``why``: what was typed, with what is wrong with it."""
    questions = await site_of(request).services.orders.answers.list_questions(request.user, list(titles))
    if not questions:
        return view
    before = await typed_all(request) if why else {}
    errors = dict(why.fields) if why else None
    asked = present.asked(key, questions, titles, request.user.language, before, errors)
    return msgspec.structs.replace(view, asked=asked)


async def answered(request: SoukRequest, order: OrderView) -> tuple[AnsweredLine, ...]:
    """What was answered for the lines of an order that the reader may see."""
    answers = await site_of(request).services.orders.answers.of_order(request.user, order)
    locale, many = request.user.language, len(order.lines) > 1
    return tuple(
        AnsweredLine(
            goods_name(line.name, line.variant_name, line.country, locale) if many else "",
            present.answer_rows(answers[line.id], locale),
        )
        for line in order.lines
        if answers.get(line.id)
    )
