"""What is asked at the purchase of a product, in the back office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.catalog.errors import QuestionsEdited
from backend.catalog.types import ProductId
from backend.catalog.types.questions import Question
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from webapp.catalog.admin.variants import CATALOGUE, ONE, ROOM, WRITES
from webapp.catalog.screens import questions as present
from webapp.catalog.screens.questions import QuestionsEditor, QuestionsForm
from webapp.catalog.screens.variants import BASE, product_title
from webapp.core import forms
from webapp.core.answers import overtaken, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields
from webapp.core.responses import FORM_ERROR, Html, fragment
from webapp.core.site import SoukRequest, site_of

_QUESTIONS: Final = ONE + "/questions"


class VersionForm(msgspec.Struct, frozen=True):
    """The version that was read."""

    version: Annotated[int, Meta(ge=0, le=2**62)] = 0


class ActForm(msgspec.Struct, frozen=True):
    """What was pressed: ``add:text``, ``up:2``, ``down:2``, ``remove:2``, ``option:2``, ``drop:2:3``."""

    act: Annotated[str, Meta(max_length=40)]


@get(_QUESTIONS, name="admin:questions", guards=[CATALOGUE])
async def questions(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The questions of a product. Raises NotFound, OwnEditor."""
    return await _page(request, product_id)


@post(_QUESTIONS, name="admin:save-questions", guards=WRITES, status_code=200)
async def save(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """Ask these questions from now on. Raises NotFound, OwnEditor."""
    typed = present.from_form(await forms.posted(request))
    version = (await forms.read_form(request, VersionForm)).version
    service = site_of(request).services.catalog.questions
    try:
        await service.save(request.user, ProductId(product_id), typed, version=version)
    except Invalid as refusal:
        return await _page(request, product_id, typed, version=version, errors=dict(refusal.fields), status=FORM_ERROR)
    except QuestionsEdited as why:
        # What was typed stays, with the version that is stored now: to save it again is a decision.
        return overtaken(request, await _page(request, product_id, typed, changed=True, status=409), why)
    return say(request, await _page(request, product_id), _("Saved"))


@post(_QUESTIONS + "/form", name="admin:questions-form", guards=WRITES, status_code=200)
async def act(request: SoukRequest, product_id: FromPath[UUID]) -> Html:
    """The questions after one was added, moved or removed; nothing is stored."""
    pressed = await forms.read_form(request, ActForm)
    changed, focus = present.acted(present.from_form(await forms.posted(request)), pressed.act)
    view = QuestionsForm(
        form=Fields(present.to_form(changed)),
        questions=present.question_forms(changed),
        path=request.url.path.removesuffix("/form"),
        focus=focus,
    )
    return fragment(request, "catalog/admin/_asked_questions.html", view)


async def _page(
    request: SoukRequest,
    product_id: UUID,
    typed: Sequence[Question] | None = None,
    *,
    version: int | None = None,
    errors: dict[str, str] | None = None,
    changed: bool = False,
    status: int = 200,
) -> Html:
    service, locale = site_of(request).services.catalog.questions, request.user.language
    product, stored = await service.get(request.user, ProductId(product_id))
    shown = stored.questions if typed is None else typed
    view = QuestionsEditor(
        form=Fields(present.to_form(shown), errors or {}),
        questions=present.question_forms(shown),
        path=f"{BASE}/{product_id}/questions",
        title=product_title(product, locale),
        version=stored.version if version is None else version,
        preview=present.preview(shown, locale),
        changed=changed,
        stored=present.preview(stored.questions, locale) if changed else (),
    )
    up = f"{BASE}/{product_id}"
    return manage_page(request, "catalog/admin/questions.html", view, ROOM, back=up, status=status)


HANDLERS: Final = (questions, save, act)
