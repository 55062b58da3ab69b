"""initData: what Telegram signs is taken, everything else is refused in one way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from aiogram.utils.web_app import safe_parse_webapp_init_data
from aiogram.utils.web_app_signature import safe_check_webapp_init_data_from_signature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from backend.kernel.errors import AppError, Kind
from tests.factories.init_data import Pairs, encode, hash_of, init_data, sign, signature_of, user_json
from webapp.core.session import MAX_INIT_DATA, InitDataCheck, InitDataExpired, Unauthenticated

TOKEN = "7000000001:TEST-token-of-the-simulated-bot-AAAA"
NOW = 1_800_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()


class _Clock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW, UTC)


CHECK = InitDataCheck(TOKEN, _Clock(), max_age=3600)
STRICT = InitDataCheck(TOKEN, _Clock(), max_age=3600, ed25519_key=PUBLIC)


def good(**more: object) -> str:
    return init_data(TOKEN, NOW, **more)  # type: ignore[arg-type]


def test_a_good_one_names_the_person() -> None:
    contact = CHECK.contact(
        good(first_name="Лейла ليلى 🌙", last_name="A+B & C=D", username="layla", is_premium=True,
             photo_url="https://t.me/i/userpic/320/a.svg", language_code="ar", extra={"start_param": "ref_1"}),
        timezone="Africa/Cairo",
    )  # fmt: skip
    assert contact.telegram_id == 42
    assert contact.first_name == "Лейла ليلى 🌙"
    assert contact.last_name == "A+B & C=D"
    assert contact.photo_url == "https://t.me/i/userpic/320/a.svg"
    assert (contact.start_param, contact.timezone, contact.is_premium) == ("ref_1", "Africa/Cairo", True)


@pytest.mark.parametrize("quoting", [quote, quote_plus])
@pytest.mark.parametrize("slashes", [True, False])
@pytest.mark.parametrize("order", ["given", "reversed", "sorted"])
def test_foreign_encodings_are_understood(quoting: object, slashes: bool, order: str) -> None:
    pairs: Pairs = [
        ("query_id", "AAH"),
        (
            "user",
            user_json(slashes=slashes, first_name="Ann Mary", photo_url="https://t.me/x.jpg", new={"a": [1]}),
        ),
        ("receiver", '{"id":7,"first_name":"Bot"}'),
        ("chat_instance", "-3788475317572404878"),
        ("chat_type", "private"),
        ("future_field", "a=b?c"),
        ("auth_date", str(NOW)),
    ]
    pairs.append(("signature", signature_of(pairs, TOKEN, KEY)))
    pairs.append(("hash", hash_of(pairs, TOKEN)))
    ordered = {"given": pairs, "reversed": pairs[::-1], "sorted": sorted(pairs)}[order]
    text = encode(ordered, quoting)  # type: ignore[arg-type]
    assert STRICT.contact(text).first_name == "Ann Mary"
    # The stricter the better, but never stricter than Telegram's own rules as aiogram reads them.
    assert safe_parse_webapp_init_data(TOKEN, text).user is not None
    assert safe_check_webapp_init_data_from_signature(7000000001, text, KEY.public_key().public_bytes_raw())


def test_the_published_shape_by_the_standard_library_is_taken() -> None:
    fields = dict(parse_qsl(good()))
    assert CHECK.contact(urlencode(fields)).telegram_id == 42


def _pairs(**changes: str | None) -> Pairs:
    fields: dict[str, str | None] = {"user": user_json(), "auth_date": str(NOW), "query_id": "AAH", **changes}
    return [(name, value) for name, value in fields.items() if value is not None]


def _flip(text: str, at: int) -> str:
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


WRONG: dict[str, str] = {
    "empty": "",
    "nonsense": "hello",
    "no fields": "&&&",
    "no hash": encode(_pairs()),
    "empty hash": encode(_pairs()) + "&hash=",
    "short hash": good()[:-1],
    "long hash": good() + "0",
    "tampered hash": _flip(good(), -1 + len(good())),
    "upper-case hash": good()[:-64] + good()[-64:].upper(),
    "non-ASCII hash": good()[:-64] + quote("ü" * 64),
    "raw non-ASCII": good() + "é",
    "hash with a line feed": good() + "%0A",
    "tampered name": good().replace("Layla", "Leyla"),
    "another id": good().replace("42", "43"),
    "another bot": init_data("7000000001:another", NOW),
    "token's parts swapped": init_data(TOKEN[::-1], NOW),
    "added field": good() + "&admin=1",
    "removed field": good().replace("query_id=AAHdF6IQAAAAAN0XohDhrOrc&", ""),
    "hash twice": good() + "&hash=" + good()[-64:],
    "user twice": good() + "&user=" + quote(user_json(43)),
    "auth_date twice": f"auth_date={NOW}&" + good(),
    "a field twice, signed so": sign([*_pairs(), ("query_id", "AAH")], TOKEN),
    "an empty segment": good().replace("&", "&&", 1),
    "a segment without a value": good() + "&x",
    "a nameless field": good() + "&=x",
    "an escaped name": good().replace("user=", "%75ser="),
    "a cut escape": good() + "%",
    "a bad escape": good() + "&x=%zz",
    "half an escape": good() + "&x=%4",
    "not UTF-8": good() + "&x=%ff%fe",
    "overlong UTF-8": good() + "&x=%c0%af",
    "a NUL": sign(_pairs(query_id="a\0b"), TOKEN),
    "fields hidden in a line feed": sign([("auth_date", f"{NOW}\nquery_id=AAH"), ("user", user_json())], TOKEN),
    "too many fields": sign([*_pairs(), *((f"f{n}", "") for n in range(60))], TOKEN),
    "too long": sign(_pairs(query_id="x" * MAX_INIT_DATA), TOKEN),
    "no auth_date": sign(_pairs(auth_date=None), TOKEN),
    "empty auth_date": sign(_pairs(auth_date=""), TOKEN),
    "auth_date no number": sign(_pairs(auth_date="yesterday"), TOKEN),
    "auth_date negative": sign(_pairs(auth_date="-1"), TOKEN),
    "auth_date signed": sign(_pairs(auth_date=f"+{NOW}"), TOKEN),
    "auth_date with a fraction": sign(_pairs(auth_date=f"{NOW}.5"), TOKEN),
    "auth_date with a space": sign(_pairs(auth_date=f" {NOW}"), TOKEN),
    "auth_date in Arabic digits": sign(_pairs(auth_date="١٨٠٠٠٠٠٠٠٠"), TOKEN),
    "auth_date huge": sign(_pairs(auth_date="9" * 400), TOKEN),
    "auth_date 1e9": sign(_pairs(auth_date="1e9"), TOKEN),
    "auth_date underscored": sign(_pairs(auth_date="1_800_000_000"), TOKEN),
    "auth_date in milliseconds": sign(_pairs(auth_date=str(NOW * 1000)), TOKEN),
    "the future": sign(_pairs(auth_date=str(NOW + 31)), TOKEN),
    "no user": sign(_pairs(user=None), TOKEN),
    "empty user": sign(_pairs(user=""), TOKEN),
    "user no JSON": sign(_pairs(user="{"), TOKEN),
    "user a list": sign(_pairs(user="[]"), TOKEN),
    "user null": sign(_pairs(user="null"), TOKEN),
    "user without id": sign(_pairs(user='{"first_name":"x"}'), TOKEN),
    "user id a text": sign(_pairs(user='{"id":"42","first_name":"x"}'), TOKEN),
    "user id null": sign(_pairs(user='{"id":null}'), TOKEN),
    "user id zero": sign(_pairs(user=user_json(0)), TOKEN),
    "user id negative": sign(_pairs(user=user_json(-42)), TOKEN),
    "user id huge": sign(_pairs(user=user_json(2**63)), TOKEN),
    "user id beyond a double": sign(_pairs(user=user_json(10**40)), TOKEN),
    "a bot": sign(_pairs(user=user_json(is_bot=True)), TOKEN),
    "deep JSON": sign(_pairs(user='{"id":42,"x":' + "[" * 1100 + "]" * 1100 + "}"), TOKEN),
    "first_name a number": sign(_pairs(user='{"id":42,"first_name":7}'), TOKEN),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_ones_are_refused(case: str) -> None:
    for check in (CHECK, STRICT):
        with pytest.raises(Unauthenticated) as caught:
            check.contact(WRONG[case])
        assert type(caught.value) is Unauthenticated
        assert caught.value.kind is Kind.UNAUTHENTICATED


@pytest.mark.parametrize(("age", "taken"), [(0, True), (3600, True), (-30, True), (3601, False), (10**9, False)])
def test_age_is_judged_after_the_hash(age: int, taken: bool) -> None:
    text = init_data(TOKEN, NOW - age)
    if taken:
        assert CHECK.contact(text).telegram_id == 42
        return
    with pytest.raises(InitDataExpired):
        CHECK.contact(text)
    with pytest.raises(Unauthenticated):  # a forged old one learns nothing about its age
        CHECK.contact(_flip(text, len(text) - 1))


UNSIGNED = ["", "x", "A" * 86, "A" * 85, "=" * 4, "ü" * 86, "A" * 4000, "/+" * 43, "%", signature_of([], TOKEN, KEY)]


@pytest.mark.parametrize("signature", UNSIGNED)
def test_a_wrong_signature_is_refused_where_the_key_is_known(signature: str) -> None:
    text = sign([*_pairs(), ("signature", signature)], TOKEN)
    with pytest.raises(Unauthenticated):
        STRICT.contact(text)
    if len(text) <= MAX_INIT_DATA:
        assert CHECK.contact(text).telegram_id == 42  # the HMAC alone decides where no key is configured


def test_a_right_signature_is_checked_and_a_missing_one_is_allowed() -> None:
    assert STRICT.contact(good(key=KEY)).telegram_id == 42
    assert STRICT.contact(good()).telegram_id == 42
    other = Ed25519PrivateKey.generate()
    with pytest.raises(Unauthenticated):
        STRICT.contact(good(key=other))
    # Both are needed: Telegram's signature does not save a hash of another bot.
    pairs = _pairs()
    pairs.append(("signature", signature_of(pairs, TOKEN, KEY)))
    with pytest.raises(Unauthenticated):
        STRICT.contact(sign(pairs, "7000000001:another"))


def test_telegrams_own_key_is_a_key() -> None:
    published = "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"
    check = InitDataCheck(TOKEN, _Clock(), max_age=3600, ed25519_key=published)
    with pytest.raises(Unauthenticated):
        check.contact(good(key=KEY))


FIELD = st.text(max_size=40)


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(AppError) as caught:
        STRICT.contact(text)
    assert caught.value.kind is Kind.UNAUTHENTICATED


@given(st.binary(max_size=200), st.integers(0, 600))
def test_any_damage_is_refused(noise: bytes, at: int) -> None:
    text = good(key=KEY)
    at = min(at, len(text))
    damaged = text[:at] + noise.decode("latin-1") + text[at + len(noise) :]
    if damaged == text:
        return
    try:
        contact = STRICT.contact(damaged)
    except AppError as error:
        assert error.kind is Kind.UNAUTHENTICATED
    else:  # the same fields, written otherwise (%2f for %2F)
        assert dict(parse_qsl(damaged, keep_blank_values=True)) == dict(parse_qsl(text, keep_blank_values=True))
        assert contact == STRICT.contact(text)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), FIELD, max_size=8), st.booleans())
def test_any_signed_fields_end_in_a_person_or_a_refusal(fields: dict[str, str], with_user: bool) -> None:
    fields.pop("hash", None)
    if with_user:
        fields |= {"user": user_json(), "auth_date": str(NOW)}
    try:
        text = sign(list(fields.items()), TOKEN)
    except UnicodeEncodeError:
        return
    try:
        contact = STRICT.contact(text)
    except AppError as error:
        assert error.kind is Kind.UNAUTHENTICATED
    else:
        assert contact.telegram_id == 42


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["id", "first_name", "last_name", "is_bot", "is_premium", "photo_url", "x"]), JSON)
)
def test_any_signed_user_ends_in_a_person_or_a_refusal(user: dict[str, object]) -> None:
    text = sign(_pairs(user=json.dumps(user)), TOKEN)
    try:
        contact = CHECK.contact(text)
    except AppError as error:
        assert error.kind is Kind.UNAUTHENTICATED
    else:
        assert 0 < contact.telegram_id < 2**52
