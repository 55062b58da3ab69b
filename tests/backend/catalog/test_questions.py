"""What may be asked at a purchase, and what answers it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalog.errors import OwnEditor, QuestionsEdited
from backend.catalog.rules.answers import check_questions, read_answers
from backend.catalog.types.questions import Option, Pattern, Question, QuestionKind
from backend.identity.types import Actor
from backend.infra.crypto import KeyRing
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import Invalid
from tests.factories.catalog import add_variant, buyer, catalog_services, import_rows, product

K = QuestionKind
SYSTEM = Actor.system()


def question(kind: QuestionKind = K.TEXT, **changes: Any) -> Question:
    """A question that must be answered."""
    return Question(**{"id": "acct", "kind": kind, "label": {"en": "Account"}, **changes})


CHOICE = question(K.CHOICE, options=(Option("eu", {"en": "Europe", "ru": "Европа"}), Option("us", {"en": "America"})))


@pytest.mark.parametrize(
    ("one", "typed", "stored"),
    [
        (question(), "  Nadia  ", "Nadia"),
        (question(), "=1+1", "=1+1"),
        (question(), "<b>bold</b>", "<b>bold</b>"),
        (question(pattern=Pattern.DIGITS), "٤٢", "42"),
        (question(pattern=Pattern.PHONE), "+971 (50) 123-45-67", "+971501234567"),
        (question(K.LONG_TEXT), "one\r\ntwo", "one\ntwo"),
        (question(K.EMAIL), "nadia@example.com", "nadia@example.com"),
        (question(K.NUMBER, minimum=1, maximum=50), "٥٠", "50"),
        (question(K.TELEGRAM), "https://t.me/nadia_b", "@nadia_b"),
        (question(K.TELEGRAM), "@nadia_b", "@nadia_b"),
        (question(K.LINK), "https://example.com/a?b=1", "https://example.com/a?b=1"),
        (CHOICE, "eu", "eu"),
        (question(K.YES_NO), "no", "no"),
    ],
)
def test_an_answer_is_kept_as_it_is_meant(one: Question, typed: str, stored: str) -> None:
    answers, wrong = read_answers([one], {"acct": typed})
    assert not wrong and answers[0].text == stored


@pytest.mark.parametrize(
    ("one", "typed", "code"),
    [
        (question(), "", "required"),
        (question(), "\u200b\u2060 ", "required"),
        (question(), "x" * 201, "too_long"),
        (question(K.LONG_TEXT), "x" * 1_000_000, "too_long"),
        (question(), "two\nlines", "bad_text"),
        (question(), "nul\0", "bad_text"),
        (question(pattern=Pattern.DIGITS), "12a", "bad_pattern"),
        (question(pattern=Pattern.PHONE), "123", "bad_pattern"),
        (question(K.EMAIL), "nadia@", "bad_email"),
        (question(K.EMAIL), "a@b@example.com", "bad_email"),
        (question(K.NUMBER, minimum=1), "0", "out_of_range"),
        (question(K.NUMBER), str(2**63), "not_a_number"),
        (question(K.NUMBER), "1e3", "not_a_number"),
        (question(K.TELEGRAM), "@нет", "bad_username"),
        (question(K.LINK), "javascript:alert(1)", "bad_link"),
        (question(K.LINK), "https://[", "bad_link"),
        (CHOICE, "Europe", "unknown_option"),
        (question(K.YES_NO), "maybe", "unknown_option"),
    ],
)
def test_what_is_wrong_with_an_answer(one: Question, typed: str, code: str) -> None:
    answers, wrong = read_answers([one], {"acct": typed})
    assert not answers and wrong == {"acct": code}


def test_an_answer_to_what_is_not_asked_is_refused_and_an_optional_one_may_be_left_out() -> None:
    answers, wrong = read_answers([question(required=False)], {"gone": "it was asked before", "empty": " "})
    assert answers == () and wrong == {"gone": "unknown_question"}


@given(st.sampled_from(list(QuestionKind)), st.text(max_size=300), st.sampled_from([None, *Pattern]))
def test_an_answer_that_is_kept_is_one_again(kind: QuestionKind, typed: str, pattern: Pattern | None) -> None:
    one = question(kind, pattern=pattern if kind is K.TEXT else None, options=CHOICE.options)
    answers, wrong = read_answers([one], {"acct": typed})
    assert len(answers) + len(wrong) == 1
    if answers:
        assert "\0" not in answers[0].text and len(answers[0].text) <= one.longest
        assert read_answers([one], {"acct": answers[0].text}) == (answers, {})


@pytest.mark.parametrize(
    ("questions", "fields"),
    [
        ([question(label={"ru": "Счёт"})], {"q1_label_en": "required"}),
        ([question(label={"en": "x" * 81})], {"q1_label_en": "too_long"}),
        ([question(K.NUMBER, minimum=5, maximum=4)], {"q1_maximum": "range"}),
        ([question(K.CHOICE, options=CHOICE.options[:1])], {"q1_options": "too_few"}),
        ([question(K.CHOICE, options=(Option("a", {"en": "A"}), Option("b", {"en": "a"})))], {"q1_option2_en": "same"}),
        ([question(), question()], {"q1_label_en": "invalid", "q2_label_en": "invalid"}),
        ([question(id=f"question{number}") for number in range(11)], {"questions": "too_many"}),
    ],
)
def test_what_may_not_be_asked(questions: list[Question], fields: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        check_questions(questions)
    assert refused.value.fields == fields


async def test_of_two_admins_one_changes_the_questions(real: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(real, ring)
    await add_variant(services)
    product_id = (await services.storefront.product(buyer(), "card")).id
    done = await asyncio.gather(
        *(
            services.questions.save(SYSTEM, product_id, [question(label={"en": label})], version=0)
            for label in ("One", "Two")
        ),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", QuestionsEdited.__name__]
    _, stored = await services.questions.get(SYSTEM, product_id)
    assert stored.version == 1 and len(stored.questions) == 1
    await services.questions.save(SYSTEM, product_id, stored.questions, version=0)  # the same again


async def test_of_a_course_nothing_is_asked(uow: UnitOfWork, ring: KeyRing) -> None:
    services = catalog_services(uow, ring)
    await add_variant(services)
    product_id = (await services.storefront.product(buyer(), "card")).id
    await import_rows(services, [product("card", kind="course")])
    with pytest.raises(OwnEditor):
        await services.questions.save(SYSTEM, product_id, [question()], version=0)
