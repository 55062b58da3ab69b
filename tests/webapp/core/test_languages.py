"""Every screen has the same elements in each language: only words, direction and the size of what is said differ.

So Chromium needs to look at the structure of a screen in one language only (tests/browser/test_accessibility.py). And
what a tap brings is small in each of them.
"""

from __future__ import annotations

import difflib
import gzip
import itertools
import os
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import msgspec
import pytest

from backend.bootstrap import build
from backend.demo.load import load_demo_codes, load_demo_course, load_demo_shop
from backend.infra.settings import Settings
from tests import servers
from tests.bot.telegram import telegram_running
from tests.browser.screens import screens
from tests.browser.screens.world import PEOPLE, make_world
from tests.browser.stack import Stack, shop_settings
from tests.browser.telegram import Person
from tests.factories.identity import person
from tests.fakes import evm
from tests.fakes.clock import FakeClock
from tests.webapp.client import Visitor, browser
from webapp.asgi import create_app

_FRAGMENT = 6_000
"""Bytes of a screen, compressed."""
_SAME = ("class", "type", "role", "name", "id", "for", "href", "hx-get", "hx-post", "hx-target")
"""The attributes whose values are the same too."""
_SET_OFF = {"bdi", "small", "mark"}
"""They set off a currency's symbol in some languages, or what was searched for where a language's words have it."""
_BY_ITSELF = ("load", "input", "intersect", "revealed", "live")
"""How triggers of requests begin that nobody asks for with a tap."""
_OPEN = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "path"}


class Answer(msgspec.Struct, frozen=True):
    """What came for a screen: the status, the elements, a line each, and the bytes after compression.

    ``shared``: the requests of their own that elements in a form make as the form does.
    """

    status: int
    elements: list[str]
    size: int
    shared: list[str]


Pages = dict[str, Answer]


class _Accounts:
    """People whom identity knows, without a Telegram."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._numbers = itertools.count(660_000_001)

    async def person(self, language: str = "en", *, started: bool = True) -> Person:
        return Person(next(self._numbers), language)

    async def visit(self, person_: Person) -> None:
        await person(self._stack.services.identity, person_.id, language_code=person_.language)


def _short(value: str | None) -> str:
    # What is shared with a friend is said in a language, and a public page is asked for in one.
    return (value or "").partition("&text=")[0].partition("?lang=")[0]


class _Elements(HTMLParser):
    """The elements of a page, one line each, but for those that set off a part of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.shared: list[str] = []
        self._depth = 0
        self._form: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SET_OFF:
            return
        values = dict(attrs)
        if tag == "form":
            self._form = values
        elif (values.get("hx-trigger") or "").startswith(_BY_ITSELF):
            inherited = {"hx-sync", "hx-indicator"} & self._form.keys() - values.keys()
            self.shared += [f"{tag} {values.get('id')} has the {name} of its form" for name in sorted(inherited)]
        names = sorted(set(values) - {"dir", "checked"})  # the page of settings checks the language
        same = [f"{name}={_short(values[name])}" for name in _SAME if name in values]
        self.lines.append(" ".join([" " * self._depth + tag, *names, *same]))
        self._depth += tag not in _OPEN

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = {}
        self._depth -= tag not in _OPEN | _SET_OFF

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)


@pytest.fixture(scope="module")
async def pages(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Pages]]:
    """What came for every screen, by language and by the screen's name."""
    folder, server = tmp_path_factory.mktemp("languages"), os.environ[servers.POSTGRES]
    database = await servers.new_copy(server, servers.database_name("languages", os.getpid()))
    async with evm.running(folder) as chain, telegram_running() as telegram:
        shop = shop_settings(settings, database, folder, chain)
        services = build(msgspec.structs.replace(shop, telegram_api_url=telegram.url), clock=FakeClock())
        async with services.running(listen=False):
            await services.redis.flushdb()
            await services.identity.access.ensure_root()
            await load_demo_shop(services.catalog.imports, services.storage)
            await load_demo_course(services.courses.authoring, services.courses.courses)
            await load_demo_codes(services.growth.promos)
            stack = Stack("", "", services, chain, folder)
            yield await _pages(stack)
            await services.redis.flushdb()


async def _pages(stack: Stack) -> dict[str, Pages]:
    """The same people and the same past in each language."""
    services = stack.services
    world = await make_world(stack, _Accounts(stack), "en")
    by_language: dict[str, Pages] = {}
    async with browser(create_app(services, services.settings)) as client:
        token, now = services.settings.bot_token, services.clock.now().timestamp()
        visitors = {who: Visitor(client, token, now, world.who(who).id) for who in PEOPLE}
        for language in ("en", "ar", "ru"):
            by_language[language] = {}
            for visitor in visitors.values():
                answer = await visitor.post("/me/settings/language", data={"language": language})
                assert answer.status_code == 200
            for screen in screens(world):
                answer = await visitors[screen.who].get(screen.path, headers={"HX-Target": "app"})
                assert f'lang="{language}"' in answer.text, screen.name
                elements = _Elements()
                elements.feed(answer.text)
                size = len(gzip.compress(answer.content, 6))
                by_language[language][screen.name] = Answer(answer.status_code, elements.lines, size, elements.shared)
    return by_language


@pytest.mark.parametrize("language", ["ar", "ru"])
def test_the_elements_are_those_of_the_english_screen(language: str, pages: dict[str, Pages]) -> None:
    differences = []
    for name, answer in pages["en"].items():
        other = pages[language][name]
        assert (other.status, len(answer.elements) > 5) == (answer.status, True), name
        lines = difflib.unified_diff(answer.elements, other.elements, "en", language, n=1, lineterm="")
        differences += [f"{name}: {line}" for line in lines]
    assert not differences, "\n".join(differences[:200])


@pytest.mark.parametrize("language", ["en", "ar", "ru"])
def test_every_screen_is_under_6_kb(language: str, pages: dict[str, Pages]) -> None:
    heavy = [f"{name}: {answer.size}" for name, answer in pages[language].items() if answer.size >= _FRAGMENT]
    assert not heavy, "\n".join(heavy)


def test_what_a_form_loads_by_itself_leaves_its_button_alone(pages: dict[str, Pages]) -> None:
    """htmx's attributes are inherited: the form's button would be busy meanwhile, and a tap on it would be dropped."""
    shared = [f"{name}: {line}" for name, answer in pages["en"].items() for line in answer.shared]
    assert not shared, "\n".join(shared)
