"""Heads of files: YAML between two lines of ``---``, read as texts and turned into Structs, with each field's line.

YAML itself would read 10:30 as 630, ``no`` as false, 3.10 as 3.1 and 0123 as 83. Here every value is a text, and the
field says what it must be. See decisions/0076.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import EnumMeta
from typing import Any, Final, Generic, TypeVar, get_args, get_origin

import msgspec

from backend.courses.types.authoring import FolderProblemCode, TimeOfDay

T = TypeVar("T", bound=msgspec.Struct)

_LARGEST_HEAD: Final = 64 * 1024
_YES_OR_NO: Final = {"yes": "true", "no": "false", "on": "true", "off": "false"}
_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_TEXT_TAG: Final = "tag:yaml.org,2002:str"


class HeadProblem(msgspec.Struct, frozen=True):
    """What is wrong in a head, at a line of the file."""

    line: int
    code: FolderProblemCode
    field: str = ""
    value: str = ""


class Head(msgspec.Struct, Generic[T], frozen=True):
    """A head that was read: its Struct, the line of each field, and the body after it with its first line."""

    value: T | None
    lines: dict[str, int]
    body: str
    first_line: int
    problems: tuple[HeadProblem, ...]


def read_head(text: str, type_: type[T]) -> Head[T]:
    """Read a file that begins with a head."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return Head(None, {}, text, 1, (HeadProblem(1, FolderProblemCode.NO_HEAD),))
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if end is None:
        return Head(None, {}, "", 1, (HeadProblem(1, FolderProblemCode.HEAD_OPEN),))
    reader = _Reader()
    value = reader.read("\n".join(lines[1:end]), type_)
    body = lines[end + 1 :]
    empty = next((number for number, line in enumerate(body) if line.strip()), 0)
    return Head(value, reader.lines, "\n".join(body[empty:]), end + 2 + empty, tuple(reader.problems))


def write_head(fields: Mapping[str, Any]) -> str:
    """A head that read_head reads as exactly these texts; a list holds mappings."""
    lines = ["---"]
    for name, value in fields.items():
        if isinstance(value, list):
            lines.append(f"{name}:")
            for item in value:
                pairs = [f"{key}: {_quoted(text)}" for key, text in item.items()]
                lines += [f"  - {pairs[0]}", *(f"    {pair}" for pair in pairs[1:])]
        else:
            lines.append(f"{name}: {_quoted(value)}")
    return "\n".join([*lines, "---", ""])


def _quoted(text: str) -> str:
    """A text between double quotes, in which YAML changes nothing."""
    return '"' + "".join(_escaped(sign) for sign in text) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign == "\n":
        return "\\n"
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04X}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08X}"


