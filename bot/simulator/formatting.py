"""Telegram's HTML: strict parsing into text and entities, with the Bot API's own error texts."""

import re

from bot.simulator.errors import ApiError, bad_request
from bot.simulator.telegram_types import MessageEntity

_SIMPLE = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "s": "strikethrough", "strike": "strikethrough",
    "del": "strikethrough", "u": "underline", "ins": "underline", "tg-spoiler": "spoiler", "code": "code",
    "pre": "pre", "a": "text_link", "blockquote": "blockquote", "tg-emoji": "custom_emoji", "span": "spoiler",
    "tg-time": "date_time",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[^<>]*)?)>", re.DOTALL)
_ATTRIBUTE = re.compile(r"""\s+([A-Za-z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?""")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot));")
_TIME_FORMAT = re.compile(r"r|w?[dD]?[tT]?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_LINK = re.compile(r"^(?:https?|tg|mailto|tel|tonsite)://?[^\s]+$|^mailto:\S+$|^tel:\S+$", re.IGNORECASE)
_AUTOMATIC = re.compile(
    r"(?P<url>(?:https?://|(?<![\w./@-])(?:t|telegram)\.me/)[^\s<>\"]+[^\s<>\".,!?;:)\]'])"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?<![\w/@])(?P<mention>@[A-Za-z]\w{3,31})\b"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@\w+)?)(?![\w/])"
    r"|(?<![\w&])(?P<hashtag>\#[^\W\d]\w*)"
)


