"""Session tokens and signed addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from backend.identity.types import Actor
from backend.kernel.errors import AppError, Forbidden, Kind
from backend.kernel.ids import UserId, new_id
from backend.kernel.text import Locale
from tests.fakes.clock import FakeClock
from webapp.core.session import LinkExpired, SessionExpired, SessionTokens, SignedAddresses, Unauthenticated

SECRET = "tests-sign-with-this-and-nobody-else-does"
LIFE = 86_400


def _actor(role_version: int = 3) -> Actor:
    return Actor(
        user_id=UserId(new_id()),
        telegram_id=42,
        first_name="Layla",
        language=Locale.EN,
        timezone="UTC",
        role_version=role_version,
    )


@pytest.fixture
def tokens(clock: FakeClock) -> SessionTokens:
    """Tokens that live a day."""
    return SessionTokens(SECRET, clock, lifetime=LIFE)


def test_a_token_says_who_and_at_which_rights(tokens: SessionTokens, clock: FakeClock) -> None:
    actor = _actor()
    session = tokens.read(tokens.issue(actor))
    assert (session.user_id, session.role_version) == (actor.user_id, 3)
    assert session.login_at == session.issued_at == int(clock.now().timestamp())


def test_the_system_gets_none(tokens: SessionTokens) -> None:
    with pytest.raises(Forbidden):
        tokens.issue(Actor.system())


def test_a_token_ends_with_its_life_even_when_remembered(tokens: SessionTokens, clock: FakeClock) -> None:
    token = tokens.issue(_actor())
    clock.move(seconds=LIFE - 2)
    tokens.read(token)
    clock.move(seconds=4)
    for _ in range(2):
        with pytest.raises(SessionExpired):
            tokens.read(token)
    with pytest.raises(SessionExpired):
        SessionTokens(SECRET, clock, lifetime=LIFE).read(token)


def test_a_token_from_the_future_is_none(tokens: SessionTokens, clock: FakeClock) -> None:
    clock.move(hours=2)
    token = tokens.issue(_actor())
    clock.move(hours=-2)
    with pytest.raises(SessionExpired):
        tokens.read(token)


def test_use_renews_in_the_second_half_and_not_for_ever(tokens: SessionTokens, clock: FakeClock) -> None:
    actor = _actor()
    token = tokens.issue(actor)
    clock.move(seconds=LIFE // 2 - 2)
    assert tokens.renewed(tokens.read(token)) is None
    clock.move(seconds=4)
    renewed = tokens.renewed(tokens.read(token))
    assert renewed is not None
    assert renewed != token
    session = tokens.read(renewed)
    assert (session.user_id, session.role_version) == (actor.user_id, 3)
    assert session.login_at < session.issued_at
    count = 0
    while renewed is not None:
        clock.move(seconds=LIFE * 0.9)
        renewed = tokens.renewed(tokens.read(renewed))
        count += 1
    assert 5 <= count <= 9


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 10_000, "ü", "null", "a.b.c.d.e"])
def test_nonsense_is_refused(tokens: SessionTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.read(token)


def test_every_changed_character_is_noticed(tokens: SessionTokens, clock: FakeClock) -> None:
    token = tokens.issue(_actor())
    for at, old in enumerate(token[:-1]):  # the last character holds idle bits of base64
        changed = token[:at] + ("A" if old != "A" else "B") + token[at + 1 :]
        with pytest.raises(Unauthenticated):
            tokens.read(changed)
    with pytest.raises(Unauthenticated):
        SessionTokens(SECRET + "!", clock, lifetime=LIFE).read(token)
    with pytest.raises(Unauthenticated):  # the same secret, used for something else
        tokens.read(TimestampSigner(SECRET, salt="other").sign(token.rsplit(".", 2)[0]).decode())


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    tokens = SessionTokens(SECRET, FakeClock(), lifetime=LIFE)
    with pytest.raises(AppError) as caught:
        tokens.read(text)
    assert caught.value.kind is Kind.UNAUTHENTICATED


def _split(url: str) -> tuple[str, str]:
    path, _, query = url.partition("?")
    return path, query


def test_an_address_is_bound_to_path_query_person_and_time(clock: FakeClock) -> None:
    addresses, actor = SignedAddresses(SECRET, clock), _actor()
    for target in ("/orders/ABC/keys.txt", "/wallet/history.csv?kind=all&month=2026-11"):
        path, query = _split(addresses.sign(target, actor, seconds=60))
        address = addresses.verify(path, query)
        assert (address.user_id, address.role_version) == (actor.user_id, 3)
        for other_path, other_query in (
            (path + "x", query),
            (path, "x=1&" + query),
            (path, query + "&x=1"),
            (path, query[:-2] + ("AA" if not query.endswith("AA") else "BB")),
            (path, ""),
            (path, "t="),
            (path, "t=" + "." * 40),
            (path, "t=" + "x" * 5000),
            (path, "t=ü"),
            (path, query.replace("t=", "t=" + "0" * 32 + ".3.", 1)),
        ):
            with pytest.raises(LinkExpired):
                addresses.verify(other_path, other_query)
    clock.move(seconds=61)
    with pytest.raises(LinkExpired):
        addresses.verify(path, query)


def test_a_session_token_is_no_address_and_no_address_a_token(clock: FakeClock) -> None:
    tokens, addresses, actor = SessionTokens(SECRET, clock, lifetime=LIFE), SignedAddresses(SECRET, clock), _actor()
    with pytest.raises(LinkExpired):
        addresses.verify("/x", "t=" + tokens.issue(actor))
    with pytest.raises(Unauthenticated):
        tokens.read(addresses.sign("/x", actor).partition("t=")[2])


def test_pictures_keep_their_address_for_hours(clock: FakeClock) -> None:
    addresses = SignedAddresses(SECRET, clock)
    first = addresses.sign_media("a.webp")
    assert addresses.verify(*_split(first)).user_id is None
    assert len({addresses.sign_media("a.webp") for _ in range(3) if clock.move(seconds=5) is None}) <= 2  # type: ignore[func-returns-value]
    clock.move(hours=12)
    assert addresses.sign_media("a.webp") != first
    clock.move(hours=24)
    with pytest.raises(LinkExpired):
        addresses.verify(*_split(first))


@given(st.text(max_size=60), st.text(max_size=120))
def test_any_address_is_refused(path: str, query: str) -> None:
    with pytest.raises(LinkExpired):
        SignedAddresses(SECRET, FakeClock()).verify(path, query)