class _Reader:
    """Reads one head, and collects everything that is wrong with it."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[HeadProblem] = []

    def read(self, text: str, type_: type[T]) -> T | None:
        """The Struct, or None where something of it is wrong."""
        import yaml  # noqa: PLC0415 - only commands that read folders pay for it

        if len(text) > _LARGEST_HEAD:
            self._bad(1, FolderProblemCode.TOO_LARGE, value=str(_LARGEST_HEAD))
            return None
        try:
            node = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            # The line of the opening --- comes before YAML's first.
            line = mark.line + 2 if mark is not None else 2
            self._bad(line, FolderProblemCode.BAD_YAML, value=str(getattr(error, "problem", "") or "")[:100])
            return None
        return self._struct(node, type_, "", 2)

    def _bad(self, line: int, code: FolderProblemCode, field: str = "", value: str = "") -> None:
        self.problems.append(HeadProblem(line, code, field, value[:100]))

    def _struct(self, node: Any, type_: type[T], prefix: str, line: int) -> T | None:
        before = len(self.problems)
        if node is not None and node.id != "mapping":
            self._bad(node.start_mark.line + 2, FolderProblemCode.BAD_YAML, prefix.rstrip("."), "not fields")
            return None
        pairs = self._pairs(node, prefix) if node is not None else {}
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(type_):
            name = prefix + field.encode_name
            if field.encode_name in pairs:
                at, value = pairs.pop(field.encode_name)
                self.lines[name] = at
                read = self._value(value, field.type, name, at)
                if read is not _MISSING:
                    values[field.name] = read
            if field.required and field.name not in values and not any(p.field == name for p in self.problems):
                self._bad(self.lines.get(name, line), FolderProblemCode.REQUIRED, name)
        for key, (at, _) in pairs.items():
            self._bad(at, FolderProblemCode.UNKNOWN_KEY, prefix + key)
        return type_(**values) if len(self.problems) == before else None

    def _pairs(self, node: Any, prefix: str) -> dict[str, tuple[int, Any]]:
        """The fields of a mapping with their lines."""
        pairs: dict[str, tuple[int, Any]] = {}
        for key, value in node.value:
            at = key.start_mark.line + 2
            if key.id != "scalar":
                self._bad(at, FolderProblemCode.BAD_YAML, prefix.rstrip("."), "not a name")
            elif key.value in pairs:
                self._bad(at, FolderProblemCode.KEY_TWICE, prefix + key.value)
            else:
                pairs[key.value] = (at, value)
        return pairs

    def _value(self, node: Any, type_: Any, name: str, line: int) -> Any:
        if get_origin(type_) is tuple:
            return self._list(node, get_args(type_)[0], name, line)
        if node.id != "scalar" or node.tag != _TEXT_TAG:
            self._bad(line, FolderProblemCode.NOT_ONE_TEXT, name)
            return _MISSING
        text = node.value.strip()
        if not text:
            return _MISSING
        if _is(type_, bool):
            text = _YES_OR_NO.get(text.lower(), text)
        if _is(type_, int) and not _WHOLE.fullmatch(text):
            # Not 1e3, which JSON would take.
            self._bad(line, FolderProblemCode.NOT_A_NUMBER, name, text)
            return _MISSING
        try:
            return msgspec.convert(text, type_, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            outside = "`int` " in str(error) and _is(type_, int)
            self._bad(line, FolderProblemCode.OUT_OF_RANGE if outside else _expected(type_), name, text)
            return _MISSING

    def _list(self, node: Any, type_: type[msgspec.Struct], name: str, line: int) -> Any:
        if node.id != "sequence":
            self._bad(line, FolderProblemCode.NOT_A_LIST, name)
            return _MISSING
        items = []
        for number, item in enumerate(node.value, start=1):
            at = item.start_mark.line + 2
            read = self._struct(item, type_, f"{name}.{number}.", at)
            if read is not None:
                items.append(read)
        return tuple(items)


_MISSING: Final = object()


def _is(type_: Any, plain: type) -> bool:
    """Whether a field is of exactly this type, whatever limits it has and whether it may be left out."""
    return type_ is plain or any(_is(part, plain) for part in get_args(type_))


def _expected(type_: Any) -> FolderProblemCode:
    """What to say of a value that is not of a field's type."""
    for plain, code in _EXPECTED.items():
        if _is(type_, plain):
            return code
    return FolderProblemCode.UNKNOWN_VALUE if isinstance(type_, EnumMeta) else FolderProblemCode.BAD_TEXT


_EXPECTED: Final[dict[type, FolderProblemCode]] = {
    bool: FolderProblemCode.NOT_YES_OR_NO,
    TimeOfDay: FolderProblemCode.BAD_TIME,
    int: FolderProblemCode.NOT_A_NUMBER,
    datetime: FolderProblemCode.BAD_DATE,
    date: FolderProblemCode.BAD_DATE,
}


def _decode(type_: type, value: Any) -> Any:
    """TimeOfDay from 9:30; the other types are msgspec's own. Raises ValueError."""
    match = _TIME.fullmatch(value)
    if type_ is not TimeOfDay or match is None:
        raise ValueError("not a time of day")
    return TimeOfDay(int(match[1]) * 60 + int(match[2]))