def utf16_length(text: str) -> int:
    """Count UTF-16 code units, the unit of Telegram's offsets."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def _parse_error(what: str) -> ApiError:
    return bad_request(f"can't parse entities: {what}")


def _decode(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        decimal, hexadecimal, name = match.groups()
        if name:
            return _NAMED[name]
        code = int(decimal) if decimal else int(hexadecimal, 16)
        valid = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
        return chr(code) if valid else match.group(0)

    return _REFERENCE.sub(replace, text)


def _attributes(source: str, tag: str, at: int) -> dict[str, str]:
    attributes: dict[str, str] = {}
    position = 0
    while position < len(source.rstrip()):
        match = _ATTRIBUTE.match(source, position)
        if match is None:
            raise _parse_error(f'Empty attribute name in the tag "{tag}" at byte offset {at}')
        name, value = match.groups()
        attributes[name.lower()] = _decode((value or "").strip("\"'"))
        position = match.end()
    return attributes


class _Open:
    __slots__ = ("at", "attributes", "offset", "start", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], offset: int, at: int, start: int) -> None:
        self.tag, self.attributes, self.offset, self.at, self.start = tag, attributes, offset, at, start


def _entity(opened: _Open, end: int, inner: str) -> MessageEntity | None:
    kind, attributes = _SIMPLE[opened.tag], opened.attributes
    entity = MessageEntity(type=kind, offset=opened.offset, length=end - opened.offset)
    if entity.length == 0:
        return None
    if kind == "text_link":
        url = attributes.get("href") or inner
        if not _LINK.match(url):
            return None  # Telegram drops a link that it cannot open and keeps its text
        entity.url = url
    elif kind == "blockquote" and "expandable" in attributes:
        entity.type = "expandable_blockquote"
    elif kind == "date_time":
        entity.unix_time = int(attributes["unix"])
        entity.date_time_format = attributes.get("format") or None
    elif kind == "custom_emoji":
        entity.custom_emoji_id = attributes.get("emoji-id")
    elif kind == "code" and attributes.get("class", "").startswith("language-"):
        entity.language = attributes["class"].removeprefix("language-")
    return entity


def _check_time(attributes: dict[str, str], at: int) -> None:
    if not re.fullmatch(r"-?[0-9]{1,12}", attributes.get("unix", "")):
        raise _parse_error(f'Invalid unix time in the tag "tg-time" at byte offset {at}')
    if not _TIME_FORMAT.fullmatch(attributes.get("format", "")):
        raise _parse_error(f'Invalid format in the tag "tg-time" at byte offset {at}')


def parse_html(source: str) -> tuple[str, list[MessageEntity]]:
    """Turn Telegram's HTML into text and entities; raises the 400 "can't parse entities: ..." as Telegram does."""
    text: list[str] = []
    units = 0
    entities: list[MessageEntity] = []
    stack: list[_Open] = []
    position = 0
    while position < len(source):
        bracket = source.find("<", position)
        piece = _decode(source[position : bracket if bracket >= 0 else len(source)])
        text.append(piece)
        units += utf16_length(piece)
        if bracket < 0:
            break
        at = len(source[:bracket].encode())
        match = _TAG.match(source, bracket)
        if match is None:
            raise _malformed(source, bracket, at)
        closing, tag, rest = match.group(1), match.group(2).lower(), match.group(3)
        position = match.end()
        if closing:
            if not stack:
                raise _parse_error(f"Unexpected end tag at byte offset {at}")
            opened = stack.pop()
            if opened.tag != tag:
                raise _parse_error(
                    f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{tag}>"'
                )
            entity = _entity(opened, units, "".join(text)[opened.start :])
            if entity is not None:
                entities.append(entity)
            continue
        if tag not in _SIMPLE:
            raise _parse_error(f'Unsupported start tag "{tag}" at byte offset {at}')
        attributes = _attributes(rest, tag, at)
        if tag == "tg-time":
            _check_time(attributes, at)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise _parse_error(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        stack.append(_Open(tag, attributes, units, at, len("".join(text))))
    if stack:
        raise _parse_error(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return _trim("".join(text), _join_code(entities))


def _malformed(source: str, bracket: int, at: int) -> ApiError:
    """Name what is wrong with a "<" that opens no well-formed tag."""
    rest = source[bracket + 1 :]
    name = re.match(r"/?[A-Za-z0-9-]*", rest)
    word = name.group(0) if name else ""
    if word.startswith("/"):
        return _parse_error(f"Unclosed end tag at byte offset {at}")
    if word.lower() in _SIMPLE:
        return _parse_error(f"Unclosed start tag at byte offset {at}")
    return _parse_error(f'Unsupported start tag "{word.lower()}" at byte offset {at}')


def _join_code(entities: list[MessageEntity]) -> list[MessageEntity]:
    """Fold <pre><code class="language-x"> into one pre with a language; sort outer before inner."""
    blocks = {(e.offset, e.length): e for e in entities if e.type == "pre"}
    joined: list[MessageEntity] = []
    for entity in entities:
        block = blocks.get((entity.offset, entity.length)) if entity.type == "code" else None
        if block is not None:
            block.language = entity.language
            continue
        if entity.type == "code":
            entity.language = None
        joined.append(entity)
    # Entities arrive in closing order; a stable sort over the reversed list puts the outer one first.
    joined.reverse()
    return sorted(joined, key=lambda e: (e.offset, -e.length))


def _trim(text: str, entities: list[MessageEntity]) -> tuple[str, list[MessageEntity]]:
    """Cut white space at both ends, as Telegram does, and move the entities with it."""
    stripped = text.strip()
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    total = utf16_length(stripped)
    trimmed: list[MessageEntity] = []
    for entity in entities:
        start = max(entity.offset - lead, 0)
        end = min(entity.offset + entity.length - lead, total)
        if end > start:
            entity.offset, entity.length = start, end - start
            trimmed.append(entity)
    return stripped, trimmed


def with_automatic(text: str, entities: list[MessageEntity]) -> list[MessageEntity]:
    """Add the links, commands, mentions and hashtags that Telegram finds by itself outside code and links."""
    closed = [(e.offset, e.offset + e.length) for e in entities if e.type in {"code", "pre", "text_link"}]
    all_entities = list(entities)
    for match in _AUTOMATIC.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        offset, length = utf16_length(text[: match.start()]), utf16_length(match.group(0))
        if not any(start < offset + length and offset < end for start, end in closed):
            all_entities.append(MessageEntity(type=kind, offset=offset, length=length))
    return sorted(all_entities, key=lambda e: (e.offset, -e.length))


def parse_text(source: str, parse_mode: str | None) -> tuple[str, list[MessageEntity]]:
    """Parse a text by its parse mode ("HTML" or none); raises the 400s for other modes and malformed HTML."""
    if not parse_mode:
        text, entities = _trim(source, [])
    elif parse_mode.lower() == "html":
        text, entities = parse_html(source)
    else:
        raise bad_request("unsupported parse_mode")
    return text, with_automatic(text, entities)
