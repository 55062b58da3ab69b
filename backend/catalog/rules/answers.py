"""Pure decisions about questions at purchase: which may be asked, and what answers them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from backend.catalog.types.questions import (
    LARGEST_NUMBER,
    LONGEST_HINT,
    LONGEST_LABEL,
    MOST_OPTIONS,
    MOST_QUESTIONS,
    Answer,
    Pattern,
    Question,
    QuestionKind,
)
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale, ascii_digits, visible

_K: Final = QuestionKind
_ID: Final = re.compile(r"[a-z0-9]{4,40}")
# None of these can take long: no repetition inside a repetition.
_EMAIL: Final = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,180}\.[^\W\d_]{2,24}")
_TELEGRAM: Final = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{3,31})")
_TELEGRAM_LINK: Final = re.compile(r"(?:https?://)?(?:t|telegram)\.me/([A-Za-z][A-Za-z0-9_]{3,31})/?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?\d{1,16}")
_PATTERNS: Final = {
    Pattern.DIGITS: re.compile(r"\d{1,200}"),
    Pattern.LATIN: re.compile(r"[A-Za-z0-9._-]{1,200}"),
    Pattern.PHONE: re.compile(r"\+?\d{7,15}"),
}
_YES: Final = {"yes": "yes", "no": "no"}
YES_NO_WORDS: Final = {
    "yes": {Locale.EN.value: "Yes", Locale.AR.value: "نعم", Locale.RU.value: "Да"},
    "no": {Locale.EN.value: "No", Locale.AR.value: "لا", Locale.RU.value: "Нет"},
}


def check_questions(questions: Sequence[Question]) -> None:
    """Whether a seller may ask this. Raises Invalid, its fields named by place (from 1): ``q1_label_en``.

    Codes: ``required``, ``too_long``, ``too_many``, ``too_few``, ``same``, ``range``, ``invalid``.
    """
    wrong: dict[str, str] = {}
    if len(questions) > MOST_QUESTIONS:
        wrong["questions"] = "too_many"
    ids = Counter(one.id for one in questions)
    for number, one in enumerate(questions, start=1):
        if not _ID.fullmatch(one.id) or ids[one.id] > 1:
            wrong[f"q{number}_label_en"] = "invalid"
        wrong |= {f"q{number}_{name}": code for name, code in _wrong(one).items()}
    if wrong:
        raise Invalid(f"questions: {wrong}", fields=wrong)


def _wrong(one: Question) -> dict[str, str]:
    wrong = {} if one.label.get(Locale.EN) else {"label_en": "required"}
    for name, texts, longest in (("label", one.label, LONGEST_LABEL), ("hint", one.hint, LONGEST_HINT)):
        wrong |= {f"{name}_{locale}": "too_long" for locale, text in texts.items() if len(text) > longest}
    if one.kind is _K.NUMBER:
        limits = [limit for limit in (one.minimum, one.maximum) if limit is not None]
        if any(abs(limit) > LARGEST_NUMBER for limit in limits) or limits != sorted(limits):
            wrong["maximum"] = "range"
    if one.kind is _K.CHOICE:
        wrong |= _wrong_options(one)
    return wrong


def _wrong_options(one: Question) -> dict[str, str]:
    if len(one.options) < 2:
        return {"options": "too_few"}
    if len(one.options) > MOST_OPTIONS:
        return {"options": "too_many"}
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    for number, option in enumerate(one.options, start=1):
        text = option.label.get(Locale.EN, "")
        if not text or text.casefold() in seen:
            wrong[f"option{number}_en"] = "same" if text else "required"
        seen.add(text.casefold())
        wrong |= {
            f"option{number}_{code}": "too_long" for code, said in option.label.items() if len(said) > LONGEST_LABEL
        }
    if len({option.id for option in one.options}) < len(one.options):
        wrong["options"] = "invalid"
    return wrong


def read_answers(questions: Sequence[Question], given: Mapping[str, str]) -> tuple[tuple[Answer, ...], dict[str, str]]:
    """The answers in the order of the questions, and what is wrong by the question's id.

    Codes: ``required``, ``too_long``, ``bad_text``, ``bad_email``, ``bad_username``, ``bad_link``, ``not_a_number``,
    ``out_of_range``, ``bad_pattern``, ``unknown_option``, ``unknown_question``.
    """
    known = {one.id for one in questions}
    wrong = {name: "unknown_question" for name, text in given.items() if name not in known and text.strip()}
    answers: list[Answer] = []
    for one in questions:
        text = given.get(one.id, "").strip()
        if one.kind not in {_K.TEXT, _K.LONG_TEXT} or not visible(text).strip():
            text = visible(text).strip()  # in words, invisible signs join letters and emoji
        if not text:
            if one.required:
                wrong[one.id] = "required"
            continue
        try:
            answers.append(_read(one, text))
        except ValueError as error:
            wrong[one.id] = str(error)
    return tuple(answers), wrong


def _read(one: Question, text: str) -> Answer:
    """The answer in a text. Raises ValueError with a code."""
    if len(text) > one.longest:
        raise ValueError("too_long")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    allowed = "\n\t" if one.kind is _K.LONG_TEXT else ""
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} and sign not in allowed for sign in text):
        raise ValueError("bad_text")
    if one.kind is _K.CHOICE:
        option = next((item for item in one.options if item.id == text), None)
        if option is None:
            raise ValueError("unknown_option")
        return Answer(one.id, one.kind, one.label, text, option.label)
    if one.kind is _K.YES_NO:
        if text not in _YES:
            raise ValueError("unknown_option")
        return Answer(one.id, one.kind, one.label, text, YES_NO_WORDS[text])
    return Answer(one.id, one.kind, one.label, _plain(one, text))


def _plain(one: Question, text: str) -> str:
    """A typed answer as it is kept. Raises ValueError with a code."""
    if one.kind is _K.EMAIL:
        if not _EMAIL.fullmatch(text):
            raise ValueError("bad_email")
    elif one.kind is _K.TELEGRAM:
        named = _TELEGRAM.fullmatch(text) or _TELEGRAM_LINK.fullmatch(text)
        if named is None:
            raise ValueError("bad_username")
        return f"@{named[1]}"
    elif one.kind is _K.LINK:
        _check_link(text)
    elif one.kind is _K.NUMBER:
        return str(_number(one, text))
    elif one.pattern is not None:
        plain = ascii_digits(text)
        plain = re.sub(r"[ ()-]", "", plain) if one.pattern is Pattern.PHONE else plain
        if not _PATTERNS[one.pattern].fullmatch(plain):
            raise ValueError("bad_pattern")
        return plain
    return text


def _check_link(text: str) -> None:
    try:
        parts = urlsplit(text)
        named = parts.hostname
    except ValueError:
        named = None
    if named is None or parts.scheme not in {"http", "https"} or "." not in named or any(map(str.isspace, text)):
        raise ValueError("bad_link")


def _number(one: Question, text: str) -> int:
    plain = ascii_digits(text)
    if not _NUMBER.fullmatch(plain):
        raise ValueError("not_a_number")
    value = int(plain)
    low, high = one.minimum, one.maximum
    if not (-LARGEST_NUMBER if low is None else low) <= value <= (LARGEST_NUMBER if high is None else high):
        raise ValueError("out_of_range")
    return value
