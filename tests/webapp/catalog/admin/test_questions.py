"""Questions at purchase: edited in the back office, asked in the shop, read in the order."""

from __future__ import annotations

import re

from backend.bootstrap import Services
from backend.catalog.types.questions import Option, Question, QuestionKind
from backend.identity.types import Actor, Permission
from tests.factories.shop import Goods
from tests.webapp.back_office import MakeAdmin
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, field, goods, plain

K = QuestionKind
MAIL = Question(id="mail", kind=K.EMAIL, label={"en": "E-mail", "ru": "Почта"}, hint={"en": "We write to it"})
SERVER = Question(
    id="server", kind=K.CHOICE, label={"en": "Server"}, required=False,
    options=(Option("eu", {"en": "Europe"}), Option("us", {"en": "<b>America</b>"})),
)  # fmt: skip
FORM = {"questions": "1", "q1_id": "mail", "q1_kind": "email", "q1_label_en": "E-mail", "q1_required": "on"}


async def ask(services: Services, thing: Goods, *questions: Question, version: int = 0) -> None:
    """Ask these questions from now on."""
    await services.catalog.questions.save(Actor.system(), thing.product_id, questions, version=version)


def name_of(thing: Goods, question: Question) -> str:
    """The name of a field of the sheet."""
    return f"a-{thing.variant_id.hex}-{question.id}"


async def test_questions_are_made_moved_and_removed_without_a_reload(services: Services, make_admin: MakeAdmin) -> None:
    thing, page = await goods(services), await make_admin(95, Permission.CATALOGUE)
    path = f"/admin/catalogue/products/{thing.product_id}/questions"
    assert "Add a question" in plain((await page.get(path)).text)
    added = (await page.post(f"{path}/form", data={"act": "add:choice", "questions": "0"})).text
    assert 'name="q1_kind" value="choice"' in added and added.count("_option") > 1 and "<html" not in added
    two = {**FORM, "questions": "2", "q2_id": "note", "q2_kind": "long_text", "q2_label_en": "Note"}
    moved = (await page.post(f"{path}/form", data={**two, "act": "up:2"})).text
    assert moved.index('value="note"') < moved.index('value="mail"')
    saved = await page.post(path, data={**two, "version": "0"})
    assert saved.status_code == 200 and "As buyers see it" in plain(saved.text)
    _, stored = await services.catalog.questions.get(Actor.system(), thing.product_id)
    assert [(one.id, one.kind, one.required) for one in stored.questions] == [
        ("mail", K.EMAIL, True), ("note", K.LONG_TEXT, False),
    ]  # fmt: skip
    gone = (await page.post(f"{path}/form", data={**two, "act": "remove:1"})).text
    assert 'value="mail"' not in gone


async def test_the_later_of_two_admins_sees_what_is_asked_now(services: Services, make_admin: MakeAdmin) -> None:
    thing, page = await goods(services), await make_admin(95, Permission.CATALOGUE)
    path = f"/admin/catalogue/products/{thing.product_id}/questions"
    await ask(services, thing, SERVER)
    late = await page.post(path, data={**FORM, "version": "0"})
    assert late.status_code == 409 and "Another admin has changed these questions" in plain(late.text)
    assert "Server" in late.text and 'value="E-mail"' in late.text and field(late, "version") == "1"
    wrong = await page.post(path, data={**FORM, "q1_label_en": "", "q1_label_ru": "Почта", "version": "1"})
    assert wrong.status_code == 422 and "Fill this in." in wrong.text and "Почта" in wrong.text
    assert (await page.get(path)).text.count("<b>America") == 0


async def test_a_buyer_answers_in_the_sheet_and_reads_it_in_the_order(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services)
    await ask(services, thing, MAIL, SERVER)
    person = visitor(71)
    await arrive(services, person, 5000)
    sheet = await person.get(f"/shop/{thing.slug}/confirm", params={"variant": str(thing.variant_id)})
    assert "E-mail" in sheet.text and "We write to it" in sheet.text and "hx-preserve" in sheet.text
    assert "&lt;b&gt;America" in sheet.text and 'id="purchase"' in sheet.text
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), "total": field(sheet, "total")}
    bad = await person.post(
        "/orders", data={**data, name_of(thing, MAIL): "nadia at home", name_of(thing, SERVER): "us"}
    )
    assert bad.status_code == 422 and bad.headers["x-error-code"] == "answers_invalid"
    assert "Enter an e-mail address" in bad.text and 'value="nadia at home"' in bad.text
    assert re.search(r'value="us" selected', bad.text) and "hx-preserve" not in bad.text
    good = {name_of(thing, MAIL): "nadia@example.com", name_of(thing, SERVER): "us"}
    bought = await person.post("/orders", data={**data, "intent": field(bad, "intent"), **good})
    assert bought.status_code == 200 and "Your answers" in plain(bought.text)
    assert "nadia@example.com" in bought.text and "&lt;b&gt;America" in bought.text
    again = await person.get(f"/shop/{thing.slug}/confirm", params={"variant": str(thing.variant_id)})
    assert "nadia@example.com" not in again.text


