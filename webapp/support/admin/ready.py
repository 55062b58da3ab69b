"""Ready answers: listed, written in each language, deleted."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale
from backend.support.errors import ReadyAnswerChanged
from backend.support.types import ReadyAnswerId
from webapp.core import forms
from webapp.core.answers import overtaken, replaced, say, to_app
from webapp.core.back_office import manage_page
from webapp.core.responses import FORM_ERROR, Html
from webapp.core.site import SoukRequest, site_of
from webapp.support.admin.tickets import SUPPORT, WRITES
from webapp.support.screens import ready as present
from webapp.support.screens.tickets import READY, TICKETS

_LONG = Annotated[str, Meta(max_length=20_000)]


class ReadyForm(msgspec.Struct, frozen=True, kw_only=True):
    """A ready answer as it is written; ``version`` is the one that the form showed."""

    name: Annotated[str, Meta(max_length=1000)] = ""
    text_en: _LONG = ""
    text_ar: _LONG = ""
    text_ru: _LONG = ""
    version: Annotated[int, Meta(ge=0, le=10**9)] = 0

    @property
    def texts(self) -> dict[str, str]:
        """The texts by language."""
        return {Locale.EN: self.text_en, Locale.AR: self.text_ar, Locale.RU: self.text_ru}


@get(READY, name="admin:ready-answers", guards=[SUPPORT])
async def ready_answers(request: SoukRequest) -> Html:
    """All ready answers."""
    return await _list(request)


@get(READY + "/new", name="admin:new-ready-answer", guards=[SUPPORT])
async def new_ready(request: SoukRequest) -> Html:
    """The form of a new one."""
    return _form(request, present.ready_view("", 0, "", {}))


@get(READY + "/{ready_id:uuid}", name="admin:ready-answer", guards=[SUPPORT])
async def ready_answer(request: SoukRequest, ready_id: FromPath[UUID]) -> Html:
    """The form of one. Raises NotFound."""
    one = await site_of(request).services.support.ready.get(request.user, ReadyAnswerId(ready_id))
    return _form(request, present.ready_view(str(one.id), one.version, one.name, one.texts))


@post(READY + "/new", name="admin:add-ready-answer", guards=WRITES, status_code=200)
async def add_ready(request: SoukRequest) -> Html:
    """Store a new one."""
    return await _save(request, None)


@post(READY + "/{ready_id:uuid}", name="admin:save-ready-answer", guards=WRITES, status_code=200)
async def save_ready(request: SoukRequest, ready_id: FromPath[UUID]) -> Html:
    """Store a changed one. Raises NotFound."""
    return await _save(request, ReadyAnswerId(ready_id))


@delete(READY + "/{ready_id:uuid}", name="admin:delete-ready-answer", guards=WRITES, status_code=200)
async def delete_ready(request: SoukRequest, ready_id: FromPath[UUID]) -> Html:
    """Delete one."""
    await site_of(request).services.support.ready.remove(request.user, ReadyAnswerId(ready_id))
    return await _done(request, _("Deleted"))


async def _save(request: SoukRequest, ready_id: ReadyAnswerId | None) -> Html:
    form, site = await forms.read_form(request, ReadyForm), site_of(request)
    shown_id = str(ready_id) if ready_id else ""
    try:
        await site.services.support.ready.save(request.user, ready_id, form.version, form.name, form.texts)
    except Invalid as refusal:
        view = present.ready_view(shown_id, form.version, form.name, form.texts, refusal.fields)
        return _form(request, view, status=FORM_ERROR)
    except ReadyAnswerChanged as why:
        # What was typed stays, and can be saved over the other admin's once that was seen.
        view = present.ready_view(shown_id, form.version, form.name, form.texts)
        return overtaken(request, _form(request, view, status=409), why)
    return await _done(request, _("Saved"))


async def _done(request: SoukRequest, said: str) -> Html:
    shown = to_app(replaced(await _list(request), READY))
    return say(request, shown, said)


async def _list(request: SoukRequest) -> Html:
    answers = await site_of(request).services.support.ready.list_all(request.user)
    return manage_page(
        request, "support/admin/ready.html", present.ready_list(answers, request.user.language), "tickets", back=TICKETS
    )


def _form(request: SoukRequest, view: present.ReadyView, *, status: int = 200) -> Html:
    return manage_page(request, "support/admin/ready_answer.html", view, "tickets", back=READY, status=status)


HANDLERS: Final = (ready_answers, new_ready, ready_answer, add_ready, save_ready, delete_ready)
