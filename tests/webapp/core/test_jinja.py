"""What webapp.core.jinja leaves out of Jinja changes nothing that a page shows."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError, nodes
from markupsafe import Markup

from webapp.core.assets import build_assets
from webapp.core.jinja import PageEnvironment
from webapp.core.rendering import CONSTANT_MACROS, TEMPLATES_DIR, Templates

_READER = {"_", "gettext", "ngettext", "pgettext", "lang", "direction", "sep", "now"}


@pytest.fixture
def environment() -> PageEnvironment:
    return PageEnvironment(autoescape=True, optimized=False)


def test_macro_takes_values_by_place_by_name_and_by_default(environment: PageEnvironment) -> None:
    macro = "{% macro m(a, b='B', c='C') %}{{ a }}{{ b }}{{ c }} {% endmacro %}"

    assert environment.from_string(macro + "{{ m('1') }}{{ m('1', c='3') }}{{ m('1', '2', '3') }}").render() == (
        "1BC 1B3 123 "
    )


@pytest.mark.parametrize("call", ["m(x=1)", "m(1, 2)"])
def test_macro_refuses_what_it_does_not_take(environment: PageEnvironment, call: str) -> None:
    with pytest.raises(TypeError):
        environment.from_string("{% macro m(a) %}{{ a }}{% endmacro %}{{ " + call + " }}").render()


def test_macro_called_with_a_block_shows_it(environment: PageEnvironment) -> None:
    template = "{% macro m(a) %}<{{ a }}>{{ caller() }}{% endmacro %}{% call m('&') %}{{ '<' }}{% endcall %}"

    assert environment.from_string(template).render() == "<&amp;>&lt;"


def test_function_with_a_python_keyword_as_parameter_is_called(environment: PageEnvironment) -> None:
    assert environment.from_string("{% macro m(from) %}{{ from }}{% endmacro %}{{ m(from='x') }}").render() == "x"


def test_both_sides_of_a_choice_are_escaped_and_none_shows_nothing(environment: PageEnvironment) -> None:
    template = "{{ '<' if yes else '>' }}{{ '&' if no }}{{ name if yes }}{{ ' on' if yes }}"

    assert environment.from_string(template).render(yes=True, no=False, name="<b>") == "&lt;&lt;b&gt; on"


def test_unknown_macro_is_an_error(environment: PageEnvironment) -> None:
    with pytest.raises(UndefinedError):
        environment.from_string("{{ nobody(1) }}").render()


def test_kept_macro_still_tells_text_from_markup(environment: PageEnvironment) -> None:
    environment.constant_macros = frozenset({"m"})
    template = environment.from_string("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a) }}{{ m(b) }}")

    assert template.render(a=Markup("<i>"), b="<i>") == "<i>&lt;i&gt;"


def test_macros_whose_result_is_kept_depend_on_nobody() -> None:
    templates = Templates(build_assets())
    seen = set()
    for path in sorted((TEMPLATES_DIR / "macros").glob("*.html")):
        for macro in templates.environment.parse(path.read_text()).find_all(nodes.Macro):
            if macro.name not in CONSTANT_MACROS:
                continue
            seen.add(macro.name)
            names = {node.name for node in macro.find_all(nodes.Name)}
            called = {name for name in names if f"{name}(" in path.read_text()}
            assert not names & _READER, f"{macro.name} speaks to its reader"
            assert {node.name for node in macro.find_all(nodes.Filter)} <= {"flag", "trim"}, macro.name
            assert called - {"asset", "icon_ref", "mark"} <= CONSTANT_MACROS, macro.name
    assert seen == CONSTANT_MACROS
