"""The words that Souk does not use, and where they stand: ``.venv/bin/python -m tests.architecture.words orders``.

Four things are read: messages (English, Arabic and Russian), docstrings and comments, names, and the texts of the
command line. A rule is a pattern and the word to use instead. What is wrong only in some sentences is for reviewers.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from backend.kernel.text import Locale
from tests.architecture.catalogues import ROOT, SLICES, TRANSLATED, catalogue, said, slice_of
from tests.architecture.names import NAMES, may_offend, names

Rules = tuple[tuple[str, str], ...]
Sayings = Iterable[tuple[str, str]]
"""Places (a file and a line, or a language) with the texts that stand there."""

EVERYWHERE: Final[Rules] = (
    (r"\bways? (?:to|of) pay(?:ing|ment)?\b", "payment method"),
    (r"\bthe books\b", "the ledger"),
    (r"\bthe house\b(?! rules?\b)", "the shop account"),
    (r"\bput(?:s|ting)? (?:\w+ ){0,2}aside\b", "dismiss"),
    (r"\bset(?:s|ting)? (?:\w+ ){0,2}aside\b", "on hold, reserved"),
    (r"\blet(?:s|ting)? (?:\w+ ){0,2}go\b(?! (?:on|in|to|through|by|first))", "cancel, release"),
    (r"\b(?:gave|given?|gives|giving|paid|pays?|paying|gone) (?:\w+ ){0,2}back\b", "refund, return"),
    (r"\bthe way (?:that )?(?:it|they|you|he) (?:came|paid)\b", "to the payment method"),
    (r"\banew\b", "again"),
    (r"\bwhoever\b", "anyone who"),
    (r"\bseldom\b", "rarely"),
    (r"\bfor ever\b", "permanently"),
    (r"\bthereby\b", "so"),
    (r"\breckon\w*", "count, expect"),
    (r"\b(?:is|was|are|were|been) over(?=[.,;:)!?]|$| and\b| when\b| but\b| or\b)", "has expired, has ended"),
    (r"\busual road\b", "say what happens"),
    (r"\bshut(?:s|ting)? (?:\w+ )?out\b", "block"),
    (r"\b(?:first|second) word\b", "first approval"),
    (r"\bproofs? of (?:a|the|his|their) transfers?\b", "transfer receipt"),
    (r"\b(?:he|him|his|himself)\b", "they, their"),
    (r"\bnews\b", "event, report"),
    (r"\bmoney (?:without|with no) (?:an? )?(?:owner|name)\b", "unmatched payment"),
    (r"\b(?:a|the) glance\b|\bhave a look\b", "check now, see"),
)
"""In everything that a person reads, code included. Case does not matter."""

PROSE: Final[Rules] = (
    (r"^the same[.,:;]", "say what it does"),
    (r"^the ways? (?:out|in|back)\.", "say what it does"),
)
"""In docstrings and comments, beside EVERYWHERE."""

ENGLISH: Final[Rules] = (
    (r"(?<!by the )(?<!on its )(?<!on the )(?<!on their )\bways?\b", "payment method"),
    (r"\bat once\b", "instant, immediately"),
    (r"\bbook this\b|\bis booked\b|\bbooks\b", "ledger"),
    (r"\bstands?\b", "is, appears"),
    (r"\bwaits\b|\bwait no more\b", "awaiting, pending"),
    (r"\bwaiting for (?:the )?(?:payment|money)\b", "awaiting payment"),
    (r"\blook(?:s|ed|ing)? (?:at|again|around|in|whether)\b", "check, see, review"),
    (r"\b(?:gone|went|goes) back\b", "returns, was refunded"),
    (r"\bcame\b", "received"),
    (r"\bproofs?\b", "transfer receipt"),
    (r"\bcorrections?\b", "balance adjustment"),
    (r"\bcompar(?:ing|ison|ed)\b", "reconciliation"),
    (r"\bdid(?: not|n't) go through\b|\beverything went through\b|\bgiven up\b", "failed, delivered"),
    (r"^did not arrive$", "Failed"),
    (r"\bslept\b|\bdoors?\b|\bshel(?:f|ves)\b|\bplenty\b|\ba little slower\b|\ba lot\b", "say it plainly"),
    (r"\bkept for\b|\bwhat was kept\b", "reserved"),
    (r"\bbeg[ua]n\b", "started, created"),
    (r"\ba present\b", "a gift"),
    (r"\b(?:nothing|it) (?:was|has been|is) taken\b", "you haven't been charged"),
    (r"\bits time\b|\bthe time was\b", "expired"),
    (r"\b(?:closed|here|answer|available) just now\b|\bas ever\b|\bmuch the same\b", "say it plainly"),
    (r"\bneeds a hand\b", "needs attention"),
    (r"\bclosed? to (?:you|them)\b", "blocked"),
    (r"\bfingerprints\b", "hashes"),
    (r"\babroad\b|\bunknown payment\b|\bunmatched money\b", "foreign, unmatched payment"),
)
"""In English messages, beside EVERYWHERE."""

ARABIC: Final[Rules] = (
    ("[·•|]", "«،», a line break or an element of its own"),
    ("[\u0660-\u0669\u06f0-\u06f9\u066a-\u066c]", "Latin digits"),
    ("—", "two sentences"),
    ("[\u0621-\u064a]ـ[\u0621-\u064a]", "no kashida"),
    ("\u0627\u064b", "\u064b\u0627"),
    (r"ملغي[ةّ]?\b", "ملغى"),
    (r"معلّ?ق", "مبلغ محجوز"),
    (r"مُ?ستبعد", "تم التجاهل"),
    (r"تسوي(?:ة|ات)\b", "مطابقة المدفوعات"),
    (r"غير (?:ال)?مطابق", "غير مرتبطة بطلب"),
    (r"تحقّق الآن", "التحقق الآن"),
    (r"لم تُ?طبَّ?ق", "لم تُحتسب للطلب"),
    (r"لم يُ?سلَّ?م", "تعذّر التسليم"),
    (r"توصيل", "تسليم"),
    (r"عربة", "السلة"),
    (r"عمولة", "الرسوم"),
    (r"ائتمان", "إضافة إلى الرصيد"),
    (r"\bخطة\b|\bمهمة\b|زبون", "الباقة، الواجب، العميل"),
    (r"(?:قم|قمت|يقوم|تقوم) ب", "المصدر"),
    (r"\bلقد\b|المعذرة|عذرًا", "(leave it out)"),
    (r"(?<!\w)(?:ال)?شحن(?! (?:ال)?(?:ال)?رصيد| (?:ال)?محفظ)(?!\w)", "شحن الرصيد"),
    (r"بلا صاحب|هذا الباب|نامت|على مهلك|كلمتك", "say it plainly"),
)
RUSSIAN: Final[Rules] = (
    (r"\bпродукт", "товар"),
    (r"\bкупон", "промокод"),
    (r"\bнеопознанн", "невыясненный платёж"),
    (r"\bна удержании\b", "заморожено"),
    (r"\bподытог", "сумма"),
    (r"\bквитанци", "чек"),
    (r"\bпожалуйста\b|\bуспешно\b", "(leave it out)"),
    (r"\bкредит", "расклады, баланс"),
    (r"\bвикторин|\bстудент|\bвозмещ", "тест, ученик, возврат"),
    (r"\bне удался\b", "не выполнен"),
    (r"\bхозяин|\bбез хозяина\b|\bбухгалтери", "невыясненный платёж, учёт"),
    (r"\bкниг(?:и|ах|ам|ами)?\b", "учёт"),
    (r"\bдвер(?:ь|и|ей|ям)\b|\bспала\b|\bпомедленнее\b|\bна каком языке\b", "say it plainly"),
    (r"^сразу$", "Мгновенно"),
    (r"\b(?:платеж|счет|истек|отменен|еще|учет|расчет|зачтен|ее|свое|твое)\b", "ё"),
    ('"', "«…»"),
)
OF_LANGUAGE: Final = {Locale.EN: EVERYWHERE + ENGLISH, Locale.AR: ARABIC, Locale.RU: RUSSIAN}

BUTTON: Final = {Locale.EN: 20, Locale.RU: 24, Locale.AR: 22}
TOAST: Final = {Locale.EN: 60, Locale.RU: 75, Locale.AR: 65}
EMPTY_TITLE: Final = {Locale.EN: 32, Locale.RU: 38, Locale.AR: 34}
"""The longest texts that fit, in characters; a placeholder counts as six ("$12.50")."""

_FOLDERS: Final = {
    "bot/simulator/": "core", "tests/bot/simulator/": "core", "tests/architecture/": "core",
    "backend/demo/": "demo", "backend/worker.py": "bot",
    "tests/browser/": "suite", "tests/fakes/": "suite", "tests/factories/": "suite", "tests/bench/": "suite",
}  # fmt: skip
PARTS: Final = (*sorted(SLICES), "bot", "core", "demo", "suite")
"""The slices, and what belongs to none of them."""
_OWN: Final = frozenset(f"tests/architecture/{name}.py" for name in ("names", "words", "test_words"))
"""The files that must name the words in order to forbid them."""


class Offence(NamedTuple):
    """A text with a word that Souk does not use, or one that is too long."""

    place: str
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text!r}: {self.why}"


@functools.cache
def part_of(file: str) -> str:
    """The part of Souk that a file belongs to: a slice, or one of the parts that belong to none."""
    for folder, part in _FOLDERS.items():
        if file.startswith(folder):
            return part
    part = slice_of(Path(file))
    return "bot" if part == "core" and file.startswith(("bot/", "tests/bot/")) else part


@functools.cache
def _compiled(rules: Rules) -> tuple[re.Pattern[str], tuple[tuple[re.Pattern[str], str], ...]]:
    whole = re.compile("|".join(f"(?:{pattern})" for pattern, _ in rules), re.IGNORECASE)
    return whole, tuple((re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in rules)


def judge(sayings: Sayings, rules: Rules) -> Iterator[Offence]:
    """The texts that break a rule; whitespace does not matter."""
    whole, each = _compiled(rules)
    for place, text in sayings:
        plain = " ".join(text.split())
        if whole.search(plain):
            for pattern, instead in each:
                if match := pattern.search(plain):
                    yield Offence(place, plain, f"{match[0]!r}, say: {instead}")


def measure(sayings: Sayings, longest: int) -> Iterator[Offence]:
    """The texts that are longer than fits."""
    for place, text in sayings:
        length = len(re.sub(r"%\(\w+\)s|\{\w*\}", "$12.50", text))
        if length > longest:
            yield Offence(place, text, f"{length} characters, {longest} fit")


# messages


@functools.cache
def _said() -> dict[str, tuple[str, ...]]:
    """Every form of every English message, with the files that say it."""
    places: dict[str, set[str]] = {}
    for (message, _context), files in said().items():
        for text in [message] if isinstance(message, str) else message:
            places.setdefault(text, set()).update(files)
    return {text: tuple(sorted(files)) for text, files in places.items()}


@functools.cache
def _translated(locale: Locale) -> dict[str, tuple[str, ...]]:
    """The translations of each form of a message: one, or all of its plurals."""
    forms: dict[str, tuple[str, ...]] = {}
    for message in catalogue(locale):
        translations = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for text in message.id if isinstance(message.id, tuple | list) else (message.id,):
            forms[text] = (*forms.get(text, ()), *map(str, translations))  # with another context, another translation
    return forms


def messages(part: str, locale: Locale) -> Iterator[tuple[str, str]]:
    """What a part says in a language."""
    for text, places in _said().items():
        if own := [file for file in places if part_of(file) == part]:
            for form in (text,) if locale is Locale.EN else _translated(locale).get(text, ()):
                yield f"{own[0]} ({locale})", form


# lengths

_JINJA: Final = r"\{\{.*?\}\}|\{%.*?%\}"
_ATTRIBUTE: Final = re.compile(rf'[\w-]+="(?:{_JINJA}|[^"])*"', re.DOTALL)
_BUTTON: Final = re.compile(
    rf'<(a|button)\b(?=[^>]*class="btn\b)((?:"(?:{_JINJA}|[^"])*"|[^>"])*)>(.*?)</\1>', re.DOTALL
)
_EMPTY: Final = re.compile(r'\bempty\("[\w-]+", _\("((?:[^"\\]|\\.)*)"\)')
_CALL: Final = re.compile(r'\b_\("((?:[^"\\]|\\.)*)"\)')
_TRANS: Final = re.compile(r"\{% trans\b.*?%\}(.*?)\{% endtrans %\}", re.DOTALL)


def button_texts(template: str) -> Iterator[str]:
    """The messages that stand on the buttons of a template."""
    for button in _BUTTON.finditer(template):
        inside = _ATTRIBUTE.sub("", button[3])
        yield from _CALL.findall(inside)
        for trans in _TRANS.findall(inside):
            yield re.sub(r"\{\{ *(\w+) *\}\}", r"%(\1)s", " ".join(trans.split()))


def empty_titles(template: str) -> list[str]:
    """The titles of a template's empty states."""
    return _EMPTY.findall(template)


