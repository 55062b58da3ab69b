"""A certificate on its pages: asked for, confirmed, corrected, checked by strangers, revoked in the back office."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from backend.identity.types import Actor, Permission
from backend.kernel.text import Locale
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor, browser
from tests.webapp.courses.school import Classroom

_PAGE = "/learn/calm/certificate"


async def _graduate(room: Classroom, plan: str = "feedback", lessons: int = 4) -> tuple[Visitor, Actor]:
    visitor, actor = await room.arrive()
    await room.open(await room.gift(actor, plan), 4)
    await room.read(actor, *range(1, lessons + 1))
    return visitor, actor


async def _issue(student: Visitor, name: str = "Layla Ahmed", locale: str = "en") -> str:
    answer = await student.post(_PAGE, data={"name": name, "locale": locale})
    assert answer.status_code == 200, answer.text
    (number,) = set(re.findall(r"/verify/([0-9A-Z-]{19})", answer.text))
    return str(number)


async def _stranger(app: Litestar, path: str, language: str = "en", address: str = "198.51.100.9") -> httpx.Response:
    headers = {"accept": "text/html", "accept-language": language}
    async with browser(app, address) as client:
        return await client.get(path, headers=headers)


async def test_from_the_last_lesson_to_the_certificate(room: Classroom, app: Litestar) -> None:
    student, actor = await _graduate(room, lessons=2)
    assert "2 lessons left" in (await student.get("/learn/calm")).text
    missing = (await student.get(_PAGE)).text
    assert "2 lessons left. Then your certificate is here." in missing and 'name="name"' not in missing
    early = await student.post(_PAGE, data={"name": "Layla", "locale": "en"})
    assert (early.status_code, early.headers["x-error-code"]) == (409, "course_not_completed")
    await room.read(actor, 3, 4)
    assert "Ready for your name" in (await student.get("/learn/calm")).text
    form = (await student.get(_PAGE)).text
    assert 'name="name"' in form and 'value="ru"' in form
    shown = await student.post(f"{_PAGE}/preview", data={"name": " Layla  <Ahmed> ", "locale": "en"})
    assert "Is everything right?" in shown.text and "data:image/png;base64," in shown.text
    assert "Layla  &lt;Ahmed&gt;" in shown.text
    assert 'name="name"' in (await student.get(_PAGE)).text, "nothing is issued by a preview"
    number = await _issue(student, " Layla  <Ahmed> ")
    assert "Ready for your name" not in (course := (await student.get("/learn/calm")).text)
    assert f'href="{_PAGE}"' in course
    public = await _stranger(app, f"/verify/{number}")
    assert public.status_code == 200
    assert "Layla &lt;Ahmed&gt;" in public.text and "Certificate is valid" in public.text and "Calm" in public.text


async def test_files_have_signed_addresses(room: Classroom, app: Litestar) -> None:
    student, _ = await _graduate(room)
    await _issue(student)
    page = (await student.get(_PAGE)).text
    files = [unescape(url) for url in re.findall(r'(?:href|src)="(/certificates/files/[^"]*)"', page)]
    assert len(files) == 3
    for url in files:
        answer = await student.client.get(url)
        assert answer.status_code == 200
        saved = answer.headers["content-disposition"].startswith("attachment")
        assert saved == ("save=1" in url)
        assert answer.headers["content-type"] in {"application/pdf", "image/png"}
        bare = await student.client.get(url.partition("?")[0])
        assert bare.status_code == 403
        changed = await student.client.get(
            url.replace(".pdf", ".png") if ".pdf" in url else url.replace(".png", ".pdf")
        )
        assert changed.status_code == 403


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Enter a name."), ("\u202e \u200b", "Enter a name."), ("x" * 201, "Up to 200 letters."),
        ("张伟 Zhang", "print these signs: 张 伟. Write"),
    ],
)  # fmt: skip
async def test_a_name_that_can_not_be_printed_is_said_before(room: Classroom, name: str, words: str) -> None:
    student, _ = await _graduate(room)
    for path in (f"{_PAGE}/preview", _PAGE):
        refused = await student.post(path, data={"name": name, "locale": "en"})
        assert refused.status_code == 422 and words in refused.text
        assert 'aria-invalid="true"' in refused.text
    assert 'name="name"' in (await student.get(_PAGE)).text


async def test_the_name_is_corrected_once(room: Classroom, app: Litestar) -> None:
    student, _ = await _graduate(room)
    number = await _issue(student)
    form = (await student.get(f"{_PAGE}?step=correct")).text
    assert "Correct the name" in form and 'value="Layla Ahmed"' in form
    same = await student.post(f"{_PAGE}/correct/preview", data={"name": "Layla Ahmed", "locale": "en"})
    assert same.status_code == 422 and "This is the name it has already." in same.text
    shown = await student.post(f"{_PAGE}/correct/preview", data={"name": "Leila Ahmad", "locale": "en"})
    assert "You can correct it only this once." in shown.text
    fixed = await student.post(f"{_PAGE}/correct", data={"name": "Leila Ahmad", "locale": "en"})
    assert fixed.status_code == 200 and "step=correct" not in fixed.text and number in fixed.text
    again = await student.post(f"{_PAGE}/correct", data={"name": "Lola", "locale": "en"})
    assert (again.status_code, again.headers["x-error-code"]) == (409, "certificate_corrected")
    public = (await _stranger(app, f"/verify/{number}")).text
    assert "Leila Ahmad" in public and "Layla" not in public and "Changed" in public


async def test_the_public_page_speaks_the_certificate_s_language(room: Classroom, app: Litestar) -> None:
    student, _ = await _graduate(room)
    number = await _issue(student, "ليلى أحمد", "ar")
    for typed in (number, number.lower(), number.replace("-", "")):
        answer = await _stranger(app, f"/verify/{typed}", "ru")
        assert '<html lang="ar" dir="rtl">' in answer.text and "الشهادة سارية" in answer.text
        assert answer.headers["x-robots-tag"].startswith("noindex") and "no-store" in answer.headers["cache-control"]
        assert '<meta name="robots" content="noindex' in answer.text and "<script" not in answer.text
    picture = await _stranger(app, f"/verify/{number}.png")
    assert picture.headers["content-type"] == "image/png" and "noindex" in picture.headers["x-robots-tag"]
    assert (await student.get(f"/verify/{number}")).status_code == 200, "with a session too"


async def test_a_forged_code_is_not_found_in_words(app: Litestar, room: Classroom) -> None:
    for code in ("0000-0000-0000-0000", "x", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "0" * 500, "0.png0"):
        answer = await _stranger(app, f"/verify/{code}", "ru-RU")
        assert answer.status_code == 404 and "Сертификат не найден" in answer.text
        assert "<script" not in answer.text and answer.headers["x-robots-tag"].startswith("noindex")
    assert (await _stranger(app, "/verify/0000-0000-0000-0000.png")).status_code == 404
    form = await _stranger(app, "/verify")
    assert form.status_code == 200 and 'action="/verify"' in form.text
    typed = await _stranger(app, "/verify?code=%200000 0000/..%20")
    assert (typed.status_code, typed.headers["location"]) == (303, "/verify/0000%200000%2F..")


async def test_checking_is_limited_by_address(app: Litestar, room: Classroom) -> None:
    answers = [await _stranger(app, "/verify/0000-0000-0000-0000") for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {404}
    assert answers[60].status_code == 429 and "Try again in a minute." in answers[60].text
    assert int(answers[60].headers["retry-after"]) > 0
    other = await _stranger(app, "/verify/0000-0000-0000-0000", address="203.0.113.200")
    assert other.status_code == 404


async def test_an_admin_revokes_restores_and_reissues(room: Classroom, app: Litestar, make_admin: MakeAdmin) -> None:
    student, _ = await _graduate(room)
    number = await _issue(student)
    teacher, money = await make_admin(81, Permission.TEACHING), await make_admin(82, Permission.MONEY)
    listed = f"/admin/courses/{room.course}/certificates"
    assert (await money.get(listed)).status_code == 403
    assert listed in (await teacher.get(f"/admin/courses/{room.course}")).text
    rows = (await teacher.get(listed)).text
    (path,) = re.findall(rf'href="({listed}/[0-9a-f-]{{36}})"', rows)
    results = await teacher.get(f"{listed}?q={number.lower()}", headers={"HX-Target": "results"})
    assert path in results.text and "<h1" not in results.text
    assert "No certificates found" in (await teacher.get(f"{listed}?q=nobody")).text
    empty = await teacher.post(f"{path}/revoke", data={"value": " "})
    assert empty.status_code == 422 and "Enter a reason." in empty.text
    revoked = await teacher.post(f"{path}/revoke", data={"value": "Somebody <else> did it"})
    assert revoked.status_code == 200 and "Somebody &lt;else&gt; did it" in revoked.text
    public = await _stranger(app, f"/verify/{number}")
    assert public.status_code == 200 and "Certificate revoked" in public.text and "Somebody" not in public.text
    assert (await _stranger(app, f"/verify/{number}.png")).status_code == 404
    own = (await student.get(_PAGE)).text
    assert "Somebody &lt;else&gt; did it" in own and "/certificates/files/" not in own
    await teacher.post(f"{path}/restore", data={"value": "A mistake"})
    assert "Certificate is valid" in (await _stranger(app, f"/verify/{number}")).text
    sheet = (await teacher.get(f"{path}/reissue")).text
    assert 'value="Layla Ahmed"' in sheet
    page = (await teacher.post(f"{path}/reissue", data={"value": "Leila"})).text
    assert "Leila" in page and "Layla Ahmed" in page and page.count("/certificates/files/") == 2
    (old,) = [unescape(url) for url in re.findall(r'href="(/certificates/files/[^"]*)"', page) if "-1.pdf" in url]
    assert b"Layla" in (await teacher.client.get(old)).content
    assert (await teacher.get(f"{path}/destroy")).status_code == 404
    assert (await teacher.get(path.replace(str(room.course), path[-36:]))).status_code == 404


async def test_the_settings_of_a_course(room: Classroom, app: Litestar, make_admin: MakeAdmin) -> None:
    teacher = await make_admin(81, Permission.TEACHING)
    listed = f"/admin/courses/{room.course}/certificates"
    for typed in ("0", "-4", "many", "10001"):
        refused = await teacher.post(f"{listed}/settings", data={"study_hours": typed})
        assert refused.status_code == 422, typed
    saved = await teacher.post(f"{listed}/settings", data={"study_hours": "١٤", "per_run": "on"})
    assert saved.status_code == 200 and "14 hours" in saved.text and "for each run" in saved.text
    form = (await teacher.get(f"{listed}/settings")).text
    assert 'value="14"' in form and " checked" in form
    student, _ = await _graduate(room)
    assert "14 hours" in (await _stranger(app, f"/verify/{await _issue(student)}")).text


async def test_access_that_ends_is_said(room: Classroom, app: Litestar) -> None:
    visitor, actor = await room.arrive(cents=3000)
    order, enrolment = await room.buy(actor, "feedback")
    await room.open(enrolment, 4)
    await room.read(actor, 1, 2, 3, 4)
    number = await _issue(visitor)
    await room.refund(order)
    assert "Certificate not valid" in (await _stranger(app, f"/verify/{number}")).text
    assert "Your access to the plan with this certificate has ended" in (await visitor.get(_PAGE)).text


async def test_sharing_asks_telegram_or_opens_its_link(room: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    student, _ = await _graduate(room)
    assert (await student.post(f"{_PAGE}/share")).status_code == 404
    number = await _issue(student)

    async def prepare(telegram_id: int, message: object) -> str | None:
        return None

    monkeypatch.setattr(room.services.certificates.asking._sharing, "prepare", prepare)
    answer = await student.post(f"{_PAGE}/share")
    assert answer.status_code == 204
    said = answer.headers["hx-trigger"]
    assert '"id":""' in said and f"verify%2F{number}" in said


async def test_other_standings(services: Services, room: Classroom) -> None:
    basic, _ = await _graduate(room, "basic")
    assert "Your plan has no certificate" in (await basic.get(_PAGE)).text
    stranger, _ = await room.arrive()
    assert "See plans" in (await stranger.get(_PAGE)).text
    assert (await stranger.get("/learn/nothing/certificate")).status_code == 404
    assert (await stranger.get(f"{_PAGE}?run=7")).status_code == 404
    student, actor = await _graduate(room)
    await services.identity.profile.set_language(actor, Locale.RU)
    assert "Имя в сертификате" in (await student.get(_PAGE)).text
