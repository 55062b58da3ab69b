"""Text and entities to safe HTML for the page: an allow-list, everything else escaped."""

from html import escape

from bot.simulator.formatting import utf16_length
from bot.simulator.telegram_types import MessageEntity

_TAGS = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "spoiler": ('<span class="spoiler" tabindex="0" role="button">', "</span>"),
    "code": ('<code class="copy" tabindex="0" role="button">', "</code>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ('<blockquote class="folds" tabindex="0">', "</blockquote>"),
    "custom_emoji": ("", ""),
    "bot_command": ('<button type="button" class="command">', "</button>"),
    "mention": ('<span class="mention">', "</span>"),
    "hashtag": ('<span class="mention">', "</span>"),
}
_SCHEMES = ("http://", "https://", "tg://", "mailto:", "tel:", "ton://", "tonsite://")


def _tags(entity: MessageEntity, inner: str) -> tuple[str, str]:
    if entity.type == "pre":
        language = f' data-language="{escape(entity.language)}"' if entity.language else ""
        return f'<pre class="copy" tabindex="0" role="button"{language}>', "</pre>"
    if entity.type in {"text_link", "url", "email"}:
        href = entity.url or (f"mailto:{inner}" if entity.type == "email" else inner)
        if entity.type == "url" and "://" not in href:
            href = f"https://{href}"
        if not href.lower().startswith(_SCHEMES):
            return "", ""
        return f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer">', "</a>"
    return _TAGS.get(entity.type, ("", ""))


def _index_by_unit(text: str) -> list[int]:
    """Map each UTF-16 offset to an index of the Python string."""
    indices: list[int] = []
    for index, character in enumerate(text):
        indices.extend([index] * utf16_length(character))
    indices.append(len(text))
    return indices


def render_html(text: str, entities: list[MessageEntity] | None) -> str:
    """Render a message's text as safe HTML: only our tags, http(s)/tg/mailto/tel links, the rest escaped."""
    indices = _index_by_unit(text)
    last = len(indices) - 1
    spans = sorted(
        (
            (indices[min(e.offset, last)], indices[min(e.offset + e.length, last)], e)
            for e in entities or []
            if e.offset >= 0 and e.length > 0
        ),
        key=lambda span: (span[0], -span[1]),
    )
    return _render(text, spans, 0, len(text))


def _render(text: str, spans: list[tuple[int, int, MessageEntity]], start: int, end: int) -> str:
    parts: list[str] = []
    position = start
    while spans:
        (first, stop, entity), later = spans[0], spans[1:]
        inside: list[tuple[int, int, MessageEntity]] = []
        left_over: list[tuple[int, int, MessageEntity]] = []
        rest: list[tuple[int, int, MessageEntity]] = []
        for span in later:
            if span[0] >= stop:
                rest.append(span)
                continue
            inside.append((span[0], min(span[1], stop), span[2]))
            if span[1] > stop:  # crosses our end: split it, as HTML cannot cross
                left_over.append((stop, span[1], span[2]))
        parts.append(escape(text[position:first]))
        opening, closing = _tags(entity, text[first:stop])
        parts += [opening, _render(text, inside, first, stop), closing]
        position, spans = stop, [*left_over, *rest]
    parts.append(escape(text[position:end]))
    return "".join(parts)
