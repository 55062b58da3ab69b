"""The editor of a lesson in the back office: its texts with a preview as they are typed, its settings, its files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath

from backend.courses.errors import FileInUse, LessonEdited, SlugTaken
from backend.courses.types import CourseId, LessonId, MediaId
from backend.courses.types.editing import EditedLesson, EditedText, LessonFields
from backend.courses.types.lessons import LineProblem, TextProblem
from backend.infra.formatting import timezone
from backend.infra.i18n import mark as _
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale, ascii_digits
from webapp.core import forms, uploads
from webapp.core.answers import overtaken, pushed, say
from webapp.core.back_office import manage_page
from webapp.core.fields import Fields, errors_by, local_text
from webapp.core.responses import FORM_ERROR, Html, fragment
from webapp.core.site import SoukRequest, site_of
from webapp.core.uploads import LARGEST_FORM
from webapp.courses.admin.common import COURSES, ONE, TEACHING, WRITES, head_of
from webapp.courses.admin.lessons import LESSON, LESSONS, find_lesson, lessons_page
from webapp.courses.media import media_url
from webapp.courses.screens import lessons as present
from webapp.courses.screens.lessons import Address, FilesPart, LessonPage, PreviewPart

_FILES: Final = ONE + "/files"


class LessonForm(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a lesson; its texts are read by language. ``publish_at`` is in the editor's time zone."""

    slug: str = ""
    minutes: forms.Count | None = None
    required: bool = False
    publish_at: str = ""
    assignment_required: bool = False
    version: int = 0


class PreviewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The language whose text is typed."""

    language: Locale


@get(LESSONS + "/new", name="admin:new-lesson", guards=[TEACHING])
async def new_lesson(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """The editor of a new lesson. Raises NotFound."""
    return await _editor(
        request, CourseId(course_id), None, Fields({"required": "on", "assignment_required": "on"}), status=200
    )


@post(LESSONS, name="admin:add-lesson", guards=WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def add(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Add a lesson after the others. Raises NotFound."""
    return await _save(request, CourseId(course_id), None)


