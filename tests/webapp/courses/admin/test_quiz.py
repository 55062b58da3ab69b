"""The editor of a quiz: questions added, moved and removed without storing anything, then saved or refused."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from backend.courses.types.quiz import QuestionKind
from backend.kernel.text import Locale
from tests.webapp.courses.admin.conftest import Desk
from tests.webapp.sale import plain

_INPUT = re.compile(r'<input[^>]*name="([^"]+)"[^>]*>|<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', re.DOTALL)


def _values(html: str) -> dict[str, Any]:
    """What a browser would send of the editor's form."""
    values: dict[str, Any] = {}
    for match in _INPUT.finditer(html):
        name = match[1] or match[2]
        if name in {"in_language", "act"}:
            continue
        if match[2]:
            values[name] = unescape(match[3])
            continue
        value = unescape(sent[1]) if (sent := re.search(r'value="([^"]*)"', match[0])) else ""
        if 'type="radio"' in match[0] or 'type="checkbox"' in match[0]:
            if "checked" in match[0]:
                values[name] = [*values.get(name, []), value]
        else:
            values[name] = value
    chosen = re.search(r'<option value="([^"]*)" selected', html)
    return values | ({"show_answers": chosen[1]} if chosen else {})


class _Editor:
    """The form of the first lesson's quiz, as somebody types into it."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.path = desk, f"{desk.path}/lessons/{desk.lessons[0]}/quiz"

    async def open(self) -> dict[str, Any]:
        self.values = _values((await self.desk.page.get(self.path)).text)
        return self.values

    async def act(self, act: str) -> str:
        answer = await self.desk.page.post(f"{self.path}/form", data={**self.values, "act": act})
        assert answer.status_code == 200, answer.text
        for name in [one for one in self.values if re.match(r"q\d+_", one)]:
            del self.values[name]
        self.values |= _values(answer.text)
        return answer.text

    async def stored(self) -> Any:
        return (await self.desk.services.courses.quiz_editing.get(self.desk.teacher, self.desk.lessons[0])).quiz


async def test_a_quiz_is_made_question_by_question(desk: Desk) -> None:
    editor = _Editor(desk)
    await editor.open()
    await editor.act("add:text")
    editor.values |= {"q1_text_en": "What ends?", "q1_accepted_en": "The sound\r\nsound", "q1_points": "٣"}
    html = await editor.act("add:single")
    assert "What ends?" in html and "autofocus" not in html.partition("What ends?")[0]
    await editor.act("option:2")
    editor.values |= {
        "q2_text_en": 'Which is "nearest"?', "q2_option1_en": "A road", "q2_option2_en": "A <bird>",
        "q2_option3_en": "Breath", "q2_right": "3",
    }  # fmt: skip
    await editor.act("add:multiple")
    editor.values |= {"q3_text_en": "Far?", "q3_option1_en": "Road", "q3_option2_en": "Bird", "q3_right": ["1", "2"]}
    await editor.act("up:2")
    await editor.act("drop:1:2")
    assert await editor.stored() is None
    editor.values |= {"attempts": "2", "minutes": "", "passing_percent": "75 %", "required": "on"}
    saved = await desk.page.post(editor.path, data=editor.values)
    assert saved.status_code == 200 and "Saved" in saved.headers["hx-trigger"], plain(saved.text)
    quiz = await editor.stored()
    assert (quiz.attempts, quiz.minutes, quiz.passing_percent, quiz.required) == (2, None, 75, True)
    nearest, ends, far = quiz.questions
    assert [(one.text[Locale.EN], one.right) for one in nearest.options] == [("A road", False), ("Breath", True)]
    assert nearest.text == {Locale.EN: 'Which is "nearest"?'}
    assert (ends.kind, ends.points, ends.accepted) == (QuestionKind.TEXT, 3, {Locale.EN: ("The sound", "sound")})
    assert [one.right for one in far.options] == [True, True]
    again = await editor.open()
    assert (await desk.page.post(editor.path, data=again)).status_code == 200
    assert await editor.stored() == quiz
    await editor.act("remove:1")
    await editor.act("down:1")
    await desk.page.post(editor.path, data=editor.values)
    assert [one.id for one in (await editor.stored()).questions] == [far.id, ends.id]


async def test_every_error_is_named_beside_its_field_and_keeps_what_was_typed(desk: Desk) -> None:
    editor = _Editor(desk)
    await editor.open()
    empty = await desk.page.post(editor.path, data=editor.values)
    assert empty.status_code == 422 and "Add a question." in empty.text
    for kind in ("single", "multiple", "text"):
        await editor.act(f"add:{kind}")
    editor.values |= {
        "q1_text_en": "Why?", "q1_option1_en": "Same", "q1_option2_en": "same", "q1_right": "1",
        "q2_option1_en": "One", "q2_option2_en": "Two", "q2_points": "many",
        "q3_text_ar": "لماذا؟", "attempts": "-1", "minutes": "601", "passing_percent": "",
    }  # fmt: skip
    refused = await desk.page.post(editor.path, data=editor.values)
    said = plain(refused.text)
    assert refused.status_code == 422
    for words in ("Two options are the same.", "Mark the correct option.", "Fill this in.", "Value is out of range."):
        assert words in said
    for field in ("q1_text_ar", "q2_points", "q2_text_en", "q3_accepted_en", "attempts", "minutes", "passing_percent"):
        assert f'id="{field}-error"' in refused.text, field
    assert _values(refused.text)["q2_points"] == "many" and _values(refused.text)["q3_text_ar"] == "لماذا؟"
    assert await editor.stored() is None


async def test_a_quiz_that_somebody_else_has_changed_is_not_overwritten(desk: Desk) -> None:
    editor = _Editor(desk)
    await editor.open()
    await editor.act("add:text")
    editor.values |= {"q1_text_en": "Why?", "q1_accepted_en": "so"}
    assert (await desk.page.post(editor.path, data=editor.values)).status_code == 200
    editor.values["q1_text_en"] = "How?"
    stale = await desk.page.post(editor.path, data=editor.values)
    assert (stale.status_code, stale.headers["x-error-code"]) == (409, "lesson_edited")
    assert 'value="How?"' in stale.text and (await editor.stored()).questions[0].text == {Locale.EN: "Why?"}
    deleted = await desk.page.post(f"{editor.path}/delete", data={"version": editor.values["version"]})
    assert deleted.status_code == 409
    version = (await editor.open())["version"]
    gone = await desk.page.post(f"{editor.path}/delete", data={"version": version})
    assert gone.status_code == 200 and await editor.stored() is None


async def test_buttons_that_no_page_has_do_nothing(desk: Desk) -> None:
    editor = _Editor(desk)
    await editor.open()
    await editor.act("add:single")
    for act in ("add:essay", "up:1", "down:1", "remove:2", "remove:x", "drop:1", "drop:1:9", "option:0", "boo"):
        await editor.act(act)
        assert editor.values["questions"] == "1" and editor.values["q1_options"] == "2", act
    other = f"/admin/courses/{desk.course_id}/lessons/0199c0de-0000-7000-8000-000000000000/quiz"
    assert (await desk.page.get(other)).status_code == 404
