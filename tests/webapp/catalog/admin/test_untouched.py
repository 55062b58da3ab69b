"""A form that is saved as it was opened changes nothing: what is sent is read from the page, as a browser does it."""

from __future__ import annotations

from collections import defaultdict
from html.parser import HTMLParser
from uuid import UUID

import pytest

from backend.bootstrap import Services
from backend.catalog.types import CategoryId
from tests.webapp.catalog.admin.conftest import INTENT, AddOne, Desk


class Controls(HTMLParser):
    """What a browser sends of the form with this id, by name."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = defaultdict(list)
        self._form, self._inside, self._text, self._select = form, False, "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._inside = given.get("id") == self._form
        elif not self._inside or (tag not in {"option"} and not name):
            return
        elif tag == "input" and (given.get("type") not in {"radio", "checkbox"} or "checked" in given):
            self.sent[name].append(value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.sent[self._select].append(value)
        elif tag == "textarea":
            self._text = name
            self.sent[name].append("")

    def handle_data(self, data: str) -> None:
        if self._text:
            self.sent[self._text][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""
        elif tag == "form":
            self._inside = False


def sent_of(html: str, form: str) -> dict[str, list[str]]:
    """The controls of a form; the first line end of a text does not count."""
    controls = Controls(form)
    controls.feed(html)
    return {name: [one.removeprefix("\n") for one in values] for name, values in controls.sent.items()}


@pytest.mark.parametrize("shown", ["on", ""])
async def test_a_product(services: Services, desk: Desk, add_one: AddOne, shown: str) -> None:
    product = await add_one(shown=shown)
    path = f"/admin/catalogue/products/{product}"
    before = await services.catalog.products.get(desk.actor, product)
    sent = sent_of((await desk.page.get(path)).text, "product")
    assert all(len(values) == 1 for values in sent.values()), sent
    assert (await desk.page.post(path, data=sent)).status_code == 200
    after = await services.catalog.products.get(desk.actor, product)
    assert after.draft == before.draft and after.state is before.state


@pytest.mark.parametrize("shown", ["on", ""])
async def test_a_category(services: Services, desk: Desk, shown: str) -> None:
    new = {"intent": INTENT, "name_en": "Games", "icon": "gift", "hue": "pink", "slug": "games", "shown": shown}
    assert (await desk.page.post("/admin/catalogue/categories", data=new)).status_code == 200
    path, category = f"/admin/catalogue/categories/{INTENT}", CategoryId(UUID(INTENT))
    before = await services.catalog.categories.get(desk.actor, category)
    sent = sent_of((await desk.page.get(path)).text, "category")
    assert all(len(values) == 1 for values in sent.values()), sent
    assert (await desk.page.post(path, data=sent)).status_code == 200
    after = await services.catalog.categories.get(desk.actor, category)
    assert (after.hidden, after.name, after.slug) == (before.hidden, before.name, before.slug)
    assert after.hidden is (shown == "")