@get(LESSON, name="admin:lesson", guards=[TEACHING])
async def lesson(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """The editor of a lesson. Raises NotFound."""
    stored = await find_lesson(request, course_id, lesson_id)
    form = present.lesson_form(stored, timezone(request.user.timezone))
    return await _editor(request, CourseId(course_id), stored, form, status=200)


@post(LESSON, name="admin:save-lesson", guards=WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def save(request: SoukRequest, course_id: FromPath[UUID], lesson_id: FromPath[UUID]) -> Html:
    """Change a lesson; nobody's schedule moves by a text. Raises NotFound."""
    return await _save(request, CourseId(course_id), await find_lesson(request, course_id, lesson_id))


@post(ONE + "/preview", name="admin:preview-lesson", guards=[TEACHING], status_code=200)
async def preview(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """A text as the page would show it, while it is typed. Raises Invalid."""
    language = forms.read_query(request, PreviewQuery).language
    values = await _values(request)
    shown = await _preview(request, CourseId(course_id), language, values, await _address(request, course_id))
    return fragment(request, "courses/admin/_preview.html", shown)


@post(_FILES, name="admin:upload-lesson-file", guards=WRITES, status_code=200, request_max_body_size=LARGEST_FORM)
async def upload(request: SoukRequest, course_id: FromPath[UUID]) -> Html:
    """Add a file, or replace the one of this name; the list of files. Raises NotFound."""
    sent = await uploads.posted(request, "file")
    editing = site_of(request).services.courses.editing
    try:
        if not sent.data:
            raise Invalid("no file", fields={"file": "required"})
        source = io.BytesIO(sent.data)
        await editing.upload(request.user, CourseId(course_id), sent.name, source, len(sent.data))
    except Invalid as refusal:
        return await _files_answer(request, CourseId(course_id), refusal.fields["file"])
    return say(request, await _files_answer(request, CourseId(course_id)), _("File added"))


@post(_FILES + "/{media_id:uuid}/delete", name="admin:delete-lesson-file", guards=WRITES, status_code=200)
async def delete_file(request: SoukRequest, course_id: FromPath[UUID], media_id: FromPath[UUID]) -> Html:
    """Delete a file that no lesson shows; the list of files. Raises NotFound."""
    editing = site_of(request).services.courses.editing
    try:
        await editing.delete_file(request.user, CourseId(course_id), MediaId(media_id))
    except FileInUse as why:
        return await _files_answer(request, CourseId(course_id), why.code)
    return say(request, await _files_answer(request, CourseId(course_id)), _("File deleted"))


async def _values(request: SoukRequest) -> dict[str, str]:
    """The posted texts as they came: a Markdown text keeps the spaces that it begins with."""
    return {name: value for name, value in (await forms.posted(request)).items() if isinstance(value, str)}


async def _save(request: SoukRequest, course_id: CourseId, stored: EditedLesson | None) -> Html:
    form, values = await forms.read(request, LessonForm), await _values(request)
    typed = {**form.typed, **{f"body_{locale}": values.get(f"body_{locale}", "") for locale in Locale}}
    wrong = dict(form.errors)
    publish_at = _moment(request, typed.get("publish_at", ""))
    if typed.get("publish_at") and publish_at is None:
        wrong["publish_at"] = "invalid"
    if stored and local_text(stored.fields.publish_at, timezone(request.user.timezone)) == typed.get("publish_at", ""):
        publish_at = stored.fields.publish_at  # with its seconds, which the field does not show
    if form.value is None or wrong:
        return await _editor(request, course_id, stored, Fields(typed, wrong))
    fields = LessonFields(
        slug=form.value.slug,
        required=form.value.required,
        minutes=form.value.minutes,
        publish_at=publish_at,
        assignment_required=form.value.assignment_required,
        texts=_texts(typed),
    )
    editing = site_of(request).services.courses.editing
    try:
        if stored is None:
            await editing.add(request.user, course_id, fields)
        else:
            await editing.change(request.user, stored.id, fields, version=form.value.version)
    except SlugTaken:
        return await _editor(request, course_id, stored, Fields(typed, {"slug": "taken"}))
    except LessonEdited as why:
        # What was typed stays, so that it can be copied into the newer text.
        return overtaken(request, await _editor(request, course_id, stored, Fields(typed), status=409), why)
    except Invalid as refusal:
        errors = Fields(typed, errors_by(refusal.fields, {}))
        return await _editor(request, course_id, stored, errors, problem=_problem(refusal))
    shown = pushed(await lessons_page(request, course_id), f"{COURSES}/{course_id}/lessons")
    return say(request, shown, _("Lesson added") if stored is None else _("Saved"))


def _texts(typed: Mapping[str, str]) -> dict[Locale, EditedText]:
    """The texts in the languages in which something was written."""
    texts = {
        locale: EditedText(
            typed.get(f"title_{locale}", ""), typed[f"body_{locale}"], typed.get(f"assignment_{locale}", "")
        )
        for locale in Locale
    }
    return {locale: text for locale, text in texts.items() if text.title or text.body.strip() or text.assignment}


def _moment(request: SoukRequest, text: str) -> datetime | None:
    """The moment that a date and time field says, in the editor's time zone; None for anything else."""
    try:
        local = datetime.strptime(ascii_digits(text), "%Y-%m-%dT%H:%M")  # noqa: DTZ007 its zone follows
        return local.replace(tzinfo=timezone(request.user.timezone))
    except (ValueError, OverflowError):
        return None


def _problem(refusal: Invalid) -> LineProblem | None:
    line, code = refusal.params.get("line"), next(iter(refusal.fields.values()))
    if not isinstance(line, int):
        return None
    return LineProblem(line, TextProblem(code), str(refusal.params.get("value", "")))


async def _address(request: SoukRequest, course_id: UUID) -> Address:
    """Makes the addresses of a course's files: each is signed for a lesson, any of the course's."""
    lessons = await site_of(request).services.courses.editing.list_lessons(request.user, CourseId(course_id))
    if not lessons:
        return lambda _file: ""
    return lambda file: media_url(request, LessonId(lessons[0].id), file)


async def _preview(
    request: SoukRequest, course_id: CourseId, language: str, values: Mapping[str, str], address: Address
) -> PreviewPart:
    body = values.get(f"body_{language}", "")
    shown = await site_of(request).services.courses.editing.preview(request.user, course_id, body)
    return present.preview_part(language, shown, address)


async def _files(request: SoukRequest, course_id: CourseId, error: str = "") -> FilesPart:
    files = await site_of(request).services.courses.editing.list_files(request.user, course_id)
    return present.files_part(str(course_id), files, error)


async def _files_answer(request: SoukRequest, course_id: CourseId, error: str = "") -> Html:
    status = FORM_ERROR if error else 200
    return fragment(request, "courses/admin/_files.html", await _files(request, course_id, error), status=status)


async def _editor(
    request: SoukRequest,
    course_id: CourseId,
    stored: EditedLesson | None,
    form: Fields,
    *,
    problem: LineProblem | None = None,
    status: int = FORM_ERROR,
) -> Html:
    previews = [present.later_preview(one.value, str(course_id)) for one in Locale if one != form.language]
    shown = await _preview(request, course_id, form.language, form.typed, await _address(request, course_id))
    view = LessonPage(
        form=form,
        course=await head_of(request, course_id),
        previews=(shown, *previews),
        files=await _files(request, course_id),
        id=str(stored.id) if stored else "",
        number=stored.position if stored else 0,
        problem=problem,
    )
    up = f"{COURSES}/{course_id}/lessons"
    return manage_page(request, "courses/admin/lesson.html", view, "courses", back=up, status=status)


HANDLERS: Final = (new_lesson, add, lesson, save, preview, upload, delete_file)
