"""Jinja as the pages use it: the same results as Jinja's own, with less work for each call and each value.

A page calls several hundred macros and texts. Jinja looks at each callable for wishes that ours do not have, escapes
again what was escaped, and builds the marked text of a message each time it is shown.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from keyword import iskeyword
from typing import Any, Final

from jinja2 import Environment, Template
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.environment import TemplateModule
from jinja2.nodes import Call, CondExpr, Const, Expr
from jinja2.runtime import Context, Macro
from jinja2.utils import internalcode, missing
from markupsafe import Markup, escape

from backend.infra.i18n import Translator

_MESSAGES: Final = 4096
_CONSTANTS: Final = 512
_SPECIAL: Final = re.compile("[&<>'\"]")
_markup: Final = str.__new__
"""Makes Markup of text without asking the text for ``__html__``."""


def shown(value: object) -> str:
    """What a template writes for ``value``: escaped, unless it is Markup."""
    kind = type(value)
    if kind is Markup or (kind is str and not _SPECIAL.search(value)):  # type: ignore[call-overload]
        return value  # type: ignore[return-value]
    return escape(value)


class _Macro(Macro):
    """A macro as templates call it: without an EvalContext, and its text is always escaped already."""

    def __init__(self, environment: PageEnvironment, *args: Any) -> None:
        super().__init__(environment, *args)
        if self.name in environment.constant_macros:
            self._func = functools.lru_cache(_CONSTANTS, typed=True)(self._func)
        self._plain = not (self.caller or self.catch_kwargs or self.catch_varargs or self.explicit_caller)
        self._names = tuple(self.arguments)
        self._missing = tuple((missing,) * count for count in range(self._argument_count, -1, -1))

    @internalcode
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = len(args)
        if not self._plain or given > self._argument_count:
            return super().__call__(*args, **kwargs)
        if not kwargs:
            return _markup(Markup, self._func(*args, *self._missing[given]))
        take = kwargs.pop
        values = [take(name, missing) for name in self._names[given:]]
        if kwargs:
            raise TypeError(f"macro {self.name!r} takes no keyword argument {next(iter(kwargs))!r}")
        return _markup(Markup, self._func(*args, *values))


class _Template(Template):
    """An imported template is rendered once: all templates have the environment's globals and no others."""

    @internalcode
    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class _Compiler(CodeGenerator):
    """Lets Markup pass where Jinja would wrap it once more, and calls functions and macros directly.

    So no function of a template can ask for Jinja's context (``pass_context`` and the like).
    """

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("(" if _needs_no_escaping(node) else "environment.shown(")

    def visit_CondExpr(self, node: CondExpr, frame: Frame) -> None:  # noqa: N802 Jinja's name
        # Jinja would make an Undefined with its message, to write nothing.
        node.expr2 = node.expr2 or Const("")
        super().visit_CondExpr(node, frame)

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        self.write("environment.")
        super().macro_def(macro_ref, frame)

    def visit_Call(self, node: Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802 Jinja's name
        if node.dyn_args or node.dyn_kwargs or any(iskeyword(item.key) for item in node.kwargs):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")


def _needs_no_escaping(node: Expr) -> bool:
    if isinstance(node, CondExpr):
        return _needs_no_escaping(node.expr1) and (node.expr2 is None or _needs_no_escaping(node.expr2))
    return isinstance(node, Const) and type(node.value) is str and not _SPECIAL.search(node.value)


class PageEnvironment(Environment):
    """An environment whose templates run with the three above."""

    code_generator_class = _Compiler
    template_class = _Template
    Macro = _Macro
    constant_macros: frozenset[str] = frozenset()
    """Macros that write the same for the same arguments in every language: what they wrote is kept."""
    shown = staticmethod(shown)

    def install_words(self, words: Callable[[], Translator]) -> None:
        """Let templates say ``_``, ``gettext``, ``ngettext`` and ``pgettext`` in the reader's language, ``words()``.

        A word that needs two translations says what it speaks of: ``pgettext("code", "Expired")``.
        """

        def say(message: str, /, **values: Any) -> Markup:
            return _filled(words().gettext(message), values) if values else _constant(words(), message)

        def count(one: str, many: str, n: int, /, **values: Any) -> Markup:
            values.setdefault("num", n)
            return _filled(words().ngettext(one, many, n), values)

        def say_of(context: str, message: str, /, **values: Any) -> Markup:
            return _filled(words().pgettext(context, message), values)

        self.install_gettext_callables(say, count, newstyle=True)  # type: ignore[attr-defined]
        # Jinja would wrap them in functions that look up the context at each call.
        self.globals |= {"gettext": say, "ngettext": count, "pgettext": say_of, "_": say}


def _filled(message: str, values: Mapping[str, Any]) -> Markup:
    """One of our own texts with its values, escaped. Numbers stay numbers, for ``%d``."""
    return _markup(
        Markup, message % {name: item if type(item) is int else shown(item) for name, item in values.items()}
    )


@functools.lru_cache(maxsize=_MESSAGES)
def _constant(words: Translator, message: str) -> Markup:
    """A text without values, in which ``%%`` is ``%``."""
    return _filled(words.gettext(message), {})