def toast_texts(code: str) -> Iterator[str]:
    """The messages that a module gives to ``toast``, directly or by a variable of the same function."""
    for function in ast.walk(ast.parse(code)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        given = [
            node.args[1]
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "toast"
            if len(node.args) > 1
        ]
        names = {node.id for value in given for node in ast.walk(value) if isinstance(node, ast.Name)}
        given += [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and names & {to.id for to in node.targets if isinstance(to, ast.Name)}
        ]
        yield from {text for value in given for text in _literals(value) if text in _said()}


def _literals(value: ast.expr) -> Iterator[str]:
    return (node.value for node in ast.walk(value) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def too_long(part: str) -> Iterator[Offence]:
    """The part's buttons, toasts and titles of empty states that do not fit, in all languages."""
    kinds: list[tuple[str, Iterable[str], dict[Locale, int]]] = []
    for file, text in files("webapp/templates", "*.html"):
        if part_of(file) == part:
            kinds += [(file, button_texts(text), BUTTON), (file, empty_titles(text), EMPTY_TITLE)]
    for file, text in files("webapp", "*.py"):
        if part_of(file) == part and "toast(" in text:
            kinds.append((file, toast_texts(text), TOAST))
    for file, texts, longest in kinds:
        for text in texts:
            yield from measure([(f"{file} (en)", text)], longest[Locale.EN])
            for locale in TRANSLATED:
                forms = ((f"{file} ({locale})", form) for form in _translated(locale).get(text, ()))
                yield from measure(forms, longest[locale])


# docstrings and comments


@functools.cache
def files(folder: str, pattern: str) -> tuple[tuple[str, str], ...]:
    paths = sorted((ROOT / folder).rglob(pattern))
    return tuple((path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)


def prose(file: str, code: str) -> Iterator[tuple[str, str]]:
    """The strings that are statements, as docstrings are, and the comments of a module, each with all its lines."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield f"{file}:{node.lineno}", node.value.value
    block: list[str] = []
    last = start = 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != last + 1:
                yield f"{file}:{start}", " ".join(block)
                block = []
            start = start if block else token.start[0]
            block.append(token.string.lstrip("# "))
            last = token.start[0]
    if block:
        yield f"{file}:{start}", " ".join(block)


def markup_comments(file: str, text: str) -> Iterator[tuple[str, str]]:
    """The comments of a template, a style sheet or a script."""
    for comment in re.finditer(r"(?s:\{#(.*?)#\}|/\*(.*?)\*/)|^\s*// (.*)$", text, re.MULTILINE):
        yield f"{file}:{text.count(chr(10), 0, comment.start()) + 1}", next(filter(None, comment.groups()), "")


def command_texts(file: str, code: str) -> Iterator[tuple[str, str]]:
    """Every string of a module of the command line, with the docstrings that are a command's help."""
    tree = ast.parse(code)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    shown = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.decorator_list
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner - shown:
            yield f"{file}:{node.lineno}", node.value


def suspicious(code: str) -> bool:
    """Whether a module may break a rule: most don't, and need not be parsed."""
    whole, _ = _compiled(EVERYWHERE)
    return bool(re.search(r'("""|# )the (?:same|ways?)\b', code, re.IGNORECASE)) or bool(
        whole.search(" ".join(code.replace("#", " ").split()))
    )


@functools.cache
def bad_prose() -> dict[str, tuple[Offence, ...]]:
    """The offences of all docstrings, comments and names, by part."""
    offences: dict[str, list[Offence]] = {}
    for folder in ("backend", "webapp", "bot", "migrations", "tests"):
        for file, code in files(folder, "*.py"):
            if file not in _OWN and suspicious(code):
                offences.setdefault(part_of(file), []).extend(judge(prose(file, code), EVERYWHERE + PROSE))
            if file not in _OWN and may_offend(code):
                offences.setdefault(part_of(file), []).extend(judge(names(file, code), NAMES))
    for folder, pattern in (("webapp", "*.html"), ("webapp", "*.css"), ("webapp/static", "app.js"), ("bot", "*.js")):
        for file, text in files(folder, pattern):
            offences.setdefault(part_of(file), []).extend(judge(markup_comments(file, text), EVERYWHERE + PROSE))
    for file, code in files("backend/cli", "*.py") + files("backend/demo", "*.py"):
        offences.setdefault(part_of(file), []).extend(judge(command_texts(file, code), EVERYWHERE + ENGLISH))
    return {part: tuple(dict.fromkeys(listed)) for part, listed in offences.items()}


def offences(part: str) -> list[Offence]:
    """Everything in a part that must be said otherwise."""
    listed = [*bad_prose().get(part, ()), *too_long(part)]
    for locale, rules in OF_LANGUAGE.items():
        listed += judge(messages(part, locale), rules)
    return listed


def main() -> None:
    """Print the offences of the parts that are named, or of all."""
    for part in sys.argv[1:] or PARTS:
        for offence in offences(part):
            sys.stdout.write(f"{part}: {offence}\n")


if __name__ == "__main__":
    main()