async def test_a_question_removed_meanwhile_asks_for_a_new_yes(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services)
    await ask(services, thing, MAIL)
    person = visitor(72)
    await arrive(services, person, 5000)
    sheet = await person.get(f"/shop/{thing.slug}/confirm", params={"variant": str(thing.variant_id)})
    await ask(services, thing, version=1)
    data = {"variant": str(thing.variant_id), "intent": field(sheet, "intent"), name_of(thing, MAIL): "n@example.com"}
    refused = await person.post("/orders", data=data)
    assert refused.status_code == 422 and "E-mail" not in refused.text
    bought = await person.post("/orders", data={"variant": str(thing.variant_id), "intent": field(refused, "intent")})
    assert bought.status_code == 200 and "Your answers" not in plain(bought.text)


async def test_an_answer_of_a_megabyte_is_refused_and_not_sent_back_whole(
    services: Services, visitor: MakeVisitor
) -> None:
    thing = await goods(services)
    await ask(services, thing, MAIL)
    person = visitor(73)
    await arrive(services, person, 5000)
    data = {"variant": str(thing.variant_id), "intent": "intent-of-a-megabyte", name_of(thing, MAIL): "x" * 1_000_000}
    refused = await person.post("/orders", data=data)
    assert refused.status_code in {413, 422} and len(refused.text) < 100_000


async def test_each_line_of_a_cart_is_asked_for_itself(services: Services, visitor: MakeVisitor) -> None:
    one, other = await goods(services), await goods(services)
    await ask(services, one, MAIL)
    note = Question(id="note", kind=K.LONG_TEXT, label={"en": "Note"})
    await ask(services, other, SERVER, note)
    person = visitor(74)
    await arrive(services, person, 9000)
    for thing in (one, other):
        await person.post("/cart", data={"variant": str(thing.variant_id)})
    sheet = await person.get("/cart/checkout")
    assert name_of(one, MAIL) in sheet.text and name_of(other, SERVER) in sheet.text
    data = {name: field(sheet, name) for name in ("intent", "lines", "cart", "total")}
    bad = await person.post("/cart/orders", data={**data, name_of(one, MAIL): "n@example.com"})
    assert bad.status_code == 422 and "Fill this in." in bad.text and 'value="n@example.com"' in bad.text
    data |= {name: field(bad, name) for name in ("intent", "lines", "cart", "total")}
    answers = {
        name_of(one, MAIL): "n@example.com",
        name_of(other, Question(id="note", kind=K.TEXT, label={})): "Hi\n=1",
    }
    bought = await person.post("/cart/orders", data={**data, **answers})
    assert bought.status_code == 200 and "n@example.com" in bought.text and "=1" in bought.text


async def test_the_api_asks_and_shows_too(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services)
    await ask(services, thing, MAIL)
    person = visitor(75)
    await arrive(services, person, 5000)
    body = {"variant_id": str(thing.variant_id)}
    headers = {"Idempotency-Key": "by-the-api-1"}
    refused = await person.post("/api/v1/orders", json=body, headers=headers, html=False)
    assert refused.status_code == 400 and refused.json()["error"]["code"] == "answers_invalid"
    assert refused.json()["error"]["params"]["fields"] == {f"{thing.variant_id}.mail": "required"}
    placed = await person.post(
        "/api/v1/orders", json={**body, "answers": {"mail": "n@example.com"}}, headers=headers, html=False
    )
    assert placed.status_code == 201, placed.text
    order = (await person.get(f"/api/v1/orders/{placed.json()['number']}", html=False)).json()
    assert order["lines"][0]["answers"] == [{"question_id": "mail", "label": "E-mail", "text": "n@example.com"}]
    reused = await person.post(
        "/api/v1/orders", json={**body, "answers": {"mail": "o@example.com"}}, headers=headers, html=False
    )
    assert reused.status_code == 409


async def test_who_prepares_it_reads_the_answers(
    services: Services, visitor: MakeVisitor, make_admin: MakeAdmin
) -> None:
    thing = await goods(services, kind="by_hand", keys=0)
    await ask(services, thing, MAIL)
    person, admin = visitor(76), await make_admin(96, Permission.ORDERS)
    actor = await arrive(services, person, 5000)
    order = await services.orders.checkout.place(
        actor, thing.variant_id, 1, "by-hand-please", answers=[("mail", "n@example.com")]
    )
    for path in (f"/admin/orders/{order.number}", f"/admin/orders/work/{order.lines[0].id}"):
        shown = await admin.get(path)
        assert "The customer's answers" in plain(shown.text) and "n@example.com" in shown.text
    assert len(await services.orders.answers.of_line(Actor.system(), order.lines[0].id)) == 1
