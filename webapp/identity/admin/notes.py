"""Notes about people: written on a sheet over the person's page, changed and deleted by their authors."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from backend.identity.types import Permission
from backend.kernel.errors import Invalid
from backend.kernel.ids import UserId
from webapp.core import forms
from webapp.core.answers import to_sheet
from webapp.core.guards import requires
from webapp.core.limits import WRITE, limited
from webapp.core.responses import FORM_ERROR, Html, fragment, sheet
from webapp.core.site import SoukRequest, site_of
from webapp.identity.admin.people import changed_person
from webapp.identity.screens.admin import NoteSheet

_USERS = requires(Permission.USERS)
_NEW: Final = "/admin/people/{user_id:uuid}/notes"
_ONE: Final = "/admin/people/notes/{note_id:uuid}"


class NoteForm(msgspec.Struct, frozen=True):
    """What a note says. The same ``intent`` again adds nothing."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    intent: forms.IdempotencyKey = ""


@get(_NEW, name="admin:new-note", guards=[_USERS])
async def new_note(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """The sheet of a new note."""
    return _sheet(request, NoteSheet(f"/admin/people/{user_id}/notes", forms.new_intent()))


@post(_NEW, name="admin:add-note", guards=[_USERS, limited(WRITE)], status_code=200)
async def add_note(request: SoukRequest, user_id: FromPath[UUID]) -> Html:
    """Add a note. Raises NotFound."""
    typed = await forms.posted(request)
    try:
        form = forms.decode(typed, NoteForm)
        key = form.intent or forms.new_intent()
        await site_of(request).services.identity.notes.add(request.user, UserId(user_id), form.text, key)
    except Invalid:
        intent = str(typed.get("intent") or forms.new_intent())
        return _wrong(request, NoteSheet(f"/admin/people/{user_id}/notes", intent, _typed(typed), "", "required"))
    return await changed_person(request, UserId(user_id))


@get(_ONE, name="admin:note", guards=[_USERS])
async def note(request: SoukRequest, note_id: FromPath[UUID]) -> Html:
    """The sheet of one's own note. Raises NotFound, Forbidden."""
    _about, text = await site_of(request).services.identity.notes.text_of(request.user, note_id)
    path = f"/admin/people/notes/{note_id}"
    return _sheet(request, NoteSheet(path, forms.new_intent(), text, f"{path}/delete"))


@post(_ONE, name="admin:edit-note", guards=[_USERS, limited(WRITE)], status_code=200)
async def edit_note(request: SoukRequest, note_id: FromPath[UUID]) -> Html:
    """Change one's own note. Raises NotFound, Forbidden."""
    typed, path = await forms.posted(request), f"/admin/people/notes/{note_id}"
    try:
        form = forms.decode(typed, NoteForm)
        about = await site_of(request).services.identity.notes.change(request.user, note_id, form.text)
    except Invalid:
        return _wrong(request, NoteSheet(path, forms.new_intent(), _typed(typed), f"{path}/delete", "required"))
    return await changed_person(request, about)


@post(_ONE + "/delete", name="admin:delete-note", guards=[_USERS, limited(WRITE)], status_code=200)
async def delete_note(request: SoukRequest, note_id: FromPath[UUID]) -> Html:
    """Delete one's own note. Raises NotFound, Forbidden."""
    return await changed_person(request, await site_of(request).services.identity.notes.remove(request.user, note_id))


def _typed(values: dict[str, object]) -> str:
    return str(values.get("text") or "")


def _sheet(request: SoukRequest, view: NoteSheet) -> Html:
    return sheet(request, "identity/admin/_note.html", view)


def _wrong(request: SoukRequest, view: NoteSheet) -> Html:
    return to_sheet(fragment(request, "identity/admin/_note.html", view, status=FORM_ERROR))


HANDLERS: Final = (new_note, add_note, note, edit_note, delete_note)
